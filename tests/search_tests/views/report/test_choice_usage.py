import numpy as np
import pytest

from search.spaces.nasnet import NASNetSpace
from search.trial import Trial
from search.views.report.choice_usage import heat, usage_of


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
    usage = usage_of(space, trials([first] * 6 + [then] * 2), "operation")
    assert usage.parts == [(0, 1), (2, 3), (4, 5), (6, 7)]
    assert usage.shares["dil_conv_3x3"] == (
        pytest.approx(1 / 13),
        pytest.approx([1, 1, 1, 0.5]),
    )
    assert usage.shares["max_pool_7x7"][1] == pytest.approx([0, 0, 0, 0.5])
    assert usage.shares["identity"][1] == [0, 0, 0, 0]


def test_inputs_are_compared_with_even_draws(space):
    rng = np.random.default_rng(0)
    sampled = trials(space.sample(rng) for _ in range(4000))
    usage = usage_of(space, sampled, "input")
    # Two blocks: the first has 2 states to read, the second 3.
    assert usage.shares["0"][0] == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert usage.shares["2"][0] == pytest.approx((1 / 3) / 2)
    for even, shares in usage.shares.values():
        assert shares == pytest.approx([even] * 4, abs=0.02)
    totals = np.sum([shares for _, shares in usage.shares.values()], axis=0)
    assert totals == pytest.approx([1] * 4)


def test_a_short_search_has_fewer_parts(space):
    usage = usage_of(space, trials([vector(space)] * 2), "combiner")
    assert usage.parts == [(0, 0), (1, 1)]
    assert usage.shares == {
        "add": (0.5, [1.0, 1.0]),
        "concat": (0.5, [0.0, 0.0]),
    }


def test_nothing_to_count(space):
    assert usage_of(space, [], "operation") is None
    assert usage_of(space, trials([vector(space)]), "free") is None
    one_combiner = NASNetSpace(2, ("add",))
    proposed = trials([vector(one_combiner)])
    assert usage_of(one_combiner, proposed, "combiner") is None


@pytest.mark.parametrize(
    ("share", "colour"),
    [(0.1, 0), (0.2, 0.5), (0.4, 1), (0.9, 1), (0.05, -0.5), (0, -1)],
)
def test_the_colour_of_a_share(share, colour):
    assert heat(share, even=0.1) == pytest.approx(colour)
