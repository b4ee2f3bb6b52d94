import numpy as np
import pytest

from nasnet_keras.kinds.graphs.hierarchical import HierarchicalKind
from nasnet_keras.kinds.graphs.motif_hierarchy import LIU_2018, MotifHierarchy

KIND = HierarchicalKind()
SMALL = {"repeats": 1, "filters": 4}


def test_the_network_of_the_paper_has_its_parameters():
    """15.7 million."""
    cost = KIND.complexity(LIU_2018, (32, 32, 3), 10)
    assert cost.trainable_parameters == 15_727_306


def test_a_cell_computes_what_its_edges_say():
    """An identity and a depthwise convolution side by side, joined; behind
    each motif a 1x1 convolution."""
    architecture = MotifHierarchy(("i-i", "d--"), "1-1")
    model = KIND.build(architecture, (8, 8, 3), 2, **SMALL)
    layer = model.get_layer("stage_1_cell_1")
    states = np.random.default_rng(0).normal(size=(1, 8, 8, 4)).astype("f")
    layers = (one for one in layer.layers if one is not None)
    first, second, depthwise, pointwise = layers
    expected = states
    for unit in (first, second):
        kernel = np.asarray(unit.kernel)[0, 0]
        expected = np.maximum(expected @ kernel / np.sqrt(1 + 1e-5), 0)
    expected = np.maximum(pointwise(depthwise(expected)), 0)
    assert expected.shape == (1, 4, 4, 8)
    np.testing.assert_allclose(layer(states), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        # Motif 2 alone is used, and there no edge leads on from node 2.
        ("mmm/sa- 2-2", "-a- 1-1"),
        # Motif 1 has no path: no edge.
        ("m--/-i- 121", "-i- -1-"),
        # Equal motifs are one; the first in the cell is the first.
        ("i-i/s-s/s-s 3-2", "s-s 1-1"),
        # Nothing leads through the cell.
        ("i-i 1--", "--- ---"),
    ],
)
def test_what_is_not_used_is_left_out(text, short):
    architecture = MotifHierarchy.from_text(text)
    assert architecture.reduced.text == short
    costs = {
        KIND.complexity(each, (8, 8, 3), 2, **SMALL)
        for each in (architecture, architecture.reduced)
    }
    assert len(costs) == 1


def test_a_cell_without_a_path_passes_on_what_it_reads():
    architecture = MotifHierarchy(("i-i",), "1--")
    model = KIND.build(architecture, (8, 8, 3), 2, **SMALL)
    cost = KIND.complexity(architecture, (8, 8, 3), 2, **SMALL)
    assert model.count_params() == cost.parameters
    assert len(model.get_layer("stage_1_cell_1").weights) == 6


@pytest.mark.parametrize(
    "data",
    [
        *("", "mps", "mps 4--", "mps 1-", "xps 1--", "mp 1--", "mps/m 1--"),
        *("mps 1-- ", " 1--", "mps/" * 9 + "mps 1--", "m" * 999 + " 1", 3),
    ],
)
def test_other_texts_are_refused_with_a_sentence(data):
    with pytest.raises(ValueError, match="Expected.*Received") as error:
        KIND.from_data(data)
    assert len(str(error.value)) < 500
