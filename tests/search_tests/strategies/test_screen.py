"""What is trained of many samples."""

import numpy as np
import pytest

import search
from search.spaces.nasnet import NASNetSpace
from search.strategies import create_strategy
from search.strategies.screen import INITIAL, Screen
from search.strategies.surrogate import Surrogate
from search.trial import Evaluation, Trial, TrialState

SPACE = NASNetSpace(2)


def convolutions(architecture):
    blocks = [*architecture.normal.blocks, *architecture.reduction.blocks]
    return sum("conv" in op for block in blocks for op in block.operations)


def drawn(count, seed=0):
    rng = np.random.default_rng(seed)
    return [SPACE.sample(rng) for _ in range(count)]


def test_random_search_trains_what_scores_highest():
    options = {"screen": 8, "scores": ["parameters"]}
    strategy = create_strategy("random", SPACE, 0, **options)
    strategy.prepare(None, lambda name, cell: convolutions(cell))
    for number in range(3):
        rng = strategy.rng(number)
        samples = [SPACE.sample(rng) for _ in range(8)]
        most = max(convolutions(SPACE.decode(each)) for each in samples)
        chosen = strategy.ask(number)
        assert chosen in samples
        assert convolutions(SPACE.decode(chosen)) == most


@pytest.mark.parametrize("name", ["random", "ppo"])
def test_nothing_is_proposed_twice_while_there_is_something_else(name):
    """In a space so small that samples repeat."""
    space = NASNetSpace(1, operations=["identity", "sep_conv_3x3"], cells=1)
    options = {"screen": 50, "scores": ["parameters"]}
    strategy = create_strategy(name, space, 0, **options)
    strategy.prepare(None, lambda name, cell: convolutions(cell))
    keys = []
    for number in range(5):
        proposal = strategy.ask(number)
        strategy.proposed(proposal)
        keys.append(space.canonical(proposal))
    assert len(set(keys)) == 5


def test_what_cannot_be_scored_is_left_out():
    cells = drawn(3)
    scores = dict(zip(cells, (np.nan, 1.0, 2.0), strict=True))
    screen = Screen(SPACE, ["parameters"])
    screen.prepare(lambda name, cell: scores[SPACE.encode(cell)])
    assert screen.choose(cells) == cells[2]
    assert screen.choose([cells[0]] * 2) == cells[0]
    scores[cells[1]] = scores[cells[2]] = np.nan
    again = Screen(SPACE, ["parameters"])
    again.prepare(lambda name, cell: scores[SPACE.encode(cell)])
    assert again.choose(cells) == cells[0]


def test_a_surrogate_never_sees_what_has_no_score():
    """Neither among the rewards nor among the candidates."""
    cells = drawn(16)
    scores = dict(zip(cells, np.arange(16.0), strict=True))
    scores[cells[0]] = scores[cells[12]] = scores[cells[15]] = np.nan
    screen = Screen(SPACE, ["parameters"])
    screen.prepare(lambda name, cell: scores[SPACE.encode(cell)])
    for number, cell in enumerate(cells[:11]):
        reward = Evaluation(float(number))
        screen.tell(Trial(number, cell, TrialState.COMPLETE, (reward,)))
    assert screen.choose([cells[1], cells[12]]) == cells[12]
    assert screen.choose(cells[12:]) in cells[13:15]


def test_several_scores_are_added_by_rank():
    """Neither the first of one nor the first of the other, but the second of
    both."""
    cells = drawn(4)
    scores = {
        "parameters": dict(zip(cells, (1e9, 3, 2, 1), strict=True)),
        "naswot": dict(zip(cells, (0, 3, 2, 4), strict=True)),
    }
    screen = Screen(SPACE, list(scores))
    screen.prepare(lambda name, cell: scores[name][SPACE.encode(cell)])
    assert screen.choose(cells) == cells[1]


def test_the_surrogate_learns_from_scores():
    """Rewards that follow from a score alone, which the space cannot see."""
    cells = drawn(60)
    values = np.random.default_rng(1).normal(size=60)
    hidden = dict(zip(cells, values, strict=True))
    surrogate = Surrogate(SPACE, scores=lambda cell: (hidden[cell],))
    surrogate.fit(cells[:30], values[:30])
    estimates = surrogate.mean(cells[30:])
    assert np.corrcoef(estimates, values[30:])[0, 1] > 0.9


def test_failed_trials_are_as_bad_as_the_worst_and_stay_so():
    """Of cells with convolutions, which fail, and others."""
    cells = drawn(120)
    middle = np.median([convolutions(SPACE.decode(each)) for each in cells])
    fails = [convolutions(SPACE.decode(each)) > middle for each in cells]
    screen = Screen(SPACE)
    rng = np.random.default_rng(0)
    for number in range(80):
        evaluations = () if fails[number] else (Evaluation(rng.random()),)
        state = TrialState.FAILED if fails[number] else TrialState.COMPLETE
        reason = "It diverged." if fails[number] else None
        screen.tell(Trial(number, cells[number], state, evaluations, reason))
    again = Screen(SPACE)
    again.restore(screen.state(80))
    chosen = []
    for start in range(80, 120, 5):
        candidates = cells[start : start + 5]
        chosen.append(screen.choose(candidates))
        assert again.choose(candidates) == chosen[-1]
    failing = [fails[cells.index(each)] for each in chosen]
    assert np.mean(failing) < np.mean(fails[80:])


def test_after_the_first_rewards_it_asks_the_surrogate():
    cells = drawn(30)
    # The score says the opposite of the rewards.
    worth = {cell: convolutions(SPACE.decode(cell)) for cell in cells}
    screen = Screen(SPACE, ["parameters"])
    screen.prepare(lambda name, cell: -convolutions(cell))
    for number, cell in enumerate(cells[:20]):
        reward = Evaluation(float(worth[cell]))
        screen.tell(Trial(number, cell, TrialState.COMPLETE, (reward,)))
    assert INITIAL <= 20
    least = min(worth[cell] for cell in cells[20:])
    assert worth[screen.choose(cells[20:])] > least


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("random", {"screen": 4}, "`screen` and `scores` disagree"),
        ("random", {"scores": ["naswot"]}, "`screen` and `scores` disagree"),
        ("ppo", {"scores": ["naswot"]}, "`screen` and `scores` disagree"),
        (
            "random",
            {"screen": 4, "scores": "naswot"},
            "Expected a list of names of evaluators",
        ),
    ],
)
def test_wrong_options_are_a_sentence(name, options, message):
    with pytest.raises(ValueError, match=message):
        create_strategy(name, SPACE, 0, **options)


def test_a_run_filters_by_a_score_of_its_children(tmp_path):
    """The run's own networks are scored, and its evaluator trains none."""
    run = search.run(
        dataset="digits",
        strategy="random",
        strategy_options={"screen": 6, "scores": ["parameters"]},
        evaluator="parameters",
        space_options={"blocks": 1},
        child={"filters": 4},
        trials=2,
        output=tmp_path / "run",
    )
    space = run.space
    evaluator_of = {t.decisions: t.reward for t in run.trials}
    assert len(evaluator_of) == 2
    rng = np.random.default_rng((run.config.seed, 0))
    samples = [space.sample(rng) for _ in range(6)]
    assert run.trials[0].decisions in samples
    alone = search.run(
        dataset="digits",
        strategy="random",
        evaluator="parameters",
        space_options={"blocks": 1},
        child={"filters": 4},
        trials=2,
        output=tmp_path / "alone",
    )
    assert sum(evaluator_of.values()) > sum(t.reward for t in alone.trials)
