import dataclasses
from pathlib import Path

import numpy as np
import pytest

from search.evaluation.base import EvaluationError, Evaluator, Refusal
from search.executors import Executor, Outcome
from search.executors.base import SearchError, attempt
from search.executors.in_process import InProcessExecutor
from search.loop.halving import SuccessiveHalving
from search.loop.plan import PlannedRungs
from search.loop.schedule import AllAtOnce
from search.loop.search_loop import SearchLoop
from search.observers.base import Observer
from search.spaces.nasnet import NASNetSpace
from search.storage import SQLiteStorage
from search.storage.run_folder import RunDirectory
from search.strategies.base import Strategy
from search.strategies.grid import GridSearch
from search.trial import Evaluation, TrialState, ranked

COMPLETE, FAILED = TrialState.COMPLETE, TrialState.FAILED
DUPLICATE = TrialState.DUPLICATE


class Bench:
    """A run's folder and its database, for loops to run in."""

    def __init__(self, path, space):
        self.space = space
        self.directory = RunDirectory(path)
        self.directory.children.mkdir(parents=True)
        SQLiteStorage.create(self.directory.database, {})
        self.storage = SQLiteStorage(self.directory.database, space)

    def loop(
        self, strategy, executor, trials=12, keep=5, schedule=None, **others
    ):
        stored = self.storage.strategy()
        if stored is not None:
            strategy.restore(*stored)
        return SearchLoop(
            strategy,
            executor,
            self.storage,
            self.directory,
            schedule or AllAtOnce(trials),
            keep=keep,
            **others,
        )

    @property
    def trials(self):
        return self.storage.trials()


@pytest.fixture
def bench(tmp_path, space):
    bench = Bench(tmp_path / "run", space)
    yield bench
    bench.storage.close()


@pytest.fixture
def evaluator(FakeEvaluator):
    return FakeEvaluator()


@pytest.fixture
def clock(monkeypatch):
    """What the loop reads, in its only element."""
    clock = [0.0]
    monkeypatch.setattr(
        "search.loop.search_loop.time.monotonic", lambda: clock[0]
    )
    return clock


@pytest.fixture
def executor(evaluator):
    return InProcessExecutor(lambda: evaluator)


class Repeats(Strategy):
    """Proposes the same cells again and again."""

    name = "repeats"

    def ask(self, number):
        return (0,) * len(self.space.decisions)


class ShuffledExecutor(Executor):
    """Several children at once, which end in any order."""

    def __init__(self, evaluator, order):
        self.evaluator = evaluator
        self.rng = np.random.default_rng(order)
        self.children = []

    def describe(self):
        return {}

    def submit(self, child):
        self.children.append(child)

    def collect(self, timeout=None):
        child = self.children.pop(int(self.rng.integers(len(self.children))))
        return attempt(self.evaluator, child)


def test_a_search_evaluates_so_many_children(
    bench, LearningStrategy, executor, evaluator
):
    bench.loop(LearningStrategy(bench.space, 1), executor).run()
    trials = bench.trials
    counted = [trial for trial in trials if trial.state.counts]
    assert [trial.number for trial in trials] == list(range(len(trials)))
    assert len(counted) == len(evaluator.genotypes) == 12
    assert evaluator.genotypes == [
        bench.space.decode(trial.decisions) for trial in counted
    ]


def test_duplicates_take_the_stored_result_and_do_not_count(
    bench, LearningStrategy, executor
):
    bench.loop(LearningStrategy(bench.space, 1), executor, trials=24).run()
    duplicates = [t for t in bench.trials if t.state is DUPLICATE]
    assert duplicates  # this strategy proposes some
    for trial in duplicates:
        original = bench.trials[trial.duplicate_of]
        assert original.state is COMPLETE
        assert trial.evaluation == original.evaluation
        assert bench.space.canonical(trial.decisions) == bench.space.canonical(
            original.decisions
        )


