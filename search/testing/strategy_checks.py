"""What `search.strategies.base` promises, as checks of one strategy."""

import dataclasses
import io
import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from search.spaces.base import SearchSpace
from search.spaces.nasnet import NASNetSpace
from search.strategies.base import Strategy
from search.testing.contract import expect
from search.testing.letter_space import LetterSpace
from search.trial import Decisions, Evaluation, Trial, TrialState

TRIALS = 18

SPACES: dict[str, SearchSpace] = {
    "free": LetterSpace((2, 1, 5, 3)),
    "nasnet": NASNetSpace(blocks=1),
    "exhausted": LetterSpace((2, 1, 3)),  # fewer architectures than trials
    "single": LetterSpace((1,)),
}
# The lag: how many trials are under way when another is proposed.
SEARCHES = (("nasnet", 3), ("free", 0), ("exhausted", 1))
STOPS = (3, 11)  # before these proposals a search is stopped

Finish = Callable[[int, Decisions], Trial]


def check_strategy(
    create: Callable[[SearchSpace, int], Strategy], learns: bool = True
) -> None:
    """Checks that a strategy keeps the contract of `Strategy`, in searches of
    18 trials.

    Args:
        create: The strategy, given a space and a seed: its class, or a
            function that gives it options by which it learns within a few
            trials.
        learns: Whether rewards change what it proposes. Default True.

    Raises:
        ContractError: It does not keep it.

    Example:

    >>> from functools import partial
    >>> from search.strategies.local_search import LocalSearch
    >>> check_strategy(partial(LocalSearch, starts=2))
    """
    contract = StrategyContract(create, learns)
    for space, lag in SEARCHES:
        contract.check_proposals(space, lag)
        contract.check_the_seed_fixes_the_search(space, lag)
        for stop in STOPS:
            contract.check_it_is_restored(space, lag, stop)
    contract.check_rewards_matter()
    contract.check_another_seed()
    contract.check_nothing_succeeds()
    contract.check_nothing_to_choose()
    contract.check_metrics()


class Search(NamedTuple):
    """A search that was driven to its end.

    Attributes:
        strategy: As it is then.
        trials: All of them.
        states: The state and `learned` before each proposal.
    """

    strategy: Strategy
    trials: list[Trial]
    states: list[tuple[Any, int]]


