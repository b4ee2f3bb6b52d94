import dataclasses
import heapq

import numpy as np
import pytest

from nasnet_keras.console.command_line import InputError
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
from search.trial import Evaluation, Trial, TrialState

COMPLETE, FAILED = TrialState.COMPLETE, TrialState.FAILED
FIXED, EPOCH, START = 4.0, 15.0, 15.0  # seconds


class Simulation:
    """A search with workers, of which the clock and the children are made
    up."""

    drift = 1.0  # how much slower the later children are than the first 30

    def __init__(self, hours, workers, seed=0, plan=None, trials=None, now=0.0):
        self.schedule = PlannedRungs(
            hours, workers, first_budget(hours, workers, 8_000), plan
        )
        self.workers, self.seed = workers, seed
        self.refused = 0.0  # seconds between two children of a worker
        self.trials = dict(trials or {})
        self.now = now
        self.plans = []
        for trial in self.trials.values():
            self.schedule.add(trial, now)

    def child(self, number, budget):
        """The seconds and the reward: of the child, not of the order."""
        size = np.exp(np.random.default_rng((self.seed, number)).normal(0, 0.3))
        size *= self.drift if number >= 30 else 1
        rng = np.random.default_rng((self.seed, number, round(budget)))
        seconds = {"build": FIXED * size, "train": EPOCH * budget * size}
        return Evaluation(float(rng.normal(size)), {}, seconds, budget)

    def run(self, until=float("inf")):
        """Ends when so many evaluations have ended."""
        under_way, ended = [], 0
        again = [n for n, t in self.trials.items() if not t.evaluations]
        self.now += START
        while ended < until:
            while len(under_way) < self.workers:
                number = self.schedule.promote()
                if number is None and again:
                    number = again.pop(0)
                if number is None:
                    number = len(self.trials)
                    if number >= self.schedule.total:
                        break
                    self.trials[number] = Trial(number, (0,))
                rank = len(self.trials[number].evaluations)
                evaluation = self.child(number, self.schedule.budgets[rank])
                end = self.now + sum(evaluation.seconds.values())
                if rank == 0:
                    end += self.refused
                heapq.heappush(under_way, (end, number, evaluation))
            if not under_way:
                break
            self.now, number, evaluation = heapq.heappop(under_way)
            trial = self.trials[number]
            trial = Trial(
                number, (0,), COMPLETE, (*trial.evaluations, evaluation)
            )
            self.trials[number] = trial
            self.schedule.add(trial, self.now, len(self.trials))
            ended += 1
        return self


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
    search.refused = 20.0
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
                self.ended = self.ended or self.now
            made = super().child(number, budget)
            if number >= LEAST:
                return made
            seconds = {n: s * factor for n, s in made.seconds.items()}
            return dataclasses.replace(made, seconds=seconds)

    for seed in range(4):
        planned, made = (
            First(1, 2, seed).run(until).schedule.stages[0].children
            for until in (2 * LEAST, float("inf"))
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
    children = list(search.trials.values())
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
    plan = part.schedule.plan
    rest = Simulation(1, 2, 0, plan, part.trials, part.now)
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
    search = Simulation(1, 2).run(until=0)
    search.run()
    plan = search.schedule.plan
    second = [t for t in search.trials.values() if len(t.evaluations) == 2]
    trials = dict(search.trials)
    failed = second[-1]
    trials[failed.number] = Trial(
        failed.number, (0,), FAILED, failed.evaluations[:1]
    )
    schedule = PlannedRungs(1, 2, 1.0, plan)
    for trial in trials.values():
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
