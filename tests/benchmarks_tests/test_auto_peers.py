"""What is not measured: the table, and how a peer that is not there is told."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "auto_peers.py"


def test_the_table_has_errors_of_accuracies_and_of_peers():
    table = runpy.run_path(str(BENCHMARK))["table"]
    row = {"name": "by hand", "version": "3.15.1", "cores": 2}
    lines = table(
        [
            {**row, "minutes": 20.04, "accuracy": 0.8, "tested": 100},
            {"name": "autokeras", "cores": 1, "error": "ImportError: none"},
        ]
    )
    assert lines[2:] == [
        "| by hand | 3.15.1 | 2 | 20.0 | 80.0% ± 4.0% |",
        "| autokeras |  | 1 | 0.0 | ImportError: none |",
    ]


def test_a_data_set_becomes_files(tmp_path):
    write = runpy.run_path(str(BENCHMARK))["write_files"]
    write("digits", 20, tmp_path)
    for part in ("train", "test"):
        assert len(list((tmp_path / part).glob("*/*.png"))) == 20


def test_a_peer_that_is_not_installed_is_a_row(tmp_path):
    command = [sys.executable, BENCHMARK, "nowhere.npz", "--peer", "autokeras"]
    done = subprocess.run(
        [*command, "--output", tmp_path], capture_output=True, text=True
    )
    row = json.loads(done.stdout)
    assert row["name"] == "autokeras"
    assert row["error"].startswith("PackageNotFoundError")