def test_what_would_come_to_something_else_is_evaluated_again(
    bench, executor, evaluator
):
    """As where a network that is shared was trained further since trial 0."""
    asked = []

    def outdated(number, folder):
        asked.append((number, folder))
        return number < 1

    evaluator.outdated = outdated
    bench.loop(Repeats(bench.space, 0), executor, trials=3).run()
    states = [trial.state for trial in bench.trials]
    assert states == [COMPLETE, COMPLETE, *([DUPLICATE] * 50), COMPLETE]
    assert {trial.duplicate_of for trial in bench.trials} == {None, 1}
    assert asked[:2] == [
        (number, bench.directory.children) for number in (0, 1)
    ]


def test_after_fifty_duplicates_comes_a_uniform_sample(bench, executor):
    bench.loop(Repeats(bench.space, 0), executor, trials=3).run()
    states = [trial.state for trial in bench.trials]
    assert states == [COMPLETE, *([DUPLICATE] * 50), COMPLETE] + (
        [DUPLICATE] * 50 + [COMPLETE]
    )
    firsts = [t.decisions for t in bench.trials if t.state is COMPLETE]
    assert len(set(firsts)) == 3


def test_the_uniform_sample_is_a_function_of_the_seed(
    tmp_path, space, evaluator
):
    drawn = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        bench = Bench(tmp_path / name, space)
        executor = InProcessExecutor(lambda: evaluator)
        bench.loop(Repeats(space, seed), executor, trials=2).run()
        drawn.append(bench.trials[-1].decisions)
        bench.storage.close()
    assert drawn[0] == drawn[1] != drawn[2]


def test_an_exhausted_space_ends_the_search_with_a_sentence(
    tmp_path, executor, monkeypatch
):
    space = NASNetSpace(blocks=1, combiners=("add",))
    monkeypatch.setattr(space, "sample", lambda rng: (0,) * 10)
    bench = Bench(tmp_path / "run", space)
    with pytest.raises(SearchError, match="after 1 architectures"):
        bench.loop(Repeats(space, 0), executor, trials=2).run()
    bench.storage.close()


def test_failed_children_are_trials_with_a_reason(
    bench, LearningStrategy, FakeEvaluator
):
    executor = InProcessExecutor(lambda: FakeEvaluator(failing=0.5))
    bench.loop(LearningStrategy(bench.space, 0), executor, trials=16).run()
    counted = [trial for trial in bench.trials if trial.state.counts]
    failed = [trial for trial in counted if trial.state is FAILED]
    assert len(counted) == 16
    assert 0 < len(failed) < 16
    for trial in failed:
        assert trial.reward is None
        assert trial.reason.startswith("The child diverged at 0.")


def test_a_search_whose_first_children_all_fail_stops(
    bench, LearningStrategy, FakeEvaluator
):
    executor = InProcessExecutor(lambda: FakeEvaluator(failing=2.0))
    loop = bench.loop(LearningStrategy(bench.space, 0), executor, trials=30)
    with pytest.raises(SearchError, match="All 10 children.*The child diverg"):
        loop.run()
    assert sum(trial.state is FAILED for trial in bench.trials) == 10
    # What was wrong is put right, and the search goes on.
    executor = InProcessExecutor(FakeEvaluator)
    bench.loop(LearningStrategy(bench.space, 0), executor, trials=30).run()
    assert sum(trial.state is COMPLETE for trial in bench.trials) == 20


def test_a_short_search_of_failures_alone_fails(
    bench, LearningStrategy, FakeEvaluator
):
    executor = InProcessExecutor(lambda: FakeEvaluator(failing=2.0))
    with pytest.raises(SearchError, match="All 2 children"):
        bench.loop(LearningStrategy(bench.space, 0), executor, trials=2).run()


def test_a_resumed_search_equals_an_uninterrupted_one(
    tmp_path, space, LearningStrategy, FakeEvaluator, outcomes
):
    whole = Bench(tmp_path / "whole", space)
    executor = InProcessExecutor(FakeEvaluator)
    whole.loop(LearningStrategy(space, 4), executor, trials=20).run()
    parts = Bench(tmp_path / "parts", space)
    for child in (3, 1, 6):
        evaluator = FakeEvaluator(interrupt=(child, KeyboardInterrupt()))
        executor = InProcessExecutor(lambda which=evaluator: which)
        loop = parts.loop(LearningStrategy(space, 4), executor, trials=20)
        with pytest.raises(KeyboardInterrupt):
            loop.run()
        assert parts.trials[-1].state is TrialState.RUNNING
    for trials in (15, 20):
        executor = InProcessExecutor(FakeEvaluator)
        parts.loop(LearningStrategy(space, 4), executor, trials=trials).run()
    assert outcomes(parts.trials) == outcomes(whole.trials)
    whole.storage.close()
    parts.storage.close()


