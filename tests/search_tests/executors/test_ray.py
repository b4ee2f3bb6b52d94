"""What the executor does beside its contract, with a Ray that is none."""

import signal
import types

import pytest

from search.executors.ray import RayExecutor


@pytest.fixture
def executor():
    executor = RayExecutor.__new__(RayExecutor)
    executor.settings = types.SimpleNamespace(workers=1)
    executor._processors = 1
    return executor


@pytest.mark.parametrize("fails", [False, True])
def test_a_handler_of_sigterm_stays(executor, fails):
    """With Ray's the command would end without saying how to resume."""

    def init(*arguments, **options):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if fails:
            raise ConnectionError

    executor._ray = types.SimpleNamespace(init=init)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if fails:
            with pytest.raises(ValueError, match="address"):
                executor._connect("vm:6379")
        else:
            executor._connect("vm:6379")
        assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, before)
