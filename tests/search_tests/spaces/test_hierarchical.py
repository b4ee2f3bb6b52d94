import pytest

from nasnet_keras.kinds.graphs.motif_hierarchy import LIU_2018, MotifHierarchy
from search.spaces.hierarchical import HierarchicalSpace

SPACE = HierarchicalSpace()


def test_the_decisions_are_edges_of_motifs_and_of_the_cell():
    assert SPACE.size == 7**46
    assert SPACE.groups == 7
    names = [decision.name for decision in SPACE.decisions]
    assert (names[0], names[5], names[-1]) == (
        *("motif_1/2/1", "motif_1/4/3", "cell/5/4"),
    )


def test_the_network_of_the_paper_is_in_the_space():
    decisions = SPACE.encode(LIU_2018)
    assert SPACE.decode(decisions) == LIU_2018
    names = SPACE.to_names(decisions)
    assert names["motif_1/2/1"] == "max_pool_3x3"
    assert names["cell/2/1"] == "motif_5"
    short = SPACE.decode(SPACE.canonical(decisions))
    # Motifs 2 and 6 are not used.
    assert short.motifs[4:] == ("------",) * 2


def test_the_order_of_motifs_does_not_matter():
    one = MotifHierarchy(("mmmmmm", "ssssss"), "1212121212")
    other = MotifHierarchy(one.motifs[::-1], "2121212121")
    space = HierarchicalSpace(2)
    forms = {space.canonical(space.encode(each)) for each in (one, other)}
    assert len(forms) == 1


def test_hierarchies_of_other_sizes_are_refused():
    with pytest.raises(ValueError, match="6 motifs of 6 edges and a cell of"):
        SPACE.encode(MotifHierarchy(("mps",), "1--"))


@pytest.mark.parametrize(
    "arguments",
    [
        *({"motifs": value} for value in (0, 10, "6")),
        *({"motif_nodes": value} for value in (1, 7)),
        *({"cell_nodes": value} for value in (1, None)),
    ],
)
def test_errors_name_the_argument(arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=f"`{name}`.*Received: {name}="):
        HierarchicalSpace(**arguments)