def test_a_child_that_was_broken_off_is_left_if_enough_are_done(
    bench, space, LearningStrategy, FakeEvaluator
):
    stopped = FakeEvaluator(interrupt=(3, KeyboardInterrupt()))
    loop = bench.loop(
        LearningStrategy(space, 4), InProcessExecutor(lambda: stopped)
    )
    with pytest.raises(KeyboardInterrupt):
        loop.run()
    states = [trial.state for trial in bench.trials]
    assert states[-1] is TrialState.RUNNING
    done = sum(state.counts for state in states)
    evaluator = FakeEvaluator()
    for trials, evaluated in ((done, 0), (done + 1, 1)):
        executor = InProcessExecutor(lambda: evaluator)
        bench.loop(LearningStrategy(space, 4), executor, trials=trials).run()
        assert len(evaluator.genotypes) == evaluated


def test_a_finished_search_evaluates_nothing_more(
    bench, LearningStrategy, executor, evaluator
):
    for _ in range(2):
        bench.loop(LearningStrategy(bench.space, 1), executor).run()
    assert len(evaluator.genotypes) == 12


def test_proposals_do_not_depend_on_which_child_ends_first(
    tmp_path, space, LearningStrategy, evaluator, outcomes
):
    """With a lag, the strategy (which raises otherwise) hears of exactly the
    trials that the lag says, whatever the order in which children end."""
    found = []
    for order in range(3):
        bench = Bench(tmp_path / str(order), space)
        for trials in (9, 20):  # the second loop resumes
            strategy = LearningStrategy(space, 2, lag=3)
            executor = ShuffledExecutor(evaluator, order)
            bench.loop(strategy, executor, trials=trials, lag=3).run()
        found.append(outcomes(bench.trials))
        assert sum(trial.state.counts for trial in bench.trials) == 20
        bench.storage.close()
    assert found[0] == found[1] == found[2]


def test_uniform_samples_do_not_depend_on_which_child_is_refused_first(
    tmp_path, space, evaluator, outcomes
):
    found = []
    for order in range(3):
        bench = Bench(tmp_path / str(order), space)
        refuses = Refuses(evaluator, lambda genotype: len(str(genotype)) % 3)
        executor = ShuffledExecutor(refuses, order)
        bench.loop(Repeats(space, 0), executor, trials=4, lag=3).run()
        found.append(outcomes(bench.trials))
        bench.storage.close()
    assert {row[2] for row in found[0]} >= {DUPLICATE, TrialState.REFUSED}
    assert found[0] == found[1] == found[2]


def test_as_many_children_are_under_way_as_the_lag_allows(
    bench, LearningStrategy, evaluator
):
    """Those that end before their turn make room at once."""
    under_way = []

    class Counts(ShuffledExecutor):
        def collect(self, timeout=None):
            under_way.append(len(self.children))
            return super().collect(timeout)

    strategy = LearningStrategy(bench.space, 2, lag=6)
    bench.loop(strategy, Counts(evaluator, 0), trials=60, lag=6).run()
    assert max(under_way) == 7
    assert np.mean(under_way) > 4


def test_every_stage_has_work_for_all_workers(
    bench, LearningStrategy, evaluator
):
    """The stages of a plan begin when nothing is under way, rungs while other
    children are."""
    under_way = {}

    class Counts(ShuffledExecutor):
        def collect(self, timeout=None):
            child = self.children[0]
            under_way.setdefault(child.budget, []).append(len(self.children))
            return super().collect(timeout)

    bench.loop(
        LearningStrategy(bench.space, 2, lag=3),
        Counts(Timed(evaluator), 0),
        schedule=PlannedRungs(0.5, 2, 1.0),
        lag=3,
    ).run()
    first, *later = under_way.values()
    assert len(later) == 2
    assert max(first) == 4
    for counts in later:
        assert counts[0] == min(4, len(counts))
        # Until too few are left.
        assert counts == [min(4, len(counts) - n) for n in range(len(counts))]


