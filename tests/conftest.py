"""Data that a machine may have, and what no test may leave behind."""

import collections
import contextlib
import gc
import os
import resource
import signal
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
# Networks are many small objects: Python looks for garbage too often.
gc.set_threshold(100_000, 20, 20)
# Else each search freezes what there is, after it has looked through it all.
gc.freeze()
# Variables that change what is computed, in this process or those it starts.
COMPUTING = ("OMP_", "ONEDNN_", "TF_NUM_", "XLA_")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Of the cases of a test with the mark `one_in`, the others are large."""
    cases = collections.Counter()
    for item in items:
        mark = item.get_closest_marker("one_in")
        if mark is not None and item.get_closest_marker("large") is None:
            test, _, _ = item.nodeid.partition("[")
            if cases[test] % mark.args[0]:
                item.add_marker("large")
            cases[test] += 1


@pytest.fixture(autouse=True)
def computing_is_as_it_was():
    """Else the tests that follow in the process compute other things."""
    before, deterministic = _computing(), _deterministic()
    yield
    assert _computing() == before
    assert deterministic or not _deterministic()


@pytest.fixture(autouse=True)
def no_activities_of_slow_machines(monkeypatch):
    """Else what commands print depends on how fast the machine is."""
    monkeypatch.setattr("nasnet_keras.console.activity.SECONDS_BEFORE", 600.0)


def _computing():
    variables = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(COMPUTING)
    }
    return variables, resource.getrlimit(resource.RLIMIT_DATA)


def _config():
    """TensorFlow's, where it is imported."""
    return sys.modules.get("tensorflow.python.framework.config")


def _deterministic():
    return _config() is not None and _config().is_op_determinism_enabled()


@pytest.fixture
def as_if_trained():
    """Gives a model's vectors such values as training might: ones and zeros
    hide what is folded wrongly. Kernels stay."""

    def change(model):
        import numpy as np

        rng = np.random.default_rng(1)
        for weight in model.weights:
            if weight.path.endswith(("gamma", "moving_variance")):
                weight.assign(rng.uniform(0.7, 1.4, weight.shape))
            elif weight.path.endswith(("beta", "moving_mean", "bias")):
                weight.assign(rng.normal(0, 0.2, weight.shape))
        return model

    return change


@pytest.fixture
def deterministic():
    """Operations compute the same every time, as in an evaluator."""
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    yield
    _config().disable_op_determinism()


@pytest.fixture
def tensorflow_as_it_begins():
    """What is set in the process is what TensorFlow begins with, whatever the
    tests before have set."""
    from tensorflow.python.framework import config

    from nasnet_keras.training.train import prepare_short_trainings

    config.disable_op_determinism()
    prepare_short_trainings(False)
    gc.unfreeze()
    yield
    gc.freeze()  # as above


@pytest.fixture(name="unchanged_process")
def unchanged_process_function(tensorflow_as_it_begins):
    """A block that leaves what is set in the process as it was."""
    return unchanged_process


@contextlib.contextmanager
def unchanged_process():
    import keras

    keras.utils.set_random_seed(5)
    before = _set_in_process()
    yield
    after = _set_in_process()
    assert {name for name in before if before[name] != after[name]} == set()


def _set_in_process():
    import keras
    import tensorflow as tf
    from tensorflow.python.eager.context import global_seed

    return {
        "seed": global_seed(),
        "deterministic": _deterministic(),
        "optimizer": tf.config.optimizer.get_experimental_options(),
        "policy": keras.config.dtype_policy().name,
        "floatx": keras.config.floatx(),
        "layout": keras.config.image_data_format(),
        "frozen": gc.get_freeze_count(),
        "environment": dict(os.environ),
        "signals": [signal.getsignal(each) for each in (2, 15)],
        "folder": Path.cwd(),
    }


@pytest.fixture(scope="session")
def cifar10_folder():
    """Where tensorflow-datasets has CIFAR-10; skips where it has not."""
    folders = (
        os.environ.get("TFDS_DATA_DIR"),
        REPOSITORY.parent / "shared" / "tensorflow_datasets",
    )
    for folder in folders:
        if folder and (Path(folder) / "cifar10").is_dir():
            return folder
    pytest.skip("no folder of `TFDS_DATA_DIR` has CIFAR-10")
