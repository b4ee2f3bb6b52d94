"""What `search.strategies.base` promises, for every strategy there is."""

import importlib.util
import subprocess
import sys

import pytest

from search.strategies import STRATEGIES, create_strategy
from search.testing.strategy_checks import (
    SEARCHES,
    SPACES,
    STOPS,
    TRIALS,
    StrategyContract,
)

# Options with which a strategy learns within a few trials. Every strategy has
# an entry, without which its search might be random all the while.
OPTIONS = {
    "auto": {"initial": 3},
    "random": {},
    "grid": {},
    "ppo": {"minibatch": 4, "learning_rate": 0.1},
    "reinforce": {"minibatch": 4, "learning_rate": 0.1},
    "regularized-evolution": {"population": 4, "sample": 2},
    "nsga2": {"population": 4},
    "local-search": {"starts": 2},
    "predictor": {"initial": 3, "refit": 2},
    "bayesian": {"initial": 3},
    "bohb": {"random_share": 0.1, "least": 3},
    "optuna-tpe": {"initial": 3},
    "optuna-gp": {"initial": 3},
    "progressive": {"beam": 3},
    "one-shot": {},
    "enas": {"minibatch": 4, "learning_rate": 0.1},
    "darts": {},
    "proxylessnas": {},
}
# What strategies need that is not installed with the package.
EXTRAS = {"optuna-tpe": ("optuna",), "optuna-gp": ("optuna", "torch")}
LEARN_NOTHING = ("random", "grid", "one-shot", "darts", "proxylessnas")


def _contract(name):
    def create(space, seed):
        return create_strategy(name, space, seed, **OPTIONS[name])

    return StrategyContract(create, learns=name not in LEARN_NOTHING)


CONTRACTS = {name: _contract(name) for name in OPTIONS}

POLICIES = ("ppo", "reinforce", "enas")  # which TensorFlow makes slow


def _marks(name, space="nasnet"):
    missing = [
        package
        for package in EXTRAS.get(name, ())
        if importlib.util.find_spec(package) is None
    ]
    marks = [pytest.mark.skipif(bool(missing), reason=f"needs {missing}")]
    if name == "optuna-gp" or (name in POLICIES and space != "nasnet"):
        marks.append(pytest.mark.large)
    return marks


every_strategy = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=_marks(name)) for name in STRATEGIES]
)
every_search = pytest.mark.parametrize(
    ("name", "space", "lag"),
    [
        pytest.param(
            name,
            space,
            lag,
            marks=_marks(name, space),
        )
        for name in STRATEGIES
        for space, lag in SEARCHES
    ],
)


def test_every_registered_strategy_is_covered():
    assert set(OPTIONS) == set(STRATEGIES)
    assert SPACES["exhausted"].size < TRIALS / 2


@every_search
def test_proposals_are_decision_vectors_of_the_space(name, space, lag):
    CONTRACTS[name].check_proposals(space, lag)


@every_search
def test_the_seed_alone_fixes_the_search(name, space, lag):
    CONTRACTS[name].check_the_seed_fixes_the_search(space, lag)


@every_search
@pytest.mark.parametrize("stop", STOPS)
def test_a_restored_search_goes_on_as_if_never_stopped(name, space, lag, stop):
    CONTRACTS[name].check_it_is_restored(space, lag, stop)


@every_strategy
def test_what_is_told_decides_what_is_proposed(name):
    CONTRACTS[name].check_rewards_matter()


@every_strategy
def test_goes_on_when_nothing_ever_succeeds(name):
    CONTRACTS[name].check_nothing_succeeds()


@every_strategy
def test_goes_on_where_there_is_nothing_to_choose(name):
    CONTRACTS[name].check_nothing_to_choose()


@every_strategy
def test_another_seed_is_another_search(name):
    CONTRACTS[name].check_another_seed()


@every_strategy
def test_has_the_name_it_is_registered_by_and_metrics(name):
    CONTRACTS[name].check_metrics()
    assert CONTRACTS[name].create("free").name == name


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
