"""The interface of every search strategy."""

import abc
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from search.spaces.base import Capability, SearchSpace
from search.trial import Decisions, Trial


class Strategy(abc.ABC):
    """Proposes decision vectors and learns from what became of them.

    **Order.** `ask(n)` is called for n = 0, 1, 2, ... and `tell` with the
    finished trials 0, 1, 2, ... in the same order, each once. Between them
    lies the lag D of the run: before `ask(n)` the trials up to n - D - 1 are
    told, no more and no fewer. So a proposal depends on the seed and on those
    trials alone, never on the clock or on the number of workers:

        strategy.ask(0)       # has learnt nothing
        strategy.tell(t0)     # holds t0
        strategy.ask(1)       # depends on t0
        strategy.tell(t1)     # holds t0 and t1

    **Randomness.** What proposal n draws comes from `self.rng(n)`, so that it
    is the same in a resumed run.

    **State.** `learned` is the number of trials, counted from 0, whose
    outcome `state()` contains. Trials from `learned` on are told again after
    `restore`. A strategy that rebuilds itself from the told trials at
    negligible cost leaves `learned` at 0 and needs no state.

    **What is told.** A trial in any finished state: a failed one carries no
    evaluation; a duplicate carries the evaluation of its original, if that
    has one; a refused one carries a reason.

    Attributes:
        lag: The lag D, which the search sets. Default 0.

    Args:
        space: The space to search.
        seed: Fixes all proposals, given the outcomes.
    """

    name: ClassVar[str]
    lag: int = 0
    # The evaluator of a run that names none, its options beside those given,
    # and whether no other will do.
    evaluator: ClassVar[str] = "training"
    evaluator_options: ClassVar[Mapping[str, Any]] = {}
    evaluator_is_fixed: ClassVar[bool] = False
    # What it asks of a space.
    needs: ClassVar[frozenset[Capability]] = frozenset()
    # Whether it may propose again and again what is known or refused; then
    # the search draws from the whole space at times.
    may_stall: ClassVar[bool] = True

    # Whether trials may begin with different budgets, as in the brackets of
    # Hyperband: it learns from none, or compares those of a budget alone.
    compares_budgets: ClassVar[bool] = False

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self.space = space
        self.seed = seed

    @classmethod
    def weighed(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """The metrics that a strategy with these options weighs with the
        accuracy, the lower the better. By default: none.

        Raises:
            ValueError: An option is none of its values.
        """
        return ()

    def prepare(  # noqa: B027
        self,
        suggest: Callable[[int], Any],
        score: Callable[[str, Any], float],
    ) -> None:
        """Prepares for a run. The search calls this method first when a run
        begins or is resumed. By default the method does nothing.

        Args:
            suggest: A function of a number from 0. It returns the
                architecture that the evaluator suggests first, second and so
                on; see `Evaluator.suggest`.
            score: A function of a key in `EVALUATORS` and an architecture. It
                returns the architecture's score by this evaluator, which
                trains nothing; NaN of one that has none, since it cannot be
                built.
        """

    @abc.abstractmethod
    def ask(self, number: int) -> Decisions:
        """The decision vector of proposal `number`."""

    def proposed(self, decisions: Decisions) -> None:  # noqa: B027
        """Tells the strategy which architectures are being evaluated.

        A search calls this method after each `ask`, in order. A search that is
        resumed first calls it for each proposal that exists. By default the
        method does nothing.
        """

    def tell(self, trial: Trial) -> None:  # noqa: B027
        """Learns from a finished trial. By default the method does nothing."""

    @property
    def learned(self) -> int:
        """The number of trials from which the strategy has learnt."""
        return 0

    def state(self) -> dict[str, np.ndarray]:
        """The knowledge from the first `learned` trials, as arrays."""
        return {}

    def restore(  # noqa: B027
        self, state: Mapping[str, np.ndarray], learned: int
    ) -> None:
        """Continues from the `state()` of a strategy that has learnt from
        `learned` trials."""

    def metrics(self) -> dict[str, float]:
        """Numbers about the last learning step, for TensorBoard."""
        return {}

    def rng(self, number: int) -> np.random.Generator:
        """The generator of proposal `number`."""
        return np.random.default_rng((self.seed, number))