@pytest.mark.parametrize("lag", [0, 3])
def test_a_plan_goes_on_where_the_space_has_no_more(tmp_path, evaluator, lag):
    space = NASNetSpace(1, operations=("identity", "conv_1x1"), cells=1)
    bench = Bench(tmp_path / "run", space)
    for _ in range(2):  # the second time there is nothing to do
        bench.loop(
            GridSearch(space, 1),
            ShuffledExecutor(Timed(evaluator), 0),
            schedule=PlannedRungs(
                5, 2, 1.0, bench.storage.meta("plan"), space.size
            ),
            lag=lag,
        ).run()
    trained = [t for t in bench.trials if t.state is COMPLETE]
    (first, *later) = bench.storage.meta("plan")["stages"]
    assert len(trained) == first["children"] < space.size
    assert len(later) == 2
    assert max(len(trial.evaluations) for trial in trained) == 3
    bench.storage.close()


def test_the_time_of_a_child_that_is_broken_off_counts(
    bench, LearningStrategy, evaluator, clock
):
    class Breaks(InProcessExecutor):
        def collect(self, timeout=None):
            clock[0] += 10
            raise KeyboardInterrupt

    for _ in range(2):
        loop = bench.loop(
            LearningStrategy(bench.space, 1), Breaks(lambda: evaluator)
        )
        with pytest.raises(KeyboardInterrupt):
            loop.run()
    assert bench.storage.meta("elapsed") == 20


class Timed(Evaluator):
    """Says how long a child takes on a made-up clock."""

    def __init__(self, evaluator):
        self.evaluator = evaluator

    def evaluate(self, child):
        evaluation = self.evaluator.evaluate(child)
        seconds = {"build": 4.0, "train": 15.0 * child.budget}
        return Evaluation(evaluation.reward, {}, seconds, budget=child.budget)

    def describe(self):
        return {}


def test_a_search_ends_at_its_deadline_and_goes_on(
    bench, LearningStrategy, evaluator, clock
):
    class Slow(InProcessExecutor):
        def collect(self, timeout=None):
            assert timeout == 25 - clock[0]
            clock[0] += 10
            return None if clock[0] > 25 else super().collect(timeout)

    def search(deadline=None):
        executor = (Slow if deadline else InProcessExecutor)(lambda: evaluator)
        strategy = LearningStrategy(bench.space, 2)
        bench.loop(strategy, executor, trials=6, deadline=deadline).run()
        return [trial.state.counts for trial in bench.trials]

    assert sum(search(deadline=25.0)) == 2
    assert sum(search()) == 6
    assert len(evaluator.genotypes) == 6


def test_the_strategy_state_is_written_when_it_has_learnt(
    bench, LearningStrategy, executor, monkeypatch
):
    written = []
    monkeypatch.setattr(
        bench.storage, "save_strategy", lambda state, n: written.append(n)
    )
    bench.loop(LearningStrategy(bench.space, 1), executor, trials=9).run()
    assert written == list(range(4, len(bench.trials) + 1, 4))


def test_the_weights_of_the_best_children_stay(
    bench, LearningStrategy, executor
):
    strategy = LearningStrategy(bench.space, 1)
    bench.loop(strategy, executor, trials=12, keep=3).run()
    best = ranked(bench.trials)[:3]
    files = {f: f.read_text() for f in bench.directory.children.iterdir()}
    assert files == {
        bench.directory.weights(t.number): f"weights of {t.reward}"
        for t in best
    }


class Diary(Observer):
    def __init__(self):
        self.lines = []

    def begin(self, trials, total):
        self.lines.append(("begin", len(trials), total))

    def proposed(self, trial):
        self.lines.append(("proposed", trial.number))

    def finished(self, trial, best, metrics):
        self.lines.append(("finished", trial.number, dict(metrics)))
        self.best = best

    def end(self):
        self.lines.append(("end",))


