"""How many children begin, and which are trained further: `Schedule`.

Neither Keras nor TensorFlow is imported here.
"""

import abc
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from search.trial import Stage, Trial


class Schedule(abc.ABC):
    """Says how many children a search begins, and which of them it evaluates
    at a higher budget.

    A search calls `add` with every trial when its state or its evaluations
    change. A resumed search first calls `add` with all its trials, in order.

    Attributes:
        budgets: Of a child's first evaluation, its second, ..., in epochs;
            None for the evaluator's own last.
        stages: What the search is made of, where its time is planned; else
            none.
        ended: How many of the stages have ended.
        seconds: How long they are to take in all.
        begins_anew: Whether a child is trained from the beginning for each
            budget, along a learning rate that ends with it; otherwise its
            training continues. Default: it continues.
    """

    budgets: tuple[float | None, ...] = (None,)
    stages: Sequence[Stage] = ()
    ended: int = 0
    seconds: float = math.inf
    begins_anew: ClassVar[bool] = False

    @property
    @abc.abstractmethod
    def total(self) -> int:
        """How many children are to begin, as far as is known now."""

    def budget(self, trial: Trial) -> float | None:
        """The budget of a child's next evaluation, as of `budgets`."""
        return self.budgets[len(trial.evaluations)]

    def add(  # noqa: B027
        self, trial: Trial, elapsed: float, begun: int = 0
    ) -> None:
        """Takes note of what a child has come to. By default: nothing.

        Args:
            trial: As it stands now.
            elapsed: For how many seconds the search has run in all.
            begun: How many children have begun. Default 0: none beside those
                that were added.
        """

    def begin_no_more(self, elapsed: float, begun: int) -> bool:
        """Goes on with the children that have begun, since the space has no
        more.

        Args:
            elapsed: As in `add`.
            begun: As in `add`.

        Returns:
            Whether there is something to go on with; by default not.
        """
        return False

    def promote(self) -> int | None:
        """The number of a child that is evaluated again now, at its next
        budget; or None, as by default. It is named once."""
        return None

    def promotable(self) -> set[int]:
        """The numbers of the waiting children whose weights will be needed if
        they are evaluated again. By default: none."""
        return set()

    @property
    def plan(self) -> Mapping[str, Any] | None:
        """What was decided on the way and is to be kept with the run, as JSON
        data; by default nothing."""
        return None


class AllAtOnce(Schedule):
    """Every child is trained to the end at once.

    Args:
        total: How many children are to begin.
    """

    def __init__(self, total: int) -> None:
        self._total = total

    @property
    def total(self) -> int:
        return self._total
