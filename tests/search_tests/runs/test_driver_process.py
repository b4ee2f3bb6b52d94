import multiprocessing
import os
import time

import pytest

from search.runs.driver_process import DriverWatch
from search.storage.run_folder import RunDirectory


@pytest.fixture
def directory(tmp_path):
    return RunDirectory(tmp_path)


def test_nobody_drives_a_run(directory):
    watch = DriverWatch(directory)
    assert watch.look() is None
    assert not watch.ended


def test_a_driver_is_seen_until_it_ends(directory):
    watch = DriverWatch(directory)
    with directory.lock():
        driver = watch.look()
        assert driver.process.pid == os.getpid()
        assert driver.process.memory > 1e6
        assert driver.process.seconds > 0
        assert driver.workers == []
        assert str(driver) == f"Driven by process {os.getpid()}."
        assert not watch.ended
    for _ in range(2):
        assert watch.look() is None
        assert watch.ended
    with directory.lock():
        assert watch.look().process.pid == os.getpid()
        assert not watch.ended


def test_to_watch_takes_no_lock(directory):
    watch = DriverWatch(directory)
    assert watch.look() is None
    assert not any(directory.path.iterdir())
    with directory.lock():
        pass


def test_the_workers_of_a_driver_are_seen(directory):
    context = multiprocessing.get_context("spawn")
    worker = context.Process(target=time.sleep, args=(60,), daemon=True)
    with directory.lock():
        worker.start()
        try:
            driver = DriverWatch(directory).look()
        finally:
            worker.kill()
            worker.join()
    assert [process.pid for process in driver.workers] == [worker.pid]
    assert str(driver) == f"Driven by process {os.getpid()}, 1 worker."
