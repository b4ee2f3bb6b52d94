"""Differentiable architecture search, DARTS:
https://arxiv.org/abs/1806.09055."""

from collections.abc import Callable
from typing import Any

from search.spaces.base import SearchSpace
from search.strategies.base import Strategy
from search.trial import Decisions


class DARTS(Strategy):
    """Proposes what the evaluator has learnt by gradients: first the strongest
    architecture, which is the result of DARTS, then the next ones in order of
    strength. The evaluator `shared` trains a
    network whose edges are mixtures of all operations.

    Args:
        space: The space to search.
        seed: Of no influence here: all is learnt by the evaluator.
    """

    name = "darts"
    evaluator = "shared"
    evaluator_options = {"order": 1}
    evaluator_is_fixed = True
    needs = frozenset({"mixture"})
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
                "The strategy darts proposes what an evaluator suggests. "
                "Expected a call of `prepare` before `ask`."
            )
        return self.space.encode(self._suggest(number))
