"""What holds for every executor."""

import importlib.util
import os
import sys
from pathlib import Path

import executor_fakes
import pytest

import search
from nasnet_keras.console.activity import Activity, tell_activity
from search.evaluation.base import Child
from search.executors import EXECUTORS, create_executor
from search.executors.base import SearchError
from search.executors.configuration import ExecutionConfig
from search.executors.pool import PoolExecutor
from search.trial import Evaluation, TrialState

COMPLETE, FAILED = TrialState.COMPLETE, TrialState.FAILED

WITHOUT_RAY = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None,
    reason="Ray is not installed: pip install nasnet-keras[ray]",
)
# By name: how many workers, and marks. Ray takes its time to start.
EXECUTOR_CASES = {
    "in-process": (1, ()),
    "processes": (2, ()),
    "ray": (2, (pytest.mark.large, WITHOUT_RAY)),
}
POOLS = ("processes", "ray")
SILENT = ("ray",)  # whose workers cannot say what goes on for a child


def cases(names):
    return [
        pytest.param(name, id=name, marks=EXECUTOR_CASES[name][1])
        for name in names
    ]


all_executors = pytest.mark.parametrize(
    "executor", cases(EXECUTOR_CASES), indirect=True
)
all_pools = pytest.mark.parametrize("executor", cases(POOLS), indirect=True)


def create(name, create_evaluator=executor_fakes.Obedient, **settings):
    if name == "ray":
        begin_ray()
    workers, _ = EXECUTOR_CASES[name]
    settings = {"workers": workers, **settings}
    return create_executor(
        create_evaluator, ExecutionConfig(executor=name, **settings), 1
    )


def begin_ray():
    """A cluster for all tests, with room for several executors."""
    import ray

    if not ray.is_initialized():
        ray.init(num_cpus=8, include_dashboard=False, log_to_driver=False)


@pytest.fixture(scope="module", autouse=True)
def fakes_for_ray():
    """Ray's processes find modules by the environment alone."""
    with pytest.MonkeyPatch.context() as patch:
        folder = str(Path(executor_fakes.__file__).parent)
        patch.setenv("PYTHONPATH", folder)
        yield
    if "ray" in sys.modules:
        sys.modules["ray"].shutdown()


@pytest.fixture(scope="module")
def executor(request):
    """One for all tests: starting workers is what takes time."""
    executor = create(request.param)
    yield executor
    executor.close()


def evaluate(executor, architectures, folder, **fields):
    """What becomes of these children, by number."""
    for number, architecture in enumerate(architectures):
        executor.submit(Child(number, architecture, 5, folder=folder, **fields))
    outcomes = [executor.collect() for _ in architectures]
    return sorted(outcomes, key=lambda outcome: outcome.number)


def test_every_executor_has_a_case():
    assert EXECUTOR_CASES.keys() == EXECUTORS.keys()
    with_workers = {
        name
        for name, place in EXECUTORS.items()
        if issubclass(_class_at(place), PoolExecutor)
    }
    assert set(POOLS) == with_workers


def _class_at(place):
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


@all_executors
def test_every_child_has_one_outcome(executor, tmp_path):
    assert executor.describe() == {"data": "none"}
    complete, failed, refused, *rest = evaluate(
        executor,
        [
            ("reward", 0.5),
            ("fail", "It diverged.\nHow?"),
            ("refuse", "Too large."),
            *(("reward", number / 10) for number in range(7)),
        ],
        tmp_path,
        budget=3.0,
    )
    assert complete.state is COMPLETE
    assert (complete.evaluation.reward, complete.evaluation.budget) == (0.5, 3)
    assert (failed.state, failed.reason) == (FAILED, "It diverged.")
    assert (refused.state, refused.reason) == (
        TrialState.REFUSED,
        "Too large.",
    )
    assert [outcome.evaluation.reward for outcome in rest] == [
        number / 10 for number in range(7)
    ]


@all_executors
def test_it_hands_on_what_the_user_should_know(executor):
    executor.describe()
    assert tuple(executor.notes) == executor_fakes.Obedient.notes


@pytest.mark.parametrize(
    "executor",
    cases(name for name in EXECUTOR_CASES if name not in SILENT),
    indirect=True,
)
def test_what_goes_on_for_a_child_is_heard(executor, tmp_path):
    heard = []
    executor.listen(lambda *each: heard.append(each))
    evaluate(executor, [("reward", 0.5), ("tell", 1)], tmp_path)
    executor.listen(lambda *each: None)
    tell_activity("nothing of a child")
    assert heard == [
        (1, Activity("training steps", 0, 1)),
        (1, Activity("validating")),
    ]


