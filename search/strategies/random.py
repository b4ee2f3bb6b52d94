"""Random search: https://www.jmlr.org/papers/v13/bergstra12a.html."""

from collections.abc import Callable, Sequence
from typing import Any

from nasnet_keras.quotation import quoted
from search.spaces.base import SearchSpace
from search.strategies.argument_checks import check_number
from search.strategies.base import Strategy
from search.strategies.screen import Screen
from search.trial import Decisions


class RandomSearch(Strategy):
    """Uniform samples of the space, whatever became of the others.

    The paper compares reinforcement learning with it, in section 4.4.

    With a `screen`, proposal n is one of so many samples: the one that
    evaluators which train nothing score highest, a filter in front of the
    training.

    Args:
        space: The space to search.
        seed: Fixes all proposals.
        screen: Of how many samples each proposal is chosen. Default 1.
        scores: By which evaluators, those of `EVALUATORS` that train nothing:
            by the sum of their normal scores. Default: none.

    Raises:
        ValueError: A setting is out of range, or there is a `screen` without
            `scores`, or the other way round.
    """

    name = "random"
    compares_budgets = True  # learns from none

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        screen: int = 1,
        scores: Sequence[str] = (),
    ) -> None:
        super().__init__(space, seed)
        check_number("screen", screen, least=1, integer=True)
        self.samples = screen
        if (screen > 1) != bool(scores):
            raise ValueError(
                "The arguments `screen` and `scores` disagree. Expected a "
                "number of samples, 2 or more, and scores to choose among "
                f"them by. Received: screen={screen}, scores={quoted(scores)}."
            )
        self.screen = Screen(space, scores) if scores else None

    def prepare(
        self,
        suggest: Callable[[int], Any],
        score: Callable[[str, Any], float],
    ) -> None:
        if self.screen is not None:
            self.screen.prepare(score)

    def ask(self, number: int) -> Decisions:
        rng = self.rng(number)
        if self.screen is None:
            return self.space.sample(rng)
        return self.screen.choose(
            [self.space.sample(rng) for _ in range(self.samples)]
        )

    def proposed(self, decisions: Decisions) -> None:
        if self.screen is not None:
            self.screen.proposed(decisions)
