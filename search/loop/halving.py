"""Asynchronous successive halving, and brackets of it: which child trains on.

Neither Keras nor TensorFlow is imported here.
"""

import bisect
import math

from search.loop.schedule import AllAtOnce, Schedule
from search.trial import Trial, TrialState


class SuccessiveHalving(Schedule):
    """Lets the best children of each rung train on to the next.

    All children begin with the budget of the first rung. Whenever there is
    room, a child that qualifies is promoted: the best of the upper 1 /
    reduction of those that have reached a rung, of the highest rung that has
    one. No rung is waited for to fill, which is what makes it asynchronous.

    There is one bracket; `Hyperband` has several.

    Reference:
        [Li et al. 2020](https://arxiv.org/abs/1810.05934), algorithm 2.

    Args:
        total: How many children are to begin.
        first: The budget of the first rung.
        last: The budget of the last rung.
        reduction: Each rung has so many times the budget of the one before,
            the last one at most, and 1 / reduction of its children. Default
            3.

    Raises:
        ValueError: `reduction` is below 2, or `first` is not below `last`.

    Example:

    >>> SuccessiveHalving(60, first=1, last=20, reduction=3).budgets
    (1, 3, 9, 20)
    """

    budgets: tuple[float, ...]

    def __init__(
        self, total: int, first: float, last: float, reduction: int = 3
    ) -> None:
        if reduction < 2:
            raise ValueError(
                "Invalid value for argument `reduction`. Expected 2 or more. "
                f"Received: reduction={reduction}."
            )
        if not 0 < first < last:
            raise ValueError(
                "Invalid value for argument `first`. Expected a budget above "
                f"0 and below the last, {last}. Received: first={first}."
            )
        self._total, self.reduction = total, reduction
        budgets = [first]
        while budgets[-1] * reduction < last:
            budgets.append(budgets[-1] * reduction)
        self.budgets = (*budgets, last)
        # Of each rung what reached it, (-reward, number), the best first.
        self._rungs: list[list[tuple[float, int]]] = [[] for _ in self.budgets]
        self._reached: dict[int, int] = {}  # how many rungs, by number
        self._waiting: dict[int, int] = {}  # the rung, by number

    @property
    def total(self) -> int:
        return self._total

    def add(self, trial: Trial, elapsed: float = 0.0, begun: int = 0) -> None:
        if not trial.state.counts:
            return
        number, reached = trial.number, len(trial.evaluations)
        for rung in range(self._reached.get(number, 0), reached):
            reward = trial.evaluations[rung].reward
            bisect.insort(self._rungs[rung], (-reward, number))
        self._reached[number] = reached
        if trial.state is TrialState.COMPLETE and reached < len(self.budgets):
            self._waiting[number] = reached - 1

    def promote(self) -> int | None:
        for rung in reversed(range(len(self.budgets) - 1)):
            reached = self._rungs[rung]
            for _, number in reached[: len(reached) // self.reduction]:
                if self._waiting.get(number) == rung:
                    del self._waiting[number]
                    return number
        return None

    def promotable(self) -> set[int]:
        numbers: set[int] = set()
        to_come = self._total - len(self._rungs[0])
        for rung, reached in enumerate(self._rungs):
            # A place in the rung only falls.
            last = (len(reached) + to_come) // self.reduction
            promotable = {
                number
                for _, number in reached[:last]
                if self._waiting.get(number) == rung
            }
            numbers |= promotable
            # Those who went on, and have not arrived.
            to_come += len(promotable) + sum(
                self._reached[number] == rung + 1
                and self._waiting.get(number) != rung
                for _, number in reached
            )
        return numbers


class Hyperband(Schedule):
    """Brackets of successive halving: in the first children begin with the
    least budget and few are promoted, in each other fewer children begin, with
    `reduction` times as much, and in the last all have the whole budget at
    once. So it costs little where short trainings tell nothing.

    Children take turns by their numbers, a round of all brackets after the
    other: so which budget a child begins with does not depend on the clock.

    Reference:
        [Li et al. 2018](https://jmlr.org/papers/v18/16-558.html), algorithm 1;
        each bracket as `SuccessiveHalving`, which does not wait.

    Args:
        total: How many children are to begin.
        first: The budget of the first rung of the first bracket.
        last: The budget of the last rung of all.
        reduction: See `SuccessiveHalving`. Paper and default: 3.

    Attributes:
        sizes: How many children of a round begin in each bracket.

    Raises:
        ValueError: See `SuccessiveHalving`.

    Example:

    >>> hyperband = Hyperband(17, first=1, last=9)
    >>> hyperband.sizes
    (9, 5, 3)
    """

    def __init__(
        self, total: int, first: float, last: float, reduction: int = 3
    ) -> None:
        whole = SuccessiveHalving(total, first, last, reduction)
        self.budgets = whole.budgets
        self._total = total
        # Which are to come in each bracket is not known, all at the most: that
        # says whose weights may be needed.
        self._brackets: list[Schedule] = [
            whole,
            *(
                SuccessiveHalving(total, budget, last, reduction)
                for budget in whole.budgets[1:-1]
            ),
            _AtOnce(total, last),
        ]
        rungs = len(self._brackets)
        self.sizes = tuple(
            math.ceil(rungs * reduction**left / (left + 1))
            for left in reversed(range(rungs))
        )
        self._turns = [
            bracket
            for bracket, size in zip(self._brackets, self.sizes, strict=True)
            for _ in range(size)
        ]

    @property
    def total(self) -> int:
        return self._total

    def budget(self, trial: Trial) -> float | None:
        return self._bracket(trial).budget(trial)

    def add(self, trial: Trial, elapsed: float = 0.0, begun: int = 0) -> None:
        self._bracket(trial).add(trial, elapsed)

    def promote(self) -> int | None:
        promoted = (bracket.promote() for bracket in self._brackets)
        return next((each for each in promoted if each is not None), None)

    def promotable(self) -> set[int]:
        return set().union(*(each.promotable() for each in self._brackets))

    def _bracket(self, trial: Trial) -> Schedule:
        return self._turns[trial.number % len(self._turns)]


class _AtOnce(AllAtOnce):
    """The last bracket: no child is to be trained further.

    Args:
        total: See `AllAtOnce`.
        budget: Of every child.
    """

    def __init__(self, total: int, budget: float) -> None:
        super().__init__(total)
        self.budgets = (budget,)
