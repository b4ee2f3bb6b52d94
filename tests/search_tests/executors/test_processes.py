import contextlib
import functools
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import executor_fakes
import pytest

from nasnet_keras.console.activity import Activity, listening
from search.evaluation.base import Child
from search.executors import processes
from search.executors.base import SearchError
from search.executors.configuration import ExecutionConfig
from search.executors.pool import CHILDREN_PER_WORKER
from search.executors.processes import ProcessExecutor, visible_gpus

SCENARIO = Path(__file__).with_name("search_scenario.py")
PATIENCE = 60  # seconds


@pytest.fixture
def pool():
    """One worker at a time."""
    executor = ProcessExecutor(executor_fakes.Obedient)
    with contextlib.closing(executor):
        yield executor


def test_workers_say_what_goes_on():
    heard, of_children = [], []
    pool = ProcessExecutor(executor_fakes.Talkative)
    pool.listen(lambda *each: of_children.append(each))
    with contextlib.closing(pool):
        with listening(heard.append):
            pool.describe()
        pool.submit(Child(7, ("tell", 1000)))
        assert pool.collect().evaluation.reward == 1.0
    assert heard == [Activity("reading images", 12, 100)]
    # Not as often as the worker says it.
    first, *_, last = of_children
    assert first == (7, Activity("training steps", 0, 1000))
    assert last == (7, Activity("validating"))
    assert len(of_children) < 50


def test_a_worker_waits_for_nobody_to_hear_it(monkeypatch):
    """Its driver may learn from results for minutes meanwhile."""
    monkeypatch.setattr(processes, "SECONDS_BETWEEN_ACTIVITIES", 0.0)
    ours, theirs = multiprocessing.Pipe()
    with contextlib.closing(ours), contextlib.closing(theirs):
        tell = processes._Teller(theirs)
        for step in range(20_000):
            tell(Activity("training steps", step, 20_000))
        assert ours.recv() == Activity("training steps", 0, 20_000)


def process_of_a_child(pool):
    pool.submit(Child(0, ("reward", 0.5)))
    return pool.collect().evaluation.metrics["pid"]


@pytest.mark.parametrize(
    ("script", "received"),
    [(True, "a call that the import comes to"), (False, "no file, .*stdin")],
)
@pytest.mark.large
def test_a_script_without_a_guard_is_one_sentence(tmp_path, script, received):
    program = (
        "import search\n"
        "import executor_fakes\n"
        "try:\n"
        "    search.run('run', evaluator=executor_fakes.Checksums, workers=2)\n"
        "except search.InputError as error:\n"
        "    print(error)\n"
    )
    (tmp_path / "script.py").write_text(program)
    command = [sys.executable, "script.py" if script else "-"]
    ended = subprocess.run(
        command,
        input=None if script else program,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=60,
    )
    assert re.search("__main__.*" + received, ended.stdout), ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "run").exists()


def test_an_idle_worker_that_dies_is_replaced(pool):
    first = process_of_a_child(pool)
    os.kill(first, signal.SIGKILL)
    assert process_of_a_child(pool) != first


def test_a_worker_is_replaced_after_some_children(pool, monkeypatch):
    assert CHILDREN_PER_WORKER > 1
    monkeypatch.setattr("search.executors.pool.CHILDREN_PER_WORKER", 2)
    processes = [process_of_a_child(pool) for _ in range(3)]
    assert processes[0] == processes[1] != processes[2]


def test_an_unnamed_signal_is_a_death_like_others(pool):
    pool.settings = ExecutionConfig(executor="processes", retries=0)
    pool.submit(Child(0, ("die_of", 40)))
    assert pool.collect().reason.endswith("the last time by signal 40.")


def test_what_a_child_forked_does_not_hide_that_its_worker_died(
    pool, tmp_path, monkeypatch
):
    monkeypatch.setattr("search.executors.processes.SECONDS_TO_DIE", 0.1)
    pool.settings = ExecutionConfig(executor="processes", retries=0)
    forked = tmp_path / "forked"
    pool.submit(Child(0, ("fork_and_die", forked)))
    try:
        outcome = pool.collect(PATIENCE)
    finally:
        os.kill(int(forked.read_text()), signal.SIGKILL)
    assert outcome.reason.endswith("by SIGKILL.")


def test_a_limit_may_be_longer_than_the_system_can_wait(pool):
    pool.settings = ExecutionConfig(executor="processes", child_time_limit=1e9)
    process_of_a_child(pool)


def test_a_new_worker_that_finds_other_data_ends_the_search(monkeypatch):
    monkeypatch.setattr("search.executors.pool.CHILDREN_PER_WORKER", 1)
    executor = ProcessExecutor(executor_fakes.Fickle)
    with contextlib.closing(executor):
        process_of_a_child(executor)
        with pytest.raises(SearchError, match="finds other data"):
            process_of_a_child(executor)


def test_an_evaluator_from_here_is_refused():
    with pytest.raises(ValueError, match="`evaluator`. Expected with workers"):
        ProcessExecutor(lambda: executor_fakes.Obedient())


@pytest.mark.parametrize(
    ("visible", "names"),
    [("0,1", ["0", "1"]), ("GPU-3a", ["GPU-3a"]), ("", []), ("-1", ["-1"])],
)
def test_gpus_are_those_that_the_driver_may_see(monkeypatch, visible, names):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert visible_gpus() == names


class Search:
    """A search that has come to children that never end."""

    def __init__(self, folder):
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, str(SCENARIO), *self.arguments],
            cwd=folder,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        await_(lambda: len(self.workers) == 2)

    @property
    def arguments(self):
        options = "--dataset none --strategy random --workers 2"
        return f"run --output run {options}".split()

    @property
    def workers(self):
        return [int(file.stem) for file in self.folder.glob("run/*.pid")]


def await_(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.one_in(2)
def test_an_interrupted_search_leaves_no_process(tmp_path, by):
    search = Search(tmp_path)
    if by is signal.SIGINT:
        os.killpg(search.process.pid, by)  # as the terminal does
    else:
        search.process.send_signal(by)
    output, errors = search.process.communicate(timeout=PATIENCE)
    assert search.process.returncode == 130
    assert errors == "Interrupted. Continue with `nasnet-search resume run`.\n"
    assert not any(map(is_alive, search.workers))


def test_workers_end_with_a_driver_that_is_killed(tmp_path):
    search = Search(tmp_path)
    search.process.kill()
    search.process.communicate()
    await_(lambda: not any(map(is_alive, search.workers)))


@pytest.mark.large
def test_a_training_whose_worker_died_goes_on_from_its_file(space, tmp_path):
    diary = tmp_path / "diary"
    make = functools.partial(executor_fakes.mortal_training, diary)
    architecture = space.decode((0,) * len(space.decisions))
    with contextlib.closing(ProcessExecutor(make)) as executor:
        for number in range(2):
            executor.submit(Child(number, architecture, folder=tmp_path))
        killed, whole = executor.collect(), executor.collect()
    assert diary.read_text().split() == ["2", "4", "6", "8", "8"] + (
        ["2", "4", "6", "8", "8"]
    )
    assert killed.evaluation.metrics == whole.evaluation.metrics