def test_observers_hear_of_everything_once(bench, LearningStrategy, executor):
    diary = Diary()
    for trials in (5, 6):
        strategy = LearningStrategy(bench.space, 1)
        bench.loop(strategy, executor, trials=trials, observers=[diary]).run()
    assert diary.lines[0] == ("begin", 0, 5)
    assert diary.lines.count(("end",)) == 2
    finished = [line for line in diary.lines if line[0] == "finished"]
    numbers = [number for _, number, _ in finished]
    assert numbers == list(range(len(bench.trials)))
    # The strategy learns from four trials at a time, here from one batch.
    assert [number for _, number, metrics in finished if metrics] == [3]
    assert diary.best == ranked(bench.trials)[0]


def test_observers_hear_of_the_end_of_a_broken_search(
    bench, LearningStrategy, FakeEvaluator
):
    diary = Diary()
    evaluator = FakeEvaluator(interrupt=(1, RuntimeError("a defect")))
    loop = bench.loop(
        LearningStrategy(bench.space, 1),
        InProcessExecutor(lambda: evaluator),
        observers=[diary],
    )
    with pytest.raises(RuntimeError, match="a defect"):
        loop.run()
    assert diary.lines[-1] == ("end",)


def test_what_a_plan_came_from_is_on_disk_when_it_is_shown(
    bench, LearningStrategy, evaluator
):
    class Breaks(Observer):
        def planned(self, stages, ended, seconds_left):
            if stages:
                raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        bench.loop(
            LearningStrategy(bench.space, 1),
            InProcessExecutor(lambda: Timed(evaluator)),
            schedule=PlannedRungs(0.5, 2, 1.0),
            observers=[Breaks()],
        ).run()
    assert bench.storage.meta("plan")["stages"]
    assert [t.state for t in bench.trials] == [COMPLETE] * len(bench.trials)
    assert len(bench.trials) == len(evaluator.genotypes)


def test_a_cost_that_no_child_tells_ends_the_search(
    bench, LearningStrategy, executor, evaluator
):
    loop = bench.loop(
        LearningStrategy(bench.space, 1), executor, costs=("flops",)
    )
    with pytest.raises(SearchError, match=r"'flops'.*one of accuracy, loss"):
        loop.run()
    assert len(evaluator.genotypes) == 1


def test_a_child_that_vanished_is_an_outcome(bench, LearningStrategy):
    """Executors beyond this process report children by outcomes alone."""

    class Vanishing(Executor):
        def __init__(self):
            pass

        def describe(self):
            return {}

        def submit(self, child):
            self.child = child

        def collect(self, timeout=None):
            return Outcome(self.child.number, FAILED, reason="The worker died.")

    with pytest.raises(SearchError, match="The worker died"):
        bench.loop(
            LearningStrategy(bench.space, 0), Vanishing(), trials=1
        ).run()
    assert bench.trials[0].reason == "The worker died."


class Refuses(Evaluator):
    """Refuses all cells but those that it lets through."""

    def __init__(self, evaluator, lets_through):
        self.evaluator = evaluator
        self.lets_through = lets_through

    def evaluate(self, child):
        if not self.lets_through(child.architecture):
            raise Refusal("parameters: 9, above the limit of 8.")
        return self.evaluator.evaluate(child)

    def describe(self):
        return {}


def test_refused_cells_are_not_trained_and_do_not_count(
    bench, LearningStrategy, evaluator
):
    def lets_through(genotype):
        return genotype.normal.blocks[0].operations[0].startswith("sep")

    executor = InProcessExecutor(lambda: Refuses(evaluator, lets_through))
    bench.loop(LearningStrategy(bench.space, 1), executor, trials=6).run()
    refused = [t for t in bench.trials if t.state is TrialState.REFUSED]
    assert refused
    assert {trial.reason for trial in refused} == {
        "parameters: 9, above the limit of 8."
    }
    assert sum(trial.state is COMPLETE for trial in bench.trials) == 6
    assert len(evaluator.genotypes) == 6
    assert all(map(lets_through, evaluator.genotypes))


