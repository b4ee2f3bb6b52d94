import contextlib
import dataclasses
import heapq
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from nasnet_keras.console.command_line import InputError
from search.executors import Executor, Outcome
from search.executors.configuration import ExecutionConfig
from search.loop.plan import (
    GROWTH,
    LEAST,
    RUNGS,
    Costs,
    PlannedRungs,
    allot,
    first_budget,
    measured_costs,
)
from search.loop.search_loop import SearchLoop
from search.strategies.base import Strategy
from search.trial import Evaluation, Trial, TrialState

COMPLETE, FAILED = TrialState.COMPLETE, TrialState.FAILED
FIXED, EPOCH, START = 4.0, 15.0, 15.0  # seconds


class Clock(Executor):
    """Workers whose children and whose time are made up."""

    def __init__(self, workers, child, until):
        self.workers, self.child, self.until = workers, child, until
        self.now = 0.0
        self._waiting, self._running = [], []

    def describe(self):
        return {}

    def submit(self, child):
        self._waiting.append(child)
        self._begin()

    def collect(self, timeout=None):
        if not self.until:
            raise KeyboardInterrupt
        self.until -= 1
        self.now, number, evaluation = heapq.heappop(self._running)
        self._begin()
        return Outcome(number, COMPLETE, evaluation)

    def _begin(self):
        while self._waiting and len(self._running) < self.workers:
            child = self._waiting.pop(0)
            seconds, evaluation = self.child(child)
            heapq.heappush(
                self._running, (self.now + seconds, child.number, evaluation)
            )


class Memory:
    """Stands for the database of a run."""

    space = SimpleNamespace(canonical=tuple, decode=tuple)

    def __init__(self):
        self._trials, self._meta = {}, {}

    def trials(self):
        return list(self._trials.values())

    def save(self, trial):
        self._trials[trial.number] = trial

    def save_evaluation(self, number, evaluation):
        trial = self._trials[number]
        evaluations = (*trial.evaluations, evaluation)
        self.save(dataclasses.replace(trial, evaluations=evaluations))

    def meta(self, name):
        return json.loads(self._meta.get(name, "null"))

    def save_meta(self, name, value):
        self._meta[name] = json.dumps(value)

    def transaction(self):
        return contextlib.nullcontext()


class Numbers(Strategy):
    """Proposes what it has not proposed yet."""

    name = "numbers"

    def ask(self, number):
        return (number,)


class Simulation:
    """A search of some hours by the loop of every search, of which the clock
    and the children are made up."""

    drift = 1.0  # how much slower the later children are than the first 30
    besides = 0.0  # seconds between two children of a worker

    def __init__(self, hours, workers, seed=0, memory=None):
        self.memory = memory or Memory()
        self.schedule = PlannedRungs(
            hours,
            workers,
            first_budget(hours, workers, 8_000),
            self.memory.meta("plan"),
        )
        self.workers, self.seed = workers, seed

    def child(self, number, budget):
        """The seconds and the reward: of the child, not of the order."""
        size = np.exp(np.random.default_rng((self.seed, number)).normal(0, 0.3))
        size *= self.drift if number >= 30 else 1
        rng = np.random.default_rng((self.seed, number, round(budget)))
        seconds = {"build": FIXED * size, "train": EPOCH * budget * size}
        return Evaluation(float(rng.normal(size)), {}, seconds, budget)

    def _evaluated(self, child):
        evaluation = self.child(child.number, child.budget)
        seconds = sum(evaluation.seconds.values())
        return seconds + self.besides * (not child.goes_on), evaluation

    def run(self, until=-1):
        """Ends when so many evaluations have ended, as by Ctrl-C."""
        self.clock = Clock(self.workers, self._evaluated, until)
        directory = SimpleNamespace(
            children=None,
            weights=lambda number: Path("not there"),
            keep_weights=lambda numbers: None,
        )
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.suppress(KeyboardInterrupt),
        ):
            patch.setattr(
                "search.loop.search_loop.time",
                SimpleNamespace(monotonic=lambda: self.clock.now),
            )
            self.clock.now = START  # since the search began
            SearchLoop(
                Numbers(self.memory.space, self.seed),
                self.clock,
                self.memory,
                directory,
                self.schedule,
                keep=1,
                lag=ExecutionConfig(workers=self.workers).lag,
                began=0.0,
            ).run()
        return self

    @property
    def now(self):
        """For how many seconds it has run, in all."""
        return self.memory.meta("elapsed")

    @property
    def trials(self):
        return self.memory.trials()


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("hours", [0.25, 1, 8])
def test_a_plan_takes_its_hours_within_a_tenth(hours, workers):
    for seed in range(4):
        search = Simulation(hours, workers, seed).run()
        assert search.now == pytest.approx(3600 * hours, rel=0.1)