class StrategyContract:
    """The checks of one strategy, which share its searches.

    Args:
        create, learns: See `check_strategy`.
    """

    def __init__(
        self,
        create: Callable[[SearchSpace, int], Strategy],
        learns: bool = True,
    ) -> None:
        self._create = create
        self._learns = learns
        self._searches: dict[tuple[str, int, int], Search] = {}

    def check_proposals(self, space: str, lag: int) -> None:
        """A proposal is a tuple of integers, a vector of the space."""
        for trial in self.search(space, lag).trials:
            SPACES[space].check(trial.decisions)
            expect(
                type(trial.decisions) is tuple
                and all(type(choice) is int for choice in trial.decisions),
                "`ask` should return a tuple of plain integers. Received: "
                f"{trial.decisions!r}.",
            )

    def check_the_seed_fixes_the_search(self, space: str, lag: int) -> None:
        """The same seed proposes the same, from no global generator."""
        first = self.search(space, lag)
        before = _global_generators()
        again = drive(self.create(space), [], lag)
        expect(
            again.trials == first.trials,
            "The same seed and outcomes should give the same proposals: draw "
            "from `self.rng(number)` alone.",
        )
        expect(
            before == _global_generators(),
            "`ask` and `tell` should draw from no global generator.",
        )

    def check_it_is_restored(self, space: str, lag: int, stop: int) -> None:
        """A search that was stopped continues as if it never had been."""
        whole = self.search(space, lag)
        # The search continued after it gave out these states: copies.
        state, learned = whole.states[stop]
        expect(
            0 <= learned <= max(0, stop - lag),
            "`learned` should count trials that were told. Received: "
            f"{learned} before proposal {stop} with a lag of {lag}.",
        )
        file = io.BytesIO()
        np.savez(file, **state)
        file.seek(0)
        restored = self.create(space)
        with np.load(file, allow_pickle=False) as arrays:
            restored.restore(dict(arrays), learned)
        expect(
            restored.learned == learned,
            f"`learned` should be {learned} after `restore`. Received: "
            f"{restored.learned}.",
        )
        resumed = drive(restored, whole.trials[:stop], lag)
        expect(
            resumed.trials == whole.trials,
            f"A search restored before proposal {stop} should continue as the "
            "one that was never stopped. `state` should hold copies of all "
            "that was learnt from the first `learned` trials.",
        )

    def check_rewards_matter(self) -> None:
        """Other rewards, other proposals, if it learns."""

        def finish_otherwise(number: int, decisions: Decisions) -> Trial:
            trial = outcome(number, tuple(-choice for choice in decisions))
            return dataclasses.replace(trial, decisions=decisions)

        one = self.search("free", lag=0)
        other = drive(self.create("free"), [], 0, finish_otherwise)
        same = _proposals(one) == _proposals(other)
        expect(
            same != self._learns,
            "Other rewards should give "
            f"{'other' if self._learns else 'the same'} proposals.",
        )

    def check_another_seed(self) -> None:
        """Another seed, another search."""
        one, other = (self.search("free", 0, seed) for seed in range(2))
        expect(
            _proposals(one) != _proposals(other),
            "Another seed should give other proposals.",
        )

    def check_nothing_succeeds(self) -> None:
        """It continues when no trial ever completes."""
        search = drive(self.create("free"), [], 3, fail)
        for decisions in _proposals(search):
            SPACES["free"].check(decisions)
        expect(
            len(set(_proposals(search))) > 2,
            "A search in which nothing succeeds should keep trying others.",
        )

    def check_nothing_to_choose(self) -> None:
        """It continues in a space of a single architecture."""
        search = drive(self.create("single"), [], 1)
        expect(
            set(_proposals(search)) == {(0,)},
            "In a space of one architecture it should be proposed.",
        )

    def check_metrics(self) -> None:
        """It has a name, and metrics that are finite numbers."""
        strategy = self.search("free", 0).strategy
        expect(
            isinstance(strategy.name, str) and strategy.name,
            "A strategy should have a `name`.",
        )
        for name, value in strategy.metrics().items():
            expect(
                type(name) is str
                and type(value) is float
                and abs(value) < 1e99,
                "`metrics` should be finite floats by name. Received: "
                f"{name!r}: {value!r}.",
            )

    def create(self, space: str, seed: int = 0) -> Strategy:
        """Makes the strategy. Its evaluator suggests random architectures."""

        def suggest(number: int) -> Any:
            rng = np.random.default_rng((seed, number))
            return SPACES[space].decode(SPACES[space].sample(rng))

        strategy = self._create(SPACES[space], seed)
        strategy.prepare(suggest, lambda name, architecture: 0.0)
        return strategy

    def search(self, space: str, lag: int, seed: int = 0) -> Search:
        """A search from its beginning; each is driven once."""
        key = (space, lag, seed)
        if key not in self._searches:
            self._searches[key] = drive(self.create(space, seed), [], lag)
        return self._searches[key]


def outcome(number: int, decisions: Decisions) -> Trial:
    """The outcome of a proposal: of every kind in turn, and of it alone."""
    reward = sum(choice * (1 + at) for at, choice in enumerate(decisions)) / 99
    evaluation = Evaluation(reward, {"parameters": 1.0 + sum(decisions)})
    original = max(0, number - 1)
    outcomes: dict[int, dict[str, Any]] = {
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


def fail(number: int, decisions: Decisions) -> Trial:
    """No proposal comes to anything."""
    state = TrialState.FAILED if number % 2 else TrialState.REFUSED
    return Trial(number, decisions, state, reason="It is too large.")


def drive(
    strategy: Strategy,
    trials: Sequence[Trial],
    lag: int,
    finish: Finish = outcome,
) -> Search:
    """Takes a search from `trials` to its end, in the order of the contract.

    A restored strategy is told again the trials that it has not learnt from.
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
    return Search(strategy, trials, states)


def _proposals(search: Search) -> list[Decisions]:
    return [trial.decisions for trial in search.trials]


def _global_generators() -> tuple[Any, Any]:
    _, keys, *_ = np.random.get_state(legacy=True)
    return random.getstate(), list(keys)
