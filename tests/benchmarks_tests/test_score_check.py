"""benchmarks/score_check.py: scores rank as was published."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = ROOT.parent / "shared/benchmarks/nasbench201_cifar10.csv.gz"


def rows_of(printed):
    """The cells of each row of a printed table."""
    return [line.strip("| ").split(" | ") for line in printed.splitlines()[2:]]


@pytest.mark.large
@pytest.mark.skipif(not TABLE.exists(), reason="The table is not there.")
def test_the_recorded_scores_rank_as_published():
    """Of those that are recorded; what makes them takes hours."""
    printed = subprocess.run(
        [sys.executable, "benchmarks/score_check.py", TABLE, "--summary"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    rows = rows_of(printed)
    assert len(rows) == 3
    for name, ours, published in rows:
        assert abs(float(ours) - float(published)) <= 0.05, name


@pytest.mark.large
@pytest.mark.skipif(not TABLE.exists(), reason="The table is not there.")
def test_cells_scored_anew_rank_as_published(tmp_path, cifar10_folder):
    """Forty cells: the error by chance is 0.06 and more, so a loose bound."""
    printed = subprocess.run(
        [
            sys.executable,
            *("benchmarks/score_check.py", TABLE, "--cells", "40"),
            *("--output", tmp_path / "rows.jsonl"),
        ],
        cwd=ROOT,
        env={**os.environ, "TFDS_DATA_DIR": str(cifar10_folder)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name, ours, _ in rows_of(printed):
        assert float(ours) > 0.6, name