@pytest.mark.parametrize("drift", [0.7, 1.5])
def test_what_gets_slower_or_faster_is_made_up_for_later(drift, monkeypatch):
    """As where a strategy comes to prefer other cells."""
    monkeypatch.setattr(Simulation, "drift", drift)
    for seed in range(4):
        search = Simulation(1, 2, seed).run()
        assert search.now == pytest.approx(3600, rel=0.1)


def test_what_a_child_takes_besides_is_planned():
    search = Simulation(1, 2)
    search.besides = 20.0
    search.run()
    assert search.now == pytest.approx(3600, rel=0.1)
    assert len(search.schedule.stages) == 3


@pytest.mark.parametrize("workers", [2, 8, 16])
@pytest.mark.parametrize("hours", [0.25, 0.5, 1.0])
def test_no_worker_is_without_work_in_the_last_stage(hours, workers):
    costs = [Costs(4.0, 16.0)] * 10_000
    *_, last = allot(3600 * hours, workers, costs, 1.0)
    assert last.children % workers == 0


@pytest.mark.parametrize("factor", [0.5, 2.5])
def test_a_plan_by_children_unlike_the_others_is_made_again(
    factor, monkeypatch
):
    class First(Simulation):
        ended = None

        def child(self, number, budget):
            if budget > self.schedule.first:
                self.ended = self.ended or self.clock.now
            made = super().child(number, budget)
            if number >= LEAST:
                return made
            seconds = {n: s * factor for n, s in made.seconds.items()}
            return dataclasses.replace(made, seconds=seconds)

    for seed in range(4):
        planned, made = (
            First(1, 2, seed).run(until).schedule.stages[0].children
            for until in (2 * LEAST, -1)
        )
        assert abs(made / planned - 1) > 0.2
        search = First(1, 2, seed).run()
        assert 0.5 < search.ended / 3600 < 0.7
        assert search.now == pytest.approx(3600, rel=0.1)


def test_children_under_way_are_a_part_of_the_plan():
    """With four workers, when the first of four children has ended."""
    schedule = PlannedRungs(25 / 3600, 4, 1.0)
    evaluation = Evaluation(0.5, {}, {"build": 4.0, "train": 15.0}, 1.0)
    for number in range(4):
        schedule.add(Trial(number, (0,), COMPLETE, (evaluation,)), 21.0)
    assert schedule.stages[0].children == 4
    with pytest.raises(InputError, match=r"at least 0\.01"):
        PlannedRungs(15 / 3600, 4, 1.0).add(
            Trial(0, (0,), COMPLETE, (evaluation,)), 21.0
        )


def test_the_best_of_each_stage_go_on_to_the_next():
    search = Simulation(1, 2).run()
    stages = search.schedule.stages
    assert len(stages) == 3
    children = search.trials
    for rank, stage in enumerate(stages):
        there = [child for child in children if len(child.evaluations) > rank]
        assert len(there) == stage.children
        budgets = {child.evaluations[rank].budget for child in there}
        assert budgets == {stage.budget}
        if rank:
            before = sorted(
                children, key=lambda child: -child.evaluations[rank - 1].reward
            )
            assert {child.number for child in there} == {
                child.number for child in before[: stage.children]
            }
        children = there
    assert len(children) >= LEAST


@pytest.mark.parametrize("until", [1, 2, 3, 40, 200, 215])
def test_a_search_that_goes_on_follows_its_plan(until):
    whole = Simulation(1, 2).run()
    part = Simulation(1, 2).run(until)
    plan = json.loads(json.dumps(part.schedule.plan))
    rest = Simulation(1, 2, memory=part.memory)
    if plan["stages"]:
        assert rest.schedule.plan == plan
    rest.run()
    stages = part.schedule.stages[: part.schedule.ended + 1]
    if stages and GROWTH * plan["known"] <= stages[0].children:
        stages = stages[:-1]  # which is planned again, with more children
    assert rest.schedule.stages[: len(stages)] == stages
    shared = min(len(whole.trials), len(rest.trials))
    for number in range(shared):
        first = whole.trials[number].evaluations[0]
        assert rest.trials[number].evaluations[0] == first
    assert rest.now == pytest.approx(3600, rel=0.12)


