"""What `search.strategies.base` promises, for every strategy there is."""

import dataclasses
import functools
import io
import random
import subprocess
import sys

import numpy as np
import pytest

from search.spaces.base import Decision, SearchSpace
from search.spaces.nasnet import NASNetSpace
from search.strategies import STRATEGIES, create_strategy
from search.trial import Evaluation, Trial, TrialState

# Options with which a strategy learns within a few trials. Every strategy has
# an entry, without which its search might be random all the while.
OPTIONS = {
    "auto": {"initial": 3},
    "random": {},
    "grid": {},
    "ppo": {"minibatch": 4, "learning_rate": 0.1},
    "reinforce": {"minibatch": 4, "learning_rate": 0.1},
    "regularized-evolution": {"population": 4, "sample": 2},
    "local-search": {"starts": 2},
    "predictor": {"initial": 3, "refit": 2},
    "progressive": {"beam": 3},
    "one-shot": {},
    "enas": {"minibatch": 4, "learning_rate": 0.1},
    "darts": {},
}
LEARN_NOTHING = ("random", "grid", "one-shot", "darts")
TRIALS = 18


class FreeSpace(SearchSpace):
    """Decisions of no particular kind, one of them without a choice."""

    name = "free"
    version = 1
    decisions = tuple(
        Decision(f"decision/{position}", tuple("abcde"[:count]))
        for position, count in enumerate((2, 1, 5, 3))
    )

    def decode(self, decisions):
        return "".join(self.to_names(decisions).values())

    def encode(self, architecture):
        return tuple("abcde".index(letter) for letter in architecture)

    def describe(self):
        return {"name": self.name, "version": self.version}


class ExhaustedSpace(FreeSpace):
    """Fewer architectures than a search has trials."""

    name = "exhausted"
    decisions = FreeSpace.decisions[:2] + FreeSpace.decisions[3:]


class SingleSpace(FreeSpace):
    """A single architecture."""

    name = "single"
    decisions = FreeSpace.decisions[1:2]


SPACES = {
    "free": FreeSpace(),
    "nasnet": NASNetSpace(blocks=1),
    "exhausted": ExhaustedSpace(),
    "single": SingleSpace(),
}

every_strategy = pytest.mark.parametrize("name", STRATEGIES)
# The lag: how many trials are under way when another is proposed.
SEARCHES = (("nasnet", 3), ("free", 0), ("exhausted", 1))
POLICIES = ("ppo", "reinforce", "enas")  # which TensorFlow makes slow
every_search = pytest.mark.parametrize(
    ("name", "space", "lag"),
    [
        pytest.param(
            name,
            space,
            lag,
            marks=[pytest.mark.large]
            if name in POLICIES and space != "nasnet"
            else [],
        )
        for name in STRATEGIES
        for space, lag in SEARCHES
    ],
)


def create(name, space, seed=0):
    def suggest(number):
        rng = np.random.default_rng((seed, number))
        return SPACES[space].decode(SPACES[space].sample(rng))

    strategy = create_strategy(name, SPACES[space], seed, **OPTIONS[name])
    strategy.prepare(suggest)
    return strategy


def finish(number, decisions):
    """The outcome of a proposal: of every kind in turn, and of it alone."""
    reward = sum(choice * (1 + at) for at, choice in enumerate(decisions)) / 99
    evaluation = Evaluation(reward)
    original = max(0, number - 1)
    outcomes = {
        2: {"state": TrialState.FAILED, "reason": "It diverged."},
        4: {"state": TrialState.REFUSED, "reason": "It is too large."},
        5: {"state": TrialState.DUPLICATE, "duplicate_of": original},
        6: {
            "state": TrialState.DUPLICATE,
            "duplicate_of": original,
            "evaluations": (evaluation,),
        },
    }
    complete = {"state": TrialState.COMPLETE, "evaluations": (evaluation,)}
    return Trial(number, decisions, **outcomes.get(number % 7, complete))


def fail(number, decisions):
    """No proposal comes to anything."""
    state = TrialState.FAILED if number % 2 else TrialState.REFUSED
    return Trial(number, decisions, state, reason="It is too large.")


def drive(strategy, trials, lag, finish=finish):
    """Takes a search from `trials` to its end, in the order of the contract.

    A restored strategy is told again the trials that it has not learnt from.

    Returns:
        All trials, and the state and `learned` before each proposal.
    """
    trials, states = list(trials), []
    for trial in trials:
        strategy.proposed(trial.decisions)
    told = strategy.learned
    for number in range(len(trials), TRIALS):
        while told < number - lag:
            strategy.tell(trials[told])
            told += 1
        states.append((strategy.state(), strategy.learned))
        decisions = strategy.ask(number)
        strategy.proposed(decisions)
        trials.append(finish(number, decisions))
    return trials, states