def test_after_fifty_refused_comes_a_uniform_sample(bench, evaluator):
    first = bench.space.decode((0,) * 20)
    executor = InProcessExecutor(
        lambda: Refuses(evaluator, lambda genotype: genotype != first)
    )
    bench.loop(Repeats(bench.space, 0), executor, trials=2).run()
    # What was refused once is a duplicate afterwards.
    states = [trial.state for trial in bench.trials]
    assert states[:2] == [TrialState.REFUSED, DUPLICATE]
    assert states.count(COMPLETE) == 2
    assert [t.reward for t in bench.trials if t.state is DUPLICATE] == (
        [None] * states.count(DUPLICATE)
    )


def test_constraints_that_refuse_everything_end_the_search(
    bench, LearningStrategy, evaluator, monkeypatch
):
    monkeypatch.setattr("search.loop.giving_up.REFUSED_IN_A_ROW", 70)
    executor = InProcessExecutor(lambda: Refuses(evaluator, lambda _: False))
    loop = bench.loop(LearningStrategy(bench.space, 1), executor)
    with pytest.raises(
        SearchError, match="70 proposals.*9, above the limit of 8"
    ):
        loop.run()


class Grows(Evaluator):
    """A child's reward grows with its training, and it keeps in its file how
    far it has come."""

    def __init__(self, evaluator, failing=(), interrupt=None):
        self.evaluator = evaluator
        self.failing = failing  # what raises: (child, budget)
        self.interrupt = interrupt
        self.asked = []  # (child, epochs before, budget)

    def evaluate(self, child):
        budget = child.budget
        before = int(child.weights.read_text()) if child.is_begun else 0
        if self.interrupt == (child.number, budget):
            raise KeyboardInterrupt
        self.asked.append((child.number, before, budget))
        if (child.number, budget) in self.failing:
            raise EvaluationError("It diverged.")
        evaluation = self.evaluator.evaluate(child)
        child.weights.write_text(str(budget))
        # Rungs rank children in orders of their own.
        other = (1000 * evaluation.reward * budget * 7 + budget) % 1
        return Evaluation(evaluation.reward * budget + other)

    def describe(self):
        return {}


def halve(path, space, strategy, evaluator, trials=18):
    bench = Bench(path, space) if isinstance(path, Path) else path
    executor = InProcessExecutor(lambda: evaluator)
    halving = SuccessiveHalving(trials, 1, 9, 3)
    bench.loop(strategy, executor, keep=1, schedule=halving).run()
    return bench


