"""benchmarks/modes.py: a script in every mode, whatever the user has set."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"

SCRIPT = """
import argparse
import os

from modes import parse_arguments

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int)
steps = parse_arguments(parser).steps
names = ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA")
print(steps, *[os.environ.get(name) for name in names])
if steps == 3:
    raise SystemExit(7)
"""


def run(folder, *arguments):
    script = folder / "script.py"
    script.write_text(SCRIPT)
    paths = os.pathsep.join(map(str, (BENCHMARKS, ROOT)))
    return subprocess.run(
        [sys.executable, script, *arguments],
        env=os.environ
        | {
            "PYTHONPATH": paths,
            "TF_ENABLE_ONEDNN_OPTS": "1",
            "ONEDNN_MAX_CPU_ISA": "SSE41",
        },
        capture_output=True,
        text=True,
    )


def test_a_script_runs_once_in_each_mode(tmp_path):
    # The first is what the package chooses, which switches oneDNN on.
    assert run(tmp_path, "--steps", "2").stdout == "2 1 SSE41\n"

    lines = run(tmp_path, "--steps", "2", "--modes").stdout.splitlines()

    assert [line for line in lines if line.startswith("2 ")] == [
        "2 1 None",
        "2 0 None",
        "2 1 AVX2",
    ]


def test_what_fails_in_a_mode_fails(tmp_path):
    done = run(tmp_path, "--steps", "3", "--modes")
    assert done.returncode != 0
    assert done.stdout.count("3 ") == 1
