import numpy as np
import pytest

from search.executors import Executor, InProcessExecutor, Outcome
from search.executors.base import attempt
from search.loop import SearchError, SearchLoop
from search.observer import Observer
from search.run_directory import RunDirectory
from search.space import NASNetSpace
from search.storage import SQLiteStorage
from search.strategies.base import Strategy
from search.trial import TrialState, ranked

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

    def loop(self, strategy, executor, trials=12, keep=5, observers=()):
        stored = self.storage.strategy()
        if stored is not None:
            strategy.restore(*stored)
        return SearchLoop(
            strategy,
            executor,
            self.storage,
            self.directory,
            trials=trials,
            keep=keep,
            observers=observers,
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
def executor(evaluator):
    return InProcessExecutor(evaluator, seed=3)


class Repeats(Strategy):
    """Proposes the same cells again and again."""

    name = "repeats"

    def ask(self, number):
        return (0,) * len(self.space.decisions)


class ShuffledExecutor(Executor):
    """Several children at once, which end in any order."""

    lag = 3

    def __init__(self, evaluator, order):
        self.evaluator = evaluator
        self.rng = np.random.default_rng(order)
        self.jobs = []

    def submit(self, job):
        self.jobs.append(job)

    def collect(self):
        job = self.jobs.pop(int(self.rng.integers(len(self.jobs))))
        return attempt(self.evaluator, job, seed=0)


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
        executor = InProcessExecutor(evaluator, seed=0)
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
    executor = InProcessExecutor(FakeEvaluator(failing=0.5), seed=0)
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
    executor = InProcessExecutor(FakeEvaluator(failing=2.0), seed=0)
    loop = bench.loop(LearningStrategy(bench.space, 0), executor, trials=30)
    with pytest.raises(SearchError, match="All 10 children.*The child diverg"):
        loop.run()
    assert sum(trial.state is FAILED for trial in bench.trials) == 10
    # What was wrong is put right, and the search goes on.
    executor = InProcessExecutor(FakeEvaluator(), seed=0)
    bench.loop(LearningStrategy(bench.space, 0), executor, trials=30).run()
    assert sum(trial.state is COMPLETE for trial in bench.trials) == 20


def test_a_short_search_of_failures_alone_fails(
    bench, LearningStrategy, FakeEvaluator
):
    executor = InProcessExecutor(FakeEvaluator(failing=2.0), seed=0)
    with pytest.raises(SearchError, match="All 2 children"):
        bench.loop(LearningStrategy(bench.space, 0), executor, trials=2).run()


def test_a_resumed_search_equals_an_uninterrupted_one(
    tmp_path, space, LearningStrategy, FakeEvaluator, outcomes
):
    whole = Bench(tmp_path / "whole", space)
    executor = InProcessExecutor(FakeEvaluator(), seed=0)
    whole.loop(LearningStrategy(space, 4), executor, trials=20).run()
    parts = Bench(tmp_path / "parts", space)
    for child in (3, 1, 6):
        evaluator = FakeEvaluator(interrupt=(child, KeyboardInterrupt()))
        executor = InProcessExecutor(evaluator, seed=0)
        loop = parts.loop(LearningStrategy(space, 4), executor, trials=20)
        with pytest.raises(KeyboardInterrupt):
            loop.run()
        assert parts.trials[-1].state is TrialState.RUNNING
    for trials in (15, 20):
        executor = InProcessExecutor(FakeEvaluator(), seed=0)
        parts.loop(LearningStrategy(space, 4), executor, trials=trials).run()
    assert outcomes(parts.trials) == outcomes(whole.trials)
    whole.storage.close()
    parts.storage.close()


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
            strategy = LearningStrategy(space, 2)
            strategy.lag = ShuffledExecutor.lag
            executor = ShuffledExecutor(evaluator, order)
            bench.loop(strategy, executor, trials=trials).run()
        proposals = [trial[:2] for trial in outcomes(bench.trials)]
        found.append(proposals)
        assert sum(trial.state.counts for trial in bench.trials) == 20
        bench.storage.close()
    shortest = min(len(proposals) for proposals in found)
    assert shortest >= 20
    assert found[0][:shortest] == found[1][:shortest] == found[2][:shortest]


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

    def finished(self, trial, metrics):
        self.lines.append(("finished", trial.number, dict(metrics)))

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


def test_observers_hear_of_the_end_of_a_broken_search(
    bench, LearningStrategy, FakeEvaluator
):
    diary = Diary()
    evaluator = FakeEvaluator(interrupt=(1, RuntimeError("a defect")))
    loop = bench.loop(
        LearningStrategy(bench.space, 1),
        InProcessExecutor(evaluator, seed=0),
        observers=[diary],
    )
    with pytest.raises(RuntimeError, match="a defect"):
        loop.run()
    assert diary.lines[-1] == ("end",)


def test_a_child_that_vanished_is_an_outcome(bench, LearningStrategy):
    """Executors beyond this process report children by outcomes alone."""

    class Vanishing(Executor):
        def submit(self, job):
            self.job = job

        def collect(self):
            return Outcome(self.job.number, reason="The worker died.")

    with pytest.raises(SearchError, match="The worker died"):
        bench.loop(
            LearningStrategy(bench.space, 0), Vanishing(), trials=1
        ).run()
    assert bench.trials[0].reason == "The worker died."
