"""The strategy that a user need not choose: `AutoSearch`."""

from search.spaces.base import SearchSpace
from search.strategies.predictor import PredictorSearch


class AutoSearch(PredictorSearch):
    """What this project recommends for images and a few hours: today
    `predictor` with a longer start, which never starts anew: where rewards
    are noisy, that none is better than the luckiest says little. On a table of
    trained cells it is ahead of random search (docs/strategies.md); on images
    one pair of hours shows no gain (docs/results.md). What it is may change; a
    run whose proposals must not names its strategy.

    Args:
        space: The space to search.
        seed: Fixes all proposals, given the outcomes.
        initial: How many spread trials a start has. Default 20, twice that of
            `predictor`: the rewards of short trainings are noisy.
    """

    name = "auto"
    starts_anew = False

    def __init__(
        self, space: SearchSpace, seed: int, initial: int = 20
    ) -> None:
        super().__init__(space, seed, initial)