def test_halving_trains_the_best_on_from_where_they_stopped(
    tmp_path, space, LearningStrategy, evaluator
):
    grows = Grows(evaluator)
    bench = halve(tmp_path / "run", space, LearningStrategy(space, 1), grows)
    counted = [trial for trial in bench.trials if trial.state.counts]
    assert len(counted) == 18
    for rung in (0, 1):
        reached = [t for t in counted if len(t.evaluations) > rung]
        reached.sort(key=lambda t: -t.evaluations[rung].reward)
        best = reached[: len(reached) // 3]
        assert len(best) >= 2
        assert all(len(trial.evaluations) > rung + 1 for trial in best)
        # Others went on while they were ahead, but few.
        went_on = [t for t in reached if len(t.evaluations) > rung + 1]
        assert len(went_on) <= len(best) + 2
    starts = {(budget, before) for _, before, budget in grows.asked}
    assert starts == {(1, 0), (3, 1), (9, 3)}
    for trial in counted:
        budgets = [evaluation.budget for evaluation in trial.evaluations]
        assert budgets == [1, 3, 9][: len(budgets)]
    # Whoever reached the last rung is ahead of the rest.
    best = ranked(bench.trials)
    assert [len(trial.evaluations) for trial in best[:2]] == [3, 3]
    # Nobody goes on any more, so the weights of the best alone are kept.
    assert [file.name for file in bench.directory.children.iterdir()] == [
        bench.directory.weights(best[0].number).name
    ]
    bench.storage.close()


def test_proposals_do_not_depend_on_who_goes_on(
    tmp_path, space, LearningStrategy, evaluator
):
    """The strategy hears of the first rung alone."""
    with_it = halve(
        tmp_path / "with", space, LearningStrategy(space, 1), Grows(evaluator)
    )
    without = Bench(tmp_path / "without", space)
    first_rung = InProcessExecutor(lambda: Budgeted(Grows(evaluator), 1))
    without.loop(LearningStrategy(space, 1), first_rung, trials=18).run()
    assert [trial.decisions for trial in with_it.trials] == [
        trial.decisions for trial in without.trials
    ]
    with_it.storage.close()
    without.storage.close()


class Budgeted(Evaluator):
    """Evaluates at one budget."""

    def __init__(self, evaluator, budget):
        self.evaluator = evaluator
        self.budget = budget

    def evaluate(self, child):
        return self.evaluator.evaluate(
            dataclasses.replace(child, budget=self.budget)
        )

    def describe(self):
        return {}


@pytest.mark.parametrize("seed", [1, 4])
@pytest.mark.one_in(2)
def test_an_interrupted_halving_equals_an_uninterrupted_one(
    tmp_path, space, LearningStrategy, evaluator, seed
):
    uninterrupted = Grows(evaluator)
    whole = halve(
        tmp_path / "whole", space, LearningStrategy(space, seed), uninterrupted
    )
    parts = Bench(tmp_path / "parts", space)
    for child, _, budget in uninterrupted.asked:
        with pytest.raises(KeyboardInterrupt):
            halve(
                parts,
                space,
                LearningStrategy(space, seed),
                Grows(evaluator, interrupt=(child, budget)),
            )
    halve(parts, space, LearningStrategy(space, seed), Grows(evaluator))
    assert parts.trials == whole.trials
    whole.storage.close()
    parts.storage.close()


def test_one_child_at_a_time_is_under_way_without_a_lag(
    tmp_path, space, LearningStrategy, evaluator
):
    class One(InProcessExecutor):
        waiting = 0

        def submit(self, child):
            self.waiting += 1
            if self.waiting > 1:
                raise RuntimeError("Two children at a time.")
            super().submit(child)

        def collect(self, timeout=None):
            self.waiting -= 1
            return super().collect(timeout)

    bench = Bench(tmp_path / "run", space)
    bench.loop(
        LearningStrategy(space, 1),
        One(lambda: Grows(evaluator)),
        schedule=SuccessiveHalving(18, 1, 9, 3),
    ).run()
    assert any(trial.went_on for trial in bench.trials)
    bench.storage.close()


def test_a_child_may_fail_when_it_goes_on(
    tmp_path, space, LearningStrategy, evaluator
):
    whole = halve(
        tmp_path / "whole", space, LearningStrategy(space, 1), Grows(evaluator)
    )
    chosen = next(t for t in whole.trials if t.went_on)
    failing = {(chosen.number, 3)}
    bench = halve(
        tmp_path / "failing",
        space,
        LearningStrategy(space, 1),
        Grows(evaluator, failing),
    )
    trial = bench.trials[chosen.number]
    assert trial.state is FAILED
    assert trial.reason == "It diverged."
    assert trial.evaluations == chosen.evaluations[:1]
    assert trial not in ranked(bench.trials)
    # It counts once, and the strategy never hears of it.
    assert [t.decisions for t in bench.trials] == [
        t.decisions for t in whole.trials
    ]
    again = Grows(evaluator)
    halve(bench, space, LearningStrategy(space, 1), again)
    assert again.asked == []
    # Only one is kept, and it fails: others are still there.
    last = halve(
        tmp_path / "last",
        space,
        LearningStrategy(space, 1),
        Grows(evaluator, {(chosen.number, 3)}),
        trials=chosen.number + 1,
    )
    assert last.trials[chosen.number].state is FAILED
    assert ranked(last.trials)
    last.storage.close()
    whole.storage.close()
    bench.storage.close()


def test_the_pareto_front_keeps_its_weights(bench, LearningStrategy, evaluator):
    class Costs(Evaluator):
        def evaluate(self, child):
            evaluation = evaluator.evaluate(child)
            metrics = {
                **evaluation.metrics,
                "parameters": 100 * evaluation.reward**2,
            }
            return dataclasses.replace(evaluation, metrics=metrics)

        def describe(self):
            return {}

    executor = InProcessExecutor(Costs)
    strategy = LearningStrategy(bench.space, 1)
    bench.loop(strategy, executor, trials=8, keep=1, costs=["parameters"]).run()
    # The more accurate, the larger: all are in the front.
    assert len(list(bench.directory.children.iterdir())) == 8
