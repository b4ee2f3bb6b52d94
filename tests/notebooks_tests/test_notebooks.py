"""Every notebook of the folder runs, in small, and keeps clean outputs."""

import ast
import json
import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

REPOSITORY = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
# The constants of a notebook's first code cell that make it small.
SMALL = {
    "01_cells_and_networks": {"BATCH": 1},
    "02_load_classify_look_inside": {"STRIDE": 12},
    "03_fine_tune": {"EPOCHS": 2, "FROZEN_EPOCHS": 1, "TEST_IMAGES": 20},
    "04_run_and_read_a_search": {
        "TRIALS": 2,
        "MORE_TRIALS": 3,
        "STARTS": 2,
        "EPOCHS": 1,
    },
    "05_from_small_images_to_large": {
        "TRIALS": 1,
        "EPOCHS": 1,
        "TRAIN_IMAGES": 64,
        "TEST_IMAGES": 20,
    },
    "06_nasnet_mobile_on_photographs": {
        "WEIGHTS": None,
        "IMAGE_SIZE": 64,
        "TRAIN_IMAGES": 20,
        "EPOCHS": 2,
        "FROZEN_EPOCHS": 1,
        "BATCH_SIZE": 8,
    },
    "07_search_on_your_own_folder": {
        "TRIALS": 2,
        "EPOCHS": 1,
        "LONGER": 1,
        "IMAGES_PER_CLASS": 20,
    },
    "08_a_space_of_your_own": {"TRIALS": 2, "EPOCHS": 1},
    "09_detect_and_segment": {
        "IMAGES": 16,
        "TEST_IMAGES": 6,
        "EPOCHS": 1,
        "BATCH_SIZE": 8,
    },
}
# Those that read photographs: what `NASNET_PHOTOS` names, or a folder beside
# the repository.
PHOTOGRAPHS = {"06_nasnet_mobile_on_photographs"}
# Those that take over 15 seconds of a processor even so.
SLOW = {
    "01_cells_and_networks",
    "02_load_classify_look_inside",
    "03_fine_tune",
    "04_run_and_read_a_search",
    "05_from_small_images_to_large",
    "06_nasnet_mobile_on_photographs",
    "07_search_on_your_own_folder",
    "08_a_space_of_your_own",
    "09_detect_and_segment",
}
MOST_BYTES = 150_000  # of the outputs that a notebook keeps


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook):
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def complaints(notebook):
    """What was written to standard error, as warnings are."""
    return [
        output.text
        for output in outputs(notebook)
        if output.get("name") == "stderr"
    ]


def replace_constants(notebook, values):
    """Gives constants of the first code cell other values."""
    cell = code_cells(notebook)[0]
    known = {
        target.id
        for statement in ast.parse(cell.source).body
        for target in statement.targets
    }
    assert values.keys() <= known
    cell.source = "\n".join(
        [cell.source, *(f"{name} = {values[name]!r}" for name in values)]
    )


def photographs():
    """A folder of photographs; skips where there is none."""
    named = os.environ.get("NASNET_PHOTOS")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "photos"
    if not folder.is_dir():
        pytest.skip("`NASNET_PHOTOS` names no folder of photographs")
    return folder.resolve()


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(
            path,
            id=path.stem,
            marks=[pytest.mark.large] if path.stem in SLOW else [],
        )
        for path in NOTEBOOKS
    ],
)
def test_a_notebook_runs_in_small(path, monkeypatch):
    notebook = read(path)
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    if path.stem in PHOTOGRAPHS:
        monkeypatch.setenv("NASNET_PHOTOS", str(photographs()))
    replace_constants(notebook, SMALL.get(path.stem, {}))
    NotebookClient(
        notebook,
        kernel_name="python3",
        startup_timeout=300,
        resources={"metadata": {"path": path.parent}},
        # What TensorFlow's C++ writes is no output of a cell.
        extra_arguments=["--IPKernelApp.capture_fd_output=False"],
    ).execute()
    assert not complaints(notebook)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_kept_and_small(path):
    notebook = read(path)
    assert all(cell.execution_count for cell in code_cells(notebook))
    assert not complaints(notebook)
    text = json.dumps(outputs(notebook))
    assert len(text) < MOST_BYTES
    assert not re.search("/(home|root|tmp|Users)/", text)


def test_the_tables_name_notebooks():
    assert SMALL.keys() | SLOW | PHOTOGRAPHS <= {
        path.stem for path in NOTEBOOKS
    }
