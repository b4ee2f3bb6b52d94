import json

import keras
import pytest

from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.kinds.cells import CellsKind
from nasnet_keras.published import NASNET_A


def test_cells_are_formulas():
    normal = CellSpec(
        (
            Block((0, 1), ("sep_conv_3x3", "identity")),
            Block((2, 0), ("avg_pool_3x3", "conv_1x1"), "concat"),
        )
    )
    reduction = CellSpec((Block((1, 1), ("identity", "identity")),))
    assert CellsKind().text(Genotype(normal, reduction)).splitlines() == [
        "normal cell",
        "  2 = add(sep_conv_3x3(0), identity(1))",
        "  3 = concat(avg_pool_3x3(2), conv_1x1(0))",
        "  output = concat(3)",
        "reduction cell",
        "  2 = add(identity(1), identity(1))",
        "  output = concat(2)",
    ]


def test_networks_are_built_as_they_are_counted():
    kind = CellsKind()
    arguments = {"repeats": 1, "filters": 4, "drop_path_rate": 0.1}
    keras.utils.clear_session()
    model = kind.build(NASNET_A, [16, 16, 3], 7, **arguments)
    cost = kind.complexity(NASNET_A, [16, 16, 3], 7, **arguments)
    clocks = sum(weight.name == "step" for weight in model.weights)
    assert cost.parameters == model.count_params() - clocks
    assert model.output_shape == (None, 7)


@pytest.mark.parametrize("method", ["build", "complexity"])
def test_an_unknown_argument_is_a_sentence(method):
    call = getattr(CellsKind(), method)
    with pytest.raises(ValueError, match="Received: layers"):
        call(NASNET_A, (16, 16, 3), 7, layers=3)


def test_data_are_json_both_ways():
    kind = CellsKind()
    data = json.loads(json.dumps(kind.to_data(NASNET_A)))
    assert kind.from_data(data) == NASNET_A
    assert set(kind.pictures(NASNET_A)) == {"normal", "reduction"}
