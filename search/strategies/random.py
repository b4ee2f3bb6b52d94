"""Random search: https://www.jmlr.org/papers/v13/bergstra12a.html."""

from search.strategies.base import Strategy
from search.trial import Decisions


class RandomSearch(Strategy):
    """Uniform samples of the space, whatever became of the others.

    The paper compares reinforcement learning with it, in section 4.4.

    Args:
        space: The space to search.
        seed: Fixes all proposals.
    """

    name = "random"
    compares_budgets = True  # learns from none

    def ask(self, number: int) -> Decisions:
        return self.space.sample(self.rng(number))
