from collections import Counter

import pytest

from search.spaces.nasnet import NASNetSpace
from search.strategies.regularized_evolution import RegularizedEvolution


def changes(space, one, other):
    """The decisions in which two vectors differ."""
    return [
        decision
        for decision, a, b in zip(space.decisions, one, other, strict=True)
        if a != b
    ]


def test_finds_better_architectures_than_random(
    space, additive, drive, best_of_random
):
    trials = drive(RegularizedEvolution(space, seed=0), additive, 100)
    assert max(trial.reward for trial in trials) > best_of_random + 0.02


def test_a_child_is_one_mutation_from_a_member(space, additive, drive):
    strategy = RegularizedEvolution(space, 0, population=5, sample=2)
    trials = drive(strategy, additive, 60)
    for number in range(5, 60):
        distances = [
            len(changes(space, member.decisions, trials[number].decisions))
            for member in trials[number - 5 : number]
        ]
        assert min(distances) <= 1


def test_the_oldest_member_leaves_however_good(complete):
    space = NASNetSpace(blocks=1)
    strategy = RegularizedEvolution(space, 0, population=3, sample=50)
    for number, reward in enumerate([0.9, 0.1, 0.2, 0.3]):
        strategy.tell(complete(number, strategy.ask(number), reward))
    assert [trial.number for trial in strategy.population] == [1, 2, 3]


def test_the_parent_is_the_best_of_the_sample(space, complete):
    strategy = RegularizedEvolution(space, 0, 3, sample=50, identity=1.0)
    members = [strategy.ask(number) for number in range(3)]
    for number, reward in enumerate([0.1, 0.9, 0.2]):
        strategy.tell(complete(number, members[number], reward))
    assert [strategy.ask(number) for number in (3, 4)] == [members[1]] * 2


def test_mutations_change_inputs_operations_and_now_and_then_combiners(
    complete,
):
    space = NASNetSpace(blocks=5)
    strategy = RegularizedEvolution(space, 0, population=1, sample=1)
    parent = strategy.ask(0)
    strategy.tell(complete(0, parent, 0.5))
    counts = Counter()
    for number in range(1, 2001):
        changed = changes(space, parent, strategy.ask(number))
        counts[changed[0].kind if changed else "identity"] += 1
        assert len(changed) <= 1
    shares = {kind: count / 2000 for kind, count in counts.items()}
    assert shares == pytest.approx(
        {
            "identity": 0.05,
            "input": 0.95 * 0.4,
            "operation": 0.95 * 0.4,
            "combiner": 0.95 * 0.2,
        },
        abs=0.04,
    )


def test_a_failed_child_never_enters(space, complete, failed):
    strategy = RegularizedEvolution(space, 0, population=2)
    strategy.tell(failed(0, strategy.ask(0)))
    strategy.tell(complete(1, strategy.ask(1), 0.5))
    strategy.tell(failed(2, strategy.ask(2)))
    assert [trial.number for trial in strategy.population] == [1]


def test_the_papers_settings_are_options(space):
    strategy = RegularizedEvolution(space, 0, **RegularizedEvolution.paper())
    assert strategy.population.maxlen == 100
    assert strategy.sample == 25


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("population", 0, "an integer from 1"),
        ("sample", 2.5, "an integer from 1"),
        ("identity", 1.5, "a number from 0 to 1"),
        ("identity", "high", "a number from 0 to 1"),
    ],
)
def test_refuses_settings_out_of_range(space, setting, value, expected):
    with pytest.raises(ValueError, match=f"`{setting}`. Expected {expected}"):
        RegularizedEvolution(space, 0, **{setting: value})