def test_time_that_is_short_leaves_out_the_long_trainings():
    costs = [Costs(FIXED, EPOCH)] * 500
    assert len(allot(3600, 2, costs, 1.0)) == 3
    assert len(allot(400, 2, costs, 1.0)) == 2
    assert len(allot(100, 2, costs, 1.0)) == 1
    assert allot(30, 2, costs, 1.0) == []


def test_a_stage_that_alone_is_left_may_have_two_children():
    """As much time as they take, if not that of three."""
    costs = [Costs(10.0, 14.0)] * 24
    (stage,) = allot(87, 2, costs, 1.0, RUNGS[1:])
    assert stage.children == 2
    assert 80 <= stage.seconds <= 87
    assert allot(20, 2, costs, 1.0, RUNGS[1:]) == []


def test_stages_get_smaller_and_fill_the_time():
    for seconds in (60, 600, 3600, 100_000):
        for workers in (1, 3, 16):
            stages = allot(
                seconds, workers, [Costs(FIXED, EPOCH)] * 100_000, 1.0
            )
            counts = [stage.children for stage in stages]
            assert counts == sorted(set(counts), reverse=True)
            assert sum(stage.seconds for stage in stages) <= 1.05 * seconds


def test_too_few_hours_are_refused_after_the_first_child():
    schedule = PlannedRungs(0.01, 1, 1.0)
    slow = Evaluation(0.5, {}, {"build": 5.0, "train": 15.0}, 1.0)
    with pytest.raises(InputError, match="`hours`.*at least 0.02, in which 3"):
        schedule.add(Trial(0, (0,), COMPLETE, (slow,)), 20.0)


def test_children_without_seconds_cannot_be_planned():
    schedule = PlannedRungs(1, 1, 1.0)
    with pytest.raises(InputError, match="`hours`.*`trials`.*`seconds`"):
        schedule.add(
            Trial(0, (0,), COMPLETE, (Evaluation(0.5, budget=1.0),)), 20.0
        )


def test_children_that_take_next_to_nothing_are_many_and_no_more():
    schedule = PlannedRungs(10_000, 1, 1.0)
    quick = Evaluation(0.5, {}, {"train": 1e-6}, 1.0)
    for number in range(LEAST):
        schedule.add(Trial(number, (0,), COMPLETE, (quick,)), 1.0)
    assert LEAST < schedule.total <= 100_000


def test_children_that_fail_are_followed_by_others():
    schedule = PlannedRungs(1, 1, 1.0)
    assert schedule.total == LEAST
    for number in range(2):
        schedule.add(Trial(number, (0,), FAILED), 10.0)
    assert schedule.total == LEAST + 2
    assert schedule.stages == []


def test_a_stage_ends_without_the_child_that_fails_in_it():
    search = Simulation(1, 2).run()
    trials = search.trials
    *_, failed = (t for t in trials if len(t.evaluations) == 2)
    trials[failed.number] = Trial(
        failed.number, (0,), FAILED, failed.evaluations[:1]
    )
    schedule = PlannedRungs(1, 2, 1.0, search.schedule.plan)
    for trial in trials:
        schedule.add(trial, search.now)
    assert schedule.promote() is None  # the third stage was done before


def test_no_stage_trains_for_less_than_the_one_before():
    """Where the second was made longer to fill the time, and took less."""
    stages = [
        {"children": 16, "budget": 1.0, "seconds": 40.0},
        {"children": 8, "budget": 8.0, "seconds": 160.0},
    ]
    plan = {
        **{"first": 1.0, "stages": stages, "ended": 1},
        **{"known": 16, "start": 0.0},
    }
    schedule = PlannedRungs(240 / 3600, 8, 1.0, plan)
    evaluations = [
        Evaluation(0.5, {}, {"train": 5.1 * budget}, budget)
        for budget in (1.0, 8.0)
    ]
    for count in (1, 2):
        for number in range(16 if count == 1 else 8):
            trial = Trial(number, (0,), COMPLETE, tuple(evaluations[:count]))
            schedule.add(trial, 201.0)
        while count == 1 and schedule.promote() is not None:
            pass
    assert schedule.ended == 2
    assert len(schedule.stages) == 2
    assert schedule.promote() is None


def test_costs_are_those_of_every_training_and_those_of_an_epoch():
    seconds = {"build": 2.0, "trace": 1.0, "train": 8.0, "validate": 1.0}
    assert measured_costs(Evaluation(0.5, {}, seconds, 4.0)) == Costs(4, 2)
    # An evaluator that names no parts.
    assert measured_costs(Evaluation(0.5, {}, {"all": 9.0}, 3.0)) == (0, 3)


def test_shares_are_of_the_whole():
    assert sum(rung.share for rung in RUNGS) == pytest.approx(1)
