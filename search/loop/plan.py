"""A search of so many hours: what its time is spent on.

Neither Keras nor TensorFlow is imported here.
"""

import dataclasses
import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from nasnet_keras.console.command_line import InputError
from search.loop.schedule import Schedule
from search.trial import Evaluation, Stage, Trial, TrialState


class Rung(NamedTuple):
    """A budget, in those of the first rung, and its share of the time."""

    budget: int
    share: float


# The best of the allotments in two of three simulations of
# benchmarks/allotment.py.
RUNGS = (Rung(1, 0.6), Rung(5, 0.25), Rung(15, 0.15))
# The first trainings are on so many images, the fewest that still rank cells
# (docs/ground-truth.md); on twice as many in four times as many hours.
IMAGES, WORKER_HOURS = 8_000, 2.0
# The last rung has so many children at the least, and no more than this share
# of the time.
LEAST, MOST_SHARE = 3, 0.5
# Its trainings may be so many times longer or shorter, to fill the time.
STRETCH = 2.0
# More children than any search begins.
MOST_CHILDREN = 100_000
# The first stage is planned again whenever so many times as many children are
# known, which tell better how long others take.
GROWTH = 4


class Costs(NamedTuple):
    """The seconds of a training: a constant part, and a part for each epoch."""

    fixed: float
    epoch: float

    def of(self, budget: float) -> float:
        return self.fixed + self.epoch * budget


def first_budget(hours: float, workers: int, images: int | None) -> float:
    """The epochs of the first rung.

    Args:
        hours: Of the search.
        workers: How many children are trained at a time.
        images: How many images an epoch has; None where that is not known,
            and it is one epoch.

    Example:

    >>> first_budget(1, 2, 8_000), first_budget(4, 2, 8_000)
    (1.0, 2.0)
    """
    if images is None:
        return 1.0
    more = max(1.0, math.sqrt(hours * workers / WORKER_HOURS))
    return IMAGES / images * more


def measured_costs(evaluation: Evaluation) -> Costs:
    """The costs of a child's training, by its `train` seconds.

    Example:

    >>> measured_costs(Evaluation(0.5, {}, {"build": 2.0, "train": 8.0}, 4.0))
    Costs(fixed=2.0, epoch=2.0)
    """
    seconds = sum(evaluation.seconds.values())
    train = evaluation.seconds.get("train", seconds)
    return Costs(seconds - train, train / evaluation.budget)


def mean_costs(costs: Sequence[Costs]) -> Costs:
    """The costs of a child of which nothing is known but others'."""
    fixed, epoch = zip(*costs, strict=True)
    return Costs(math.fsum(fixed) / len(costs), math.fsum(epoch) / len(costs))


def makespan(seconds: Iterable[float], workers: int) -> float:
    """How long trainings take that are begun in this order, each by the first
    worker that is free.

    Example:

    >>> makespan([3.0, 1.0, 1.0, 5.0], workers=2)
    7.0
    """
    ends = [0.0] * workers
    for each in seconds:
        heapq.heapreplace(ends, ends[0] + each)
    return max(ends)


def allot(
    seconds: float,
    workers: int,
    costs: Sequence[Costs],
    first: float,
    rungs: Sequence[Rung] = RUNGS,
) -> list[Stage]:
    """Divides a time among the rungs. A rung whose least number of children
    would take too much of it is left out, the last one first.

    Args:
        seconds: What there is.
        workers: How many children are trained at a time.
        costs: Of the children that may be trained, in their order.
        first: The budget of the first rung of a plan.
        rungs: Those that are to come.

    Returns:
        The stages; none if there is no time for three trainings.

    Example:

    >>> for stage in allot(3600, 2, [Costs(4.0, 16.0)] * 1000, first=1.0):
    ...     print(stage)
    Stage(children=216, budget=1.0, seconds=2160.0)
    Stage(children=20, budget=5.0, seconds=840.0)
    Stage(children=4, budget=18.4..., seconds=598.1...)
    """
    shares = math.fsum(rung.share for rung in rungs)
    stages: list[Stage] = []
    left, fewest = seconds, LEAST
    for rung in rungs:
        is_last = rung is rungs[-1]
        time = left if is_last else seconds * rung.share / shares
        budget = rung.budget * first
        # Each rung has fewer children than the one before.
        able = costs[: stages[-1].children - 1 if stages else None]
        children = _fitting(able, budget, workers, time)
        if is_last and rung is not RUNGS[0]:
            if not stages:
                # Nothing else has use for the time: two will do.
                short = _fitting(able, budget / STRETCH, workers, time)
                fewest = min(LEAST, max(2, short))
            least = makespan(
                (each.of(budget) for each in able[:fewest]), workers
            )
            # No worker is idle while others train the last children.
            waves = math.ceil(max(fewest, children) / workers)
            able = able[: waves * workers]
            most = MOST_SHARE * seconds if stages else STRETCH * seconds
            if len(able) < fewest or least > most:
                break
            # What is left, by trainings of about this length.
            children = len(able)
            taken = makespan((each.of(budget) for each in able), workers)
            budget *= min(max(time / taken, 1 / STRETCH), STRETCH)
        taken = makespan((each.of(budget) for each in able[:children]), workers)
        stages.append(Stage(children, budget, taken))
        left -= taken
    if len(stages) == len(rungs) and stages[-1].children >= fewest:
        return stages
    if len(rungs) == 1:
        return []
    return allot(seconds, workers, costs, first, rungs[:-1])


