"""Strategies that propose what gradients have found: `GradientStrategy`."""

from collections.abc import Callable
from typing import Any

from search.spaces.base import SearchSpace
from search.strategies.base import Strategy
from search.trial import Decisions


class GradientStrategy(Strategy):
    """The base: proposes what the evaluator has learnt, first the strongest
    architecture, which is the result, then the next ones in order of strength.

    Args:
        space: The space to search.
        seed: Of no influence here: all is learnt by the evaluator.
    """

    evaluator_is_fixed = True
    may_stall = False

    def __init__(self, space: SearchSpace, seed: int) -> None:
        super().__init__(space, seed)
        self._suggest: Callable[[int], Any] | None = None

    def prepare(
        self,
        suggest: Callable[[int], Any],
        score: Callable[[str, Any], float],
    ) -> None:
        self._suggest = suggest

    def ask(self, number: int) -> Decisions:
        if self._suggest is None:
            raise ValueError(
                f"The strategy {self.name} proposes what an evaluator "
                "suggests. Expected a call of `prepare` before `ask`."
            )
        return self.space.encode(self._suggest(number))
