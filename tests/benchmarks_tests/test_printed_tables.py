"""Tables of pages are what the recorded rows give."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = ROOT.parent / "shared/benchmarks/nasbench201_cifar10.csv.gz"
# The page, the command that makes its table, and the columns left out: the
# seconds of surrogates are measured each time.
TABLES = {
    "early epochs": (
        "ground-truth.md",
        ("ground_truth.py", "--summary", "benchmarks/ground_truth.jsonl"),
        (),
    ),
    "short trainings": (
        "ground-truth.md",
        ("reward_ranking.py", "--summary", "benchmarks/reward_ranking.jsonl"),
        (),
    ),
    "all evaluators": (
        "evaluators.md",
        ("league_table.py", "--picture", os.devnull),
        ("s a cell",),
    ),
    "tuning of digits": (
        "results.md",
        ("tuning.py", "--summary", "benchmarks/tuning_digits.jsonl"),
        (),
    ),
    "tuning of CIFAR-10": (
        "results.md",
        ("tuning.py", "--summary", "benchmarks/tuning_cifar10.jsonl"),
        (),
    ),
    "the same hour": (
        "results.md",
        ("fair_test.py", "--summary", "benchmarks/fair_test.jsonl"),
        (),
    ),
    "fronts": (
        "results.md",
        ("space_fronts.py", "--summary", "benchmarks/space_fronts.jsonl"),
        (),
    ),
    "a latency in the loss": (
        "results.md",
        ("gradient_costs.py", "--summary", "benchmarks/gradient_costs.jsonl"),
        (),
    ),
    "published scores": (
        "evaluators.md",
        ("score_check.py", TABLE, "--summary"),
        (),
    ),
}


def without(columns, text):
    """The lines of a text, its tables without some columns."""
    kept, places = [], set()
    for line in text.splitlines():
        cells = line.split("|")
        if names := {cell.strip() for cell in cells} & set(columns):
            places = {
                number
                for number, cell in enumerate(cells)
                if cell.strip() in names
            }
        elif not line.startswith("|"):
            places = set()
        kept.append(
            "|".join(
                cell
                for number, cell in enumerate(cells)
                if number not in places
            )
        )
    return kept


@pytest.mark.large
@pytest.mark.parametrize("table", TABLES)
def test_a_page_has_what_the_rows_give(table, tmp_path):
    page, (script, *options), left_out = TABLES[table]
    if TABLE in options and not TABLE.exists():
        pytest.skip("The table is not there.")
    printed = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / script, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    made = without(left_out, printed)
    there = without(left_out, (ROOT / "docs" / page).read_text())
    assert len(made) > 3
    assert set(made) <= set(there), set(made) - set(there)