def _fitting(
    costs: Sequence[Costs], budget: float, workers: int, seconds: float
) -> int:
    """How many children can be trained in a time, in this order."""
    ends = [0.0] * workers
    for count, each in enumerate(costs):
        heapq.heapreplace(ends, ends[0] + each.of(budget))
        if max(ends) > seconds:
            return count
    return len(costs)


class PlannedRungs(Schedule):
    """Spends a given time: many children are trained shortly, the best of
    them anew for longer, and the best of those anew for longest, each along a
    learning rate that ends with its training.

    The plan is made when the seconds of the first children are known, again
    whenever those of four times as many are, and what is to come of it at the
    end of each stage, by what time is left then. It is kept with the run;
    given the plan, nothing depends on the clock.

    A stage begins when that before it has ended: so which children are promoted
    is a function of their rewards, not of who was ready first.

    Reference:
        [Jamieson and Talwalkar 2016](https://arxiv.org/abs/1502.07943), of
        which it departs in annealing every training by itself.

    Args:
        hours: How long the search is to take.
        workers: How many children are trained at a time.
        first: The budget of the first stage, in epochs.
        plan: What `plan` was, of a resumed search, whose `first` it
            keeps. Default None.
        most: How many children there can be. Default: any number.

    Raises:
        InputError: By `add`, if the first children show that the hours are
            too few for three, or have no `seconds`.
    """

    begins_anew = True

    def __init__(
        self,
        hours: float,
        workers: int,
        first: float,
        plan: Mapping[str, Any] | None = None,
        most: int = MOST_CHILDREN,
    ) -> None:
        plan = plan or {
            "first": first,
            "stages": [],
            "ended": 0,
            "known": 0,
            "start": 0.0,
        }
        self._most = min(most, MOST_CHILDREN)
        self.seconds, self.workers = hours * 3600, workers
        self.first: float = plan["first"]
        self.stages: list[Stage] = []
        self._append(Stage(**each) for each in plan["stages"])
        self.ended: int = plan["ended"]
        # By how many children the first stage was planned.
        self._known: int = plan["known"]
        # When they began, in seconds of the search.
        self._start: float = plan["start"]
        self._trials: dict[int, Trial] = {}
        self._named = 0  # the last stage whose children were named
        self._waiting: list[int] = []

    @property
    def total(self) -> int:
        if self.stages:
            return self.stages[0].children
        failed = sum(not each.evaluations for each in self._trials.values())
        waves = math.ceil(LEAST / self.workers)
        return min(waves * self.workers, self._most) + failed

    @property
    def plan(self) -> Mapping[str, Any]:
        stages = [dataclasses.asdict(stage) for stage in self.stages]
        return {
            "first": self.first,
            "stages": stages,
            "ended": self.ended,
            "known": self._known,
            "start": self._start,
        }

    def add(self, trial: Trial, elapsed: float, begun: int = 0) -> None:
        if not trial.state.counts:
            return
        self._trials[trial.number] = trial
        if self.ended == 0:
            self._begin(elapsed, begun)
        self._advance(elapsed)

    def begin_no_more(self, elapsed: float, begun: int) -> bool:
        if not self.stages or self.ended:
            return False
        self.stages[0] = dataclasses.replace(self.stages[0], children=begun)
        self._known = MOST_CHILDREN
        self._advance(elapsed)
        return True

    def _advance(self, elapsed: float) -> None:
        """Begins the next stage, if that before it has ended."""
        children = list(self._trials.values())
        if not self.stages or len(children) < self.total:
            return
        for stage in range(1, len(RUNGS)):
            children = _best(children, stage)
            if stage > self.ended:
                self._go_on(stage, children, elapsed)
            if stage >= len(self.stages):
                return
            children = children[: self.stages[stage].children]
            if stage > self._named:
                self._named = stage
                # The longest first, so that all workers end at about a time.
                self._waiting = [
                    child.number
                    for child in sorted(children, key=lambda x: -x.seconds)
                    if not _has_ended(child, stage)
                ]
            if not all(_has_ended(child, stage) for child in children):
                return

    def promote(self) -> int | None:
        return self._waiting.pop(0) if self._waiting else None

    def _begin(self, elapsed: float, begun: int) -> None:
        """Makes the plan, if so many children are known."""
        children = list(self._trials.values())
        if self.stages and len(children) < GROWTH * self._known:
            return
        known = [child for child in children if child.evaluations]
        if not known:
            return
        mean = mean_costs(
            [measured_costs(child.evaluations[0]) for child in known]
        )
        seconds = [child.seconds for child in known]
        if not self.stages:
            # Others began with these, and are under way.
            trained = max(sum(seconds) / self.workers, max(seconds))
            self._start = max(0.0, elapsed - trained)
        else:
            # What a child takes besides: its proposal, and what was refused.
            # Those under way are half done.
            used = self.workers * (elapsed - self._start)
            each = used / (len(known) + (self.workers - 1) / 2)
            besides = max(0.0, each - sum(seconds) / len(known))
            mean = mean._replace(fixed=mean.fixed + besides)
        left = self.seconds - self._start
        each = mean.of(self.first)
        if not each > 0:
            raise InputError(
                "Invalid value for argument `hours`. Expected `trials` with an "
                "evaluator that does not tell the `seconds` of an evaluation. "
                f"Received: hours={self.seconds / 3600:g}."
            )
        able = min(self._most, self.workers * math.ceil(left / each))
        stages = allot(left, self.workers, [mean] * able, self.first)
        if not stages and self.stages:
            return  # It was planned, and takes longer than was thought.
        if not stages:
            waves = math.ceil(LEAST / self.workers)
            hours = (self.seconds - left + waves * each) / 3600
            raise InputError(
                "Invalid value for argument `hours`. Expected at least "
                f"{math.ceil(100 * hours) / 100:g}, in which {LEAST} children "
                "are trained: begin another run with them. Received: "
                f"hours={self.seconds / 3600:g}."
            )
        if self.stages or len(children) >= self.total:
            count = max(stages[0].children, len(children), begun)
            first = dataclasses.replace(stages[0], children=count)
            self.stages, self._known = [], len(children)
            self._append([first, *stages[1:]])

    def _go_on(
        self, stage: int, children: Sequence[Trial], elapsed: float
    ) -> None:
        """Makes the rest of the plan anew, at the end of the stage before.

        Args:
            stage: The first that is to come.
            children: Those of the stage before, the best first.
            elapsed: For how many seconds the search has run.
        """
        self.ended = stage
        del self.stages[stage:]
        rank = stage - 1
        costs = [measured_costs(child.evaluations[rank]) for child in children]
        left = self.seconds - elapsed
        stages = allot(left, self.workers, costs, self.first, RUNGS[stage:])
        # Training for no longer than before is no use.
        if stages and stages[0].budget > self.stages[-1].budget:
            self._append(stages)

    def _append(self, stages: Iterable[Stage]) -> None:
        self.stages += stages
        planned = [stage.budget for stage in self.stages]
        later = RUNGS[len(planned) :]
        self.budgets = (*planned, *(each.budget * self.first for each in later))


def _best(children: Iterable[Trial], stage: int) -> list[Trial]:
    """Those that were trained in the stage before this one, the best there
    first; of equal ones the earlier."""
    return sorted(
        (child for child in children if len(child.evaluations) >= stage),
        key=lambda child: (
            -child.evaluations[stage - 1].reward,
            child.number,
        ),
    )


def _has_ended(child: Trial, stage: int) -> bool:
    return len(child.evaluations) > stage or child.state is TrialState.FAILED
