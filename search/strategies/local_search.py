"""Local search with restarts: https://arxiv.org/abs/2005.02960."""

from search.spaces.base import SearchSpace
from search.strategies.argument_checks import check_flag, check_number
from search.strategies.base import Strategy
from search.trial import Decisions, Trial


class LocalSearch(Strategy):
    """Evaluates the neighbours of a centre, goes to a better one, and so on;
    when none is better than the centre, it starts anew.

    A start is the best of a few random architectures. Neighbours differ in
    one decision and are evaluated in random order; those whose outcome is
    known are not proposed again. Where trials lag behind, random
    architectures are proposed while the last neighbours are under way.

    Args:
        space: The space to search.
        seed: Fixes all proposals, given the outcomes.
        starts: How many random architectures a start is the best of. Paper:
            1. Default 10: a tenth of a hundred trials buys the climb of
            several steps.
        first: Whether to go to the first better neighbour, the default, or,
            as the paper's main form, to the best of all of them: a climb then
            takes about as many trials as there are neighbours for each step.

    Raises:
        ValueError: A setting is out of range.
    """

    name = "local-search"

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        starts: int = 10,
        first: bool = True,
    ) -> None:
        super().__init__(space, seed)
        check_number("starts", starts, least=1, integer=True)
        check_flag("first", first)
        self.starts, self.first = starts, first
        # By canonical vector: the reward, or None of a trial without one.
        self._known: dict[Decisions, float | None] = {}
        self._random: list[tuple[float, Decisions]] = []  # of this start
        self._centre: tuple[float, Decisions] | None = None
        # The centre's neighbours by canonical vector; those unknown when it
        # became one, in the order of their evaluation; those unknown now.
        self._around: dict[Decisions, Decisions] = {}
        self._queue: list[Decisions] = []
        self._missing: set[Decisions] = set()
        self._since = 0  # how many trials were told since then

    def ask(self, number: int) -> Decisions:
        if self._centre is not None and self._since < len(self._queue):
            return self._queue[self._since]
        return self.space.sample(self.rng(number))

    def tell(self, trial: Trial) -> None:
        key = self.space.canonical(trial.decisions)
        self._known[key] = trial.reward
        self._since += 1
        if self._centre is None:
            if trial.reward is not None:
                self._random.append((trial.reward, trial.decisions))
            if len(self._random) == self.starts:
                self._go_to(max(self._random), trial.number)
        self._missing.discard(key)
        # A proposal that the search has replaced is not waited for long.
        if self._since > 2 * len(self._around) + self.lag:
            self._missing.clear()
        while self._centre is not None:
            better = self._better()
            if better and (self.first or not self._missing):
                self._go_to(better, trial.number)
            elif not self._missing:
                self._centre, self._random = None, []
            else:
                break

    def _better(self) -> tuple[float, Decisions] | None:
        """The best known neighbour, if it is better than the centre."""
        rewards = [
            (reward, neighbour)
            for key, neighbour in self._around.items()
            if (reward := self._known.get(key)) is not None
        ]
        best = max(rewards, default=None)
        if best and self._centre and best[0] > self._centre[0]:
            return best
        return None

    def _go_to(self, centre: tuple[float, Decisions], number: int) -> None:
        self._centre = centre
        neighbours = list(self.space.neighbours(centre[1]))
        self.rng(number).shuffle(neighbours)
        self._around = {
            self.space.canonical(neighbour): neighbour
            for neighbour in neighbours
        }
        unknown = [key for key in self._around if key not in self._known]
        self._queue = [self._around[key] for key in unknown]
        self._missing = set(unknown)
        self._since = 0
