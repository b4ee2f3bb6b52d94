"""The loop of every search: ask -> evaluate -> record -> tell.

Neither Keras nor TensorFlow is imported here.
"""

import contextlib
import dataclasses
import math
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from nasnet_keras.files import sync
from search.evaluation.base import Child
from search.executors.base import Executor, Outcome, SearchError
from search.loop.giving_up import GivingUp, all_failed
from search.loop.schedule import Schedule
from search.observers.base import Observer
from search.pareto import pareto_front
from search.storage import SQLiteStorage
from search.storage.run_folder import RunDirectory
from search.strategies.base import Strategy
from search.trial import (
    Decisions,
    Trial,
    TrialState,
    count_done,
    longest,
    ranked,
)

# So many proposals in a row that were no new children, and the next one is
# drawn from the whole space.
VAIN_IN_A_ROW = 50

# Sets the draws from the whole space apart from those of `Strategy.rng`.
UNIFORM_STREAM = 1


class SearchLoop:
    """Drives a search until enough trials count, from wherever it stands.

    **Order.** Trials are numbered in the order of proposal and told in that
    order. Before proposal n the strategy was told the trials 0 .. n - D - 1
    and no other, where D is the lag. So proposals depend on the seed and on
    outcomes, not on how many workers there are or which child ends first.

    **Kill.** A proposal is recorded before its child is evaluated, an outcome
    in one transaction with what the strategy learnt from it. A loop made
    after a kill tells the strategy again what it has not yet learnt,
    evaluates the recorded proposals that have no outcome, and continues.

    **Duplicates** of an earlier architecture take that trial's outcome and do
    not count, unless that would be another by now (`Evaluator.outdated`): then
    they are evaluated as others are. **Refused** ones were not trained, and do
    not count. After 50 of both in a row one proposal is drawn from the whole
    space; after 1,000 refused in a row the loop stops.

    **Failures** are trials without an evaluation. If the first 10 children
    that a loop evaluates all fail, it stops.

    **Schedule.** It may begin children with little training, and have the
    best trained further, before others are proposed. The strategy is told
    what each child came to at first.

    Args:
        strategy: Proposes; new, or restored to what `storage` holds.
        executor: Has the children evaluated.
        storage: Remembers the trials.
        directory: Where the children's weights go.
        schedule: How many children begin, and which are trained further.
        keep: How many of the best children keep their weights.
        lag: How many trials a proposal may be ahead of those that the
            strategy was told. As many children and one may be under way.
        began: The reading of `time.monotonic` when the search began, or went
            on; None, the default, for now.
        deadline: Its reading at which the loop ends, with children under way;
            None without one. A child that trains in this process is finished
            first.
        costs: The metrics, lower is better, whose Pareto front with the
            accuracy, of the longest trained, keeps its weights too; none by
            default.
        observers: Are told what happens.
    """

    def __init__(
        self,
        strategy: Strategy,
        executor: Executor,
        storage: SQLiteStorage,
        directory: RunDirectory,
        schedule: Schedule,
        *,
        keep: int,
        lag: int = 0,
        began: float | None = None,
        deadline: float | None = None,
        costs: Sequence[str] = (),
        observers: Iterable[Observer] = (),
    ) -> None:
        self.space = storage.space
        self.strategy = strategy
        self.executor = executor
        self.storage = storage
        self.directory = directory
        self.schedule = schedule
        self.keep = keep
        self.lag = strategy.lag = lag
        self.deadline = deadline
        self.costs = tuple(costs)
        self.observers = list(observers)
        self.trials = storage.trials()
        self._told = strategy.learned
        # The numbers of those that were broken off, and of those in training:
        # for the first time, and again.
        self._broken_off = [
            trial.number for trial in self.trials if not trial.state.is_finished
        ]
        self._running: set[int] = set()
        self._going_on: set[int] = set()
        self._counted = count_done(self.trials)
        self._best = ranked(self.trials)[:keep]
        self._front = self._front_of(self.trials)
        self._giving_up = GivingUp(self.costs)
        self._metrics: Mapping[str, float] = {}
        self._originals = {
            self.space.canonical(trial.decisions): trial.number
            for trial in self.trials
            if trial.duplicate_of is None
        }
        now = time.monotonic() if began is None else began
        self._began = now - (storage.meta("elapsed") or 0.0)
        self._plan = storage.meta("plan")
        for trial in self.trials:
            strategy.proposed(trial.decisions)
            schedule.add(trial, self._elapsed)

    def run(self) -> None:
        """Searches until enough trials count, or until the deadline.

        Raises:
            SearchError: All children fail or are refused, or the space has no
                further one.
        """
        try:
            for observer in self.observers:
                observer.begin(self.trials, self.schedule.total)
            self._keep_plan()
            self._show_plan()
            self._tell()
            self._new_metrics()
            while self._broken_off and self._wanted():
                self._train_broken_off()
            while not self._is_late():
                if self._has_room() and self._begin_next():
                    continue
                if not self._in_training():
                    break
                self._collect()
        finally:
            # Time in which a child was trained that is broken off counts too.
            with contextlib.suppress(sqlite3.Error):
                self.storage.save_meta("elapsed", self._elapsed)
            for observer in self.observers:
                observer.end()
        if not self._best and not self._is_late():
            raise all_failed(self.trials)

    @property
    def _elapsed(self) -> float:
        """For how many seconds the search has run in all."""
        return time.monotonic() - self._began

    def _is_late(self) -> bool:
        return self.deadline is not None and self.deadline <= time.monotonic()

    def _in_training(self) -> int:
        """How many children the executor has."""
        return len(self._running) + len(self._going_on)

    def _has_room(self) -> bool:
        return self._in_training() <= self.lag

    def _hears_all(self) -> bool:
        """Whether the strategy was told what the next proposal follows
        from."""
        return self._told == self._due()

    def _begin_next(self) -> bool:
        """Has one more child trained: further, again or for the first time;
        False if there is none for now."""
        number = self.schedule.promote()
        if number is not None:
            self._going_on.add(number)
            self._submit(self.trials[number])
        elif not self._wanted():
            return False
        elif self._broken_off:
            self._train_broken_off()
        elif self._hears_all():
            self._propose()
        else:
            return False
        return True

    def _wanted(self) -> bool:
        """Whether more children are to be proposed."""
        return self._begun() < self.schedule.total

    def _begun(self) -> int:
        """How many children have begun."""
        return self._counted + len(self._running)

    def _due(self) -> int:
        """How many trials are to be told before the next proposal."""
        return max(0, len(self.trials) - self.lag)

    def _propose(self) -> None:
        number = len(self.trials)
        decisions = self._decisions(number)
        if decisions is None:
            self._begin_no_more()
            return
        self.strategy.proposed(decisions)
        key = self.space.canonical(decisions)
        original = self._originals.get(key)
        if original is not None and self.executor.outdated(
            original, self.directory.children
        ):
            original = None
        trial = Trial(number, decisions)
        if original is None:
            self._originals[key] = number
        else:
            self._finish(
                dataclasses.replace(
                    trial, state=TrialState.DUPLICATE, duplicate_of=original
                )
            )
            return
        self.storage.save(trial)
        self.trials.append(trial)
        self._running.add(number)
        # One more may be told now, which ended before its turn.
        self._tell()
        self._submit(trial)

    def _train_broken_off(self) -> None:
        number = self._broken_off.pop(0)
        self._running.add(number)
        self._submit(self.trials[number])

    def _begin_no_more(self) -> None:
        if not self.schedule.begin_no_more(self._elapsed, self._begun()):
            raise SearchError(
                f"The search found no new architecture in {VAIN_IN_A_ROW} "
                f"proposals and as many uniform draws after "
                f"{len(self._originals)} architectures; the space may hold no "
                "more."
            )
        self._keep_plan()
        self._show_plan()

    def _decisions(self, number: int) -> Decisions | None:
        """What is to be proposed; None if nothing new is found."""
        # Which of the later ones are refused depends on the clock.
        due = self._due()
        last = self.trials[max(0, due - VAIN_IN_A_ROW) : due]
        if (
            self.strategy.may_stall
            and len(last) == VAIN_IN_A_ROW
            and all(
                trial.state in (TrialState.DUPLICATE, TrialState.REFUSED)
                for trial in last
            )
        ):
            return self._uniform(number)
        return tuple(int(choice) for choice in self.strategy.ask(number))

    def _uniform(self, number: int) -> Decisions | None:
        rng = np.random.default_rng(
            (self.strategy.seed, number, UNIFORM_STREAM)
        )
        for _ in range(VAIN_IN_A_ROW):
            decisions = self.space.sample(rng)
            if self.space.canonical(decisions) not in self._originals:
                return decisions
        return None

    def _submit(self, trial: Trial) -> None:
        for observer in self.observers:
            observer.proposed(trial)
        self.executor.submit(
            Child(
                trial.number,
                self.space.decode(trial.decisions),
                self.strategy.seed,
                self.schedule.budget(trial),
                self.directory.children,
                self.schedule.begins_anew,
                goes_on=bool(trial.evaluations),
            )
        )

    def _collect(self) -> None:
        timeout = None
        if self.deadline is not None:
            timeout = max(0.0, self.deadline - time.monotonic())
        outcome = self.executor.collect(timeout)
        if outcome is None:
            return
        trial = self._after(self.trials[outcome.number], outcome)
        weights = self.directory.weights(trial.number)
        if weights.exists():
            sync(weights)
            sync(weights.parent)
        self._finish(trial)
        self._giving_up.see(trial)

    def _after(self, trial: Trial, outcome: Outcome) -> Trial:
        """The trial with what became of its training."""
        state, evaluations = outcome.state, trial.evaluations
        if outcome.evaluation is not None:
            evaluation = outcome.evaluation
            budget = self.schedule.budget(trial)
            if budget is not None:
                evaluation = dataclasses.replace(evaluation, budget=budget)
            evaluations += (evaluation,)
        elif evaluations:
            # Too late to refuse it.
            state = TrialState.FAILED
        return dataclasses.replace(
            trial, state=state, evaluations=evaluations, reason=outcome.reason
        )

    def _finish(self, trial: Trial) -> None:
        """Records a finished trial, with what the strategy learns from it."""
        goes_on = trial.number in self._going_on
        planned = self._plan
        with self.storage.transaction():
            if goes_on and trial.state is TrialState.COMPLETE:
                self.storage.save_evaluation(
                    trial.number, trial.evaluations[-1]
                )
            else:
                self.storage.save(trial)
            self.trials[trial.number : trial.number + 1] = [trial]
            self.storage.save_meta("elapsed", self._elapsed)
            self.schedule.add(trial, self._elapsed, self._begun())
            self._keep_plan()
            self._tell()
        if self._plan != planned:
            self._show_plan()
        if goes_on:
            self._going_on.discard(trial.number)
        else:
            self._running.discard(trial.number)
            self._counted += trial.state.counts
        # One that goes on may fail, and make room for any other.
        others = self.trials if goes_on else [*self._best, trial]
        self._best = ranked(others)[: self.keep]
        others = self.trials if goes_on else [*self._front, trial]
        self._front = self._front_of(others)
        self.directory.keep_weights(self._kept())
        metrics = self._new_metrics()
        best = next(iter(self._best), None)
        for observer in self.observers:
            observer.finished(self._with_evaluations(trial), best, metrics)

    def _keep_plan(self) -> None:
        if self.schedule.plan != self._plan:
            self._plan = self.schedule.plan
            self.storage.save_meta("plan", self._plan)

    def _show_plan(self) -> None:
        schedule = self.schedule
        if math.isfinite(schedule.seconds):
            left = max(0.0, schedule.seconds - self._elapsed)
            for observer in self.observers:
                observer.planned(schedule.stages, schedule.ended, left)

    def _kept(self) -> set[int]:
        """The numbers of the trials whose weights stay."""
        kept = {trial.number for trial in [*self._best, *self._front]}
        kept |= self.schedule.promotable()
        return kept | self._running | self._going_on | {*self._broken_off}

    def _front_of(self, trials: Iterable[Trial]) -> list[Trial]:
        return pareto_front(longest(trials), self.costs) if self.costs else []

    def _tell(self) -> None:
        learned = self.strategy.learned
        while (
            self._told < self._due()
            and self.trials[self._told].state.is_finished
        ):
            trial = self._with_evaluations(self.trials[self._told])
            self.strategy.tell(_at_first(trial))
            self._told += 1
        if self.strategy.learned != learned:
            self.storage.save_strategy(
                self.strategy.state(), self.strategy.learned
            )

    def _with_evaluations(self, trial: Trial) -> Trial:
        """A duplicate with the evaluations of its original."""
        if trial.duplicate_of is None:
            return trial
        original = self.trials[trial.duplicate_of]
        return dataclasses.replace(trial, evaluations=original.evaluations)

    def _new_metrics(self) -> Mapping[str, float]:
        metrics = dict(self.strategy.metrics())
        if metrics == self._metrics:
            return {}
        self._metrics = metrics
        return metrics


def _at_first(trial: Trial) -> Trial:
    """A child that went on, as it was before."""
    state = trial.state
    if state is TrialState.FAILED and trial.evaluations:
        state = TrialState.COMPLETE
    return dataclasses.replace(
        trial, state=state, evaluations=trial.evaluations[:1]
    )