@all_executors
def test_a_child_goes_on_from_its_file_with_the_seed_of_the_run(
    executor, tmp_path
):
    for _ in range(2):
        (outcome,) = evaluate(executor, [("reward", 0.5)], tmp_path)
        assert outcome.state is COMPLETE
    assert [file.name for file in tmp_path.iterdir()] == ["00000.weights.h5"]
    assert (tmp_path / "00000.weights.h5").read_text() == "5 5 "


@all_executors
def test_a_relative_path_is_the_driver_s(executor, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    evaluate(executor, [("reward", 0.5)], Path())
    assert (tmp_path / "00000.weights.h5").exists()


@all_pools
def test_children_are_evaluated_at_the_same_time_elsewhere(executor, tmp_path):
    outcomes = evaluate(executor, [("meet", tmp_path)] * 2, tmp_path)
    processes = {outcome.evaluation.metrics["pid"] for outcome in outcomes}
    assert len(processes) == 2
    assert os.getpid() not in processes


@all_pools
def test_it_waits_no_longer_than_asked(executor, tmp_path):
    executor.submit(Child(0, ("sleep", 1.0)))
    assert executor.collect(timeout=0.05) is None
    assert executor.collect().state is COMPLETE


@all_pools
def test_a_child_whose_worker_died_is_tried_again(executor, tmp_path):
    twice, thrice, well = evaluate(
        executor,
        [
            ("die", (2, tmp_path / "two")),
            ("die", (3, tmp_path / "three")),
            ("reward", 0.5),
        ],
        tmp_path,
    )
    assert twice.evaluation == Evaluation(1.0)
    assert thrice.state is FAILED
    assert thrice.reason.startswith("The child's worker died 3 times")
    assert well.evaluation.reward == 0.5


@all_executors
def test_a_defect_ends_the_search_with_its_traceback(executor, tmp_path):
    with pytest.raises(Exception, match="a defect") as caught:
        evaluate(executor, [("break_off", "a defect")], tmp_path)
    lines = "".join(
        [
            *map(str, caught.traceback),
            *getattr(caught.value, "__notes__", []),
        ]
    )
    assert "break_off" in lines


@pytest.mark.parametrize("name", cases(EXECUTOR_CASES))
def test_an_evaluator_that_cannot_be_made_is_bad_input(name):
    executor = None
    with pytest.raises(ValueError, match="^Expected images. Received: none."):
        executor = create(name, executor_fakes.without_data)
        executor.describe()
    if executor is not None:
        executor.close()


@pytest.mark.parametrize("name", cases(POOLS))
def test_workers_that_die_at_once_end_the_search(name):
    executor = create(name, executor_fakes.dying)
    with pytest.raises(SearchError, match="3 workers in a row died before"):
        executor.describe()
    executor.close()


@pytest.mark.parametrize("name", cases(POOLS))
def test_a_child_may_take_so_long(name, tmp_path):
    executor = create(name, child_time_limit=0.5, workers=1)
    late, well = evaluate(executor, [("sleep", 600), ("reward", 0.5)], tmp_path)
    executor.close()
    assert late.state is FAILED
    assert late.reason == "The child took longer than its 0.5 seconds."
    assert well.state is COMPLETE


@pytest.mark.usefixtures("learning")
@pytest.mark.parametrize("name", cases(EXECUTOR_CASES))
def test_any_executor_gives_the_same_search(name, tmp_path, outcomes):
    """From the beginning, and from where another left off."""
    settings = {
        "strategy": "learning",
        "strategy_options": {"lag": 8},
        "lag": 8,
        "space_options": {"blocks": 2},
        "evaluator": executor_fakes.Checksums,
        "tensorboard": False,
    }
    one = search.run(tmp_path / "one", trials=40, **settings)
    two = search.run(tmp_path / "two", trials=20, **settings)
    two = search.resume(
        tmp_path / "two",
        40,
        evaluator=executor_fakes.Checksums,
        tensorboard=False,
        executor=name,
        workers=EXECUTOR_CASES[name][0],
    )
    assert outcomes(two.trials) == outcomes(one.trials)
    states = {trial.state for trial in one.trials}
    assert states == {COMPLETE, FAILED, TrialState.DUPLICATE}
