import numpy as np
import pytest

from search.spaces.choices import ChoiceSpace
from search.spaces.layerwise import LayerwiseSpace
from search.spaces.nasnet import NASNetSpace
from search.trial import Trial
from search.views.report.choice_usage import alike, heat, usage_of


def usage(space, trials, kind):
    (positions,) = alike(space.decisions, kind).values() or [()]
    return usage_of(space.decisions, trials, positions)


def trials(decisions):
    return [Trial(number, vector) for number, vector in enumerate(decisions)]


def vector(space, **choices):
    """Decisions by slot, the same in every block."""
    return tuple(
        choices.get(decision.name.split("/")[-1], 0)
        for decision in space.decisions
    )


def test_shares_by_quarter(space):
    first = vector(space, operation_1=3, operation_2=3)
    then = vector(space, operation_1=3, operation_2=7)
    found = usage(space, trials([first] * 6 + [then] * 2), "operation")
    assert found.parts == [(0, 1), (2, 3), (4, 5), (6, 7)]
    assert found.shares["dil_conv_3x3"] == (
        pytest.approx(1 / 13),
        pytest.approx([1, 1, 1, 0.5]),
    )
    assert found.shares["max_pool_7x7"][1] == pytest.approx([0, 0, 0, 0.5])
    assert found.shares["identity"][1] == [0, 0, 0, 0]


def test_inputs_are_compared_with_even_draws(space):
    rng = np.random.default_rng(0)
    sampled = trials(space.sample(rng) for _ in range(4000))
    found = usage(space, sampled, "input")
    # Two blocks: the first has 2 states to read, the second 3.
    assert found.shares["0"][0] == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert found.shares["2"][0] == pytest.approx((1 / 3) / 2)
    for even, shares in found.shares.values():
        assert shares == pytest.approx([even] * 4, abs=0.02)
    totals = np.sum([shares for _, shares in found.shares.values()], axis=0)
    assert totals == pytest.approx([1] * 4)


def test_a_short_search_has_fewer_parts(space):
    found = usage(space, trials([vector(space)] * 2), "combiner")
    assert found.parts == [(0, 0), (1, 1)]
    assert found.shares == {
        "add": (0.5, [1.0, 1.0]),
        "concat": (0.5, [0.0, 0.0]),
    }


def test_numbers_of_the_same_choices_are_counted_together():
    space = LayerwiseSpace(2, strides="searched")
    found = alike(space.decisions, "ordered")
    assert list(found) == [
        "height, width",
        "stride_height, stride_width",
        "filters",
    ]
    assert [len(positions) for positions in found.values()] == [4, 4, 2]
    proposed = trials([(0,) * len(space.decisions)])
    strides = found["stride_height, stride_width"]
    shares = usage_of(space.decisions, proposed, strides).shares
    assert list(shares) == ["1", "2", "3"] and shares["1"][1] == [1.0]


def test_choices_of_one_name_are_counted_apart():
    space = ChoiceSpace({"bias": [False, True], "skip": [False, True]}, str)
    found = alike(space.decisions, "free")
    assert found == {"bias": [0], "skip": [1]}


def test_nothing_to_count(space):
    assert usage(space, [], "operation") is None
    assert usage(space, trials([vector(space)]), "free") is None
    one_combiner = NASNetSpace(2, ("add",))
    proposed = trials([vector(one_combiner)])
    assert usage(one_combiner, proposed, "combiner") is None


@pytest.mark.parametrize(
    ("share", "colour"),
    [(0.1, 0), (0.2, 0.5), (0.4, 1), (0.9, 1), (0.05, -0.5), (0, -1)],
)
def test_the_colour_of_a_share(share, colour):
    assert heat(share, even=0.1) == pytest.approx(colour)
