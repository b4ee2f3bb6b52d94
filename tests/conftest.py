"""Data that a machine may have."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]

# Modules whose fixtures take seconds: all of their tests run in one process,
# where the tests are run in several.
TOGETHER = (
    "nasnet_auto_tests/test_auto.py",
    "search_tests/evaluation/test_shared.py",
    "search_tests/evaluation/test_training.py",
    "search_tests/strategies/test_proposals.py",
    "zoo_tests/conversion/test_keras_applications.py",
    "zoo_tests/test_drop_in.py",
    "zoo_tests/test_hub.py",
    "zoo_tests/test_train_cli.py",
)


def pytest_collection_modifyitems(items):
    for item in items:
        for module in TOGETHER:
            if item.path.as_posix().endswith(f"/{module}"):
                item.add_marker(pytest.mark.xdist_group(module))


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
