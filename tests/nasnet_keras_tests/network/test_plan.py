import pytest

from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.network.plan import NetworkPlan
from nasnet_keras.published import NASNET_A, NASNET_B, PNASNET_5


def plan(genotype=NASNET_A, **changes):
    arguments = {
        "input_shape": (224, 224, 3),
        "classes": 1000,
        "repeats": 4,
        "filters": 44,
        "stem": "imagenet",
        "stem_filters": None,
        "skip_reduction_layer_input": False,
        "conventions": Conventions(data_format="channels_last"),
        "frame": "nasnet",
    }
    return NetworkPlan(genotype, **{**arguments, **changes})


@pytest.mark.parametrize(
    ("image", "repeats", "sides"),
    [(224, 4, [111, 56, 28, 14, 7]), (331, 6, [165, 83, 42, 21, 11])],
    ids=["mobile", "large"],
)
def test_sizes_are_those_of_the_published_networks(image, repeats, sides):
    """TF-slim's tests; the stem's two, then the cells of three stages."""
    planned = plan(repeats=repeats)
    cells = [1, 1, repeats + 1, repeats + 1, repeats + 1]
    expected = [
        (side, side)
        for side, count in zip(sides, cells, strict=True)
        for _ in range(count)
    ]
    assert planned.sizes((image, image)) == expected
    levels = zip(range(1, 6), cells, strict=True)
    assert planned.levels == [n for n, count in levels for _ in range(count)]


def test_sides_may_be_odd_and_differ():
    planned = plan(PNASNET_5, stem="cifar", repeats=1, frame="pnasnet")
    assert planned.sizes((9, 14)) == [(9, 14), (9, 14), (5, 7), (3, 4)]


def test_what_the_auxiliary_head_reads():
    """The last cell before the second reduction: 14 x 14 in Mobile."""
    planned = plan()
    assert planned.sizes((224, 224))[planned.auxiliary_input] == (14, 14)
    place = planned.cells[planned.auxiliary_input - 1]
    assert place.name == "cell_7"
    assert planned.cells[planned.auxiliary_input].name == "reduction_cell_2"
    assert planned.spec(place) is NASNET_A.normal


def test_the_data_format_says_where_the_channels_are():
    first = plan(
        input_shape=[1, None, 40],
        conventions=Conventions(data_format="channels_first"),
    )
    assert first.input_shape == (1, None, 40)
    assert (first.image_size, first.image_channels) == ((None, 40), 1)
    assert plan().image_channels == 3
    with pytest.raises(ValueError, match="`input_shape`.*channels_first"):
        plan(
            input_shape=(None, 40, 40),
            conventions=Conventions(data_format="channels_first"),
        )


def test_separate_states_are_planned_by_the_genotype():
    assert {len(cell.inputs) for cell in plan(NASNET_B).cells} == {1}
    assert len(plan(NASNET_B).cells[1].input_strides) == 4
