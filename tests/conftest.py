"""Data that a machine may have."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


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
