"""Data that a machine may have, and what no test may leave behind."""

import gc
import os
import resource
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


@pytest.fixture(autouse=True)
def computing_is_as_it_was():
    """Else the tests that follow in the process compute other things."""
    before, deterministic = _computing(), _deterministic()
    yield
    assert _computing() == before
    if _deterministic() and not deterministic:
        # What trains the children of a search sets it for its process.
        _config().disable_op_determinism()


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