@functools.cache
def search(name, space, lag, seed=0):
    """A strategy after a search, and what `drive` returns of it."""
    strategy = create(name, space, seed)
    return strategy, *drive(strategy, [], lag)


@every_search
def test_proposals_are_decision_vectors_of_the_space(name, space, lag):
    _, trials, _ = search(name, space, lag)
    assert len(trials) == TRIALS
    for trial in trials:
        SPACES[space].check(trial.decisions)
        assert type(trial.decisions) is tuple
        assert all(type(choice) is int for choice in trial.decisions)


@every_search
def test_the_seed_alone_fixes_the_search(name, space, lag):
    _, trials, _ = search(name, space, lag)
    generators = random.getstate(), np.random.get_state()[1].tolist()
    again, _ = drive(create(name, space), [], lag)
    assert again == trials
    # It draws from no global generator.
    assert generators == (random.getstate(), np.random.get_state()[1].tolist())


def test_every_registered_strategy_is_covered():
    assert set(OPTIONS) == set(STRATEGIES)
    assert SPACES["exhausted"].size < TRIALS / 2


@every_strategy
def test_what_is_told_decides_what_is_proposed(name):
    def finish_otherwise(number, decisions):
        trial = finish(number, tuple(-choice for choice in decisions))
        return dataclasses.replace(trial, decisions=decisions)

    searches = [
        search(name, "free", lag=0)[1],
        drive(create(name, "free"), [], lag=0, finish=finish_otherwise)[0],
    ]
    one, other = ([trial.decisions for trial in trials] for trials in searches)
    assert (one == other) == (name in LEARN_NOTHING)


@every_strategy
def test_goes_on_when_nothing_ever_succeeds(name):
    trials, _ = drive(create(name, "free"), [], lag=3, finish=fail)
    for trial in trials:
        SPACES["free"].check(trial.decisions)
    assert len({trial.decisions for trial in trials}) > 2


@every_strategy
def test_goes_on_where_there_is_nothing_to_choose(name):
    trials, _ = drive(create(name, "single"), [], lag=1)
    assert {trial.decisions for trial in trials} == {(0,)}


@every_strategy
def test_another_seed_is_another_search(name):
    trials = [search(name, "free", lag=0, seed=seed)[1] for seed in range(2)]
    assert trials[0] != trials[1]


@every_search
@pytest.mark.parametrize("stop", [3, 11])
def test_a_restored_search_goes_on_as_if_never_stopped(name, space, lag, stop):
    # The search went on after it gave out these states: they are copies.
    _, trials, states = search(name, space, lag)
    state, learned = states[stop]
    assert 0 <= learned <= max(0, stop - lag)
    file = io.BytesIO()
    np.savez(file, **state)
    file.seek(0)

    restored = create(name, space)
    with np.load(file, allow_pickle=False) as arrays:
        restored.restore(dict(arrays), learned)
    assert restored.learned == learned
    resumed, _ = drive(restored, trials[:stop], lag)
    assert resumed == trials


@every_strategy
def test_has_the_name_it_is_registered_by_and_metrics(name):
    strategy, _, _ = search(name, "free", lag=0)
    assert strategy.name == name
    for metric, value in strategy.metrics().items():
        assert type(metric) is str
        assert type(value) is float
        assert np.isfinite(value)


def test_refuses_an_unknown_strategy():
    with pytest.raises(ValueError, match="Expected one of auto, random, "):
        create_strategy("annealing", SPACES["free"], 0)


@every_strategy
@pytest.mark.parametrize("option", ["temperature", "name", "seed"])
def test_refuses_an_unknown_option(name, option):
    with pytest.raises(ValueError, match=option):
        create_strategy(name, SPACES["free"], 0, **{option: 1.0})


def test_names_and_random_search_need_neither_keras_nor_tensorflow():
    code = (
        "import sys\n"
        "from search.spaces.nasnet import NASNetSpace\n"
        "from search.strategies import STRATEGIES, create_strategy\n"
        "import search.strategies.policy\n"
        "print(*STRATEGIES)\n"
        "create_strategy('random', NASNetSpace(), 0).ask(0)\n"
        "print({'keras', 'tensorflow'} & set(sys.modules))\n"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert output.splitlines() == [" ".join(STRATEGIES), "set()"]
