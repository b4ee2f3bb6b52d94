"""benchmarks/parts.py, over parts that fail in every way."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

SCRIPT = """
import os, signal, sys, time
from parts import Figure, Part, apart, main

def works(small):
    print("a word of the part itself")
    yield Figure("rate", 1234.5, "images/s")
    yield Figure("small", small)

def fails(small):
    yield Figure("before", 1)
    raise ValueError("first line\\n second line")

def goes_on(small):
    yield from apart("one", fails(small))
    yield Figure("after", 2)

def dies(small):
    yield Figure("before", 1)
    os.kill(os.getpid(), signal.SIGSEGV)

def ends(small):
    yield Figure("before", 1)
    os._exit(3)

def hangs(small):
    yield Figure("before", os.getpid())
    time.sleep(600)

def prepare(small):
    if os.environ.get("REFUSE"):
        raise RuntimeError("There is no GPU.")

PARTS = {
    "fails": Part(fails, 60),
    "goes on": Part(goes_on, 60),
    "dies": Part(dies, 60),
    "ends": Part(ends, 60),
    "hangs": Part(hangs, 2),
    "takes all": Part(hangs, 480),
    "works": Part(works, 60),
}
sys.exit(main(PARTS, "Tries. \\n\\n More.", prepare))
"""


@pytest.fixture
def run(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    output = tmp_path / "figures.jsonl"

    def run(*arguments, **variables):
        done = subprocess.run(
            [sys.executable, script, "--output", output, *arguments],
            env={**os.environ, "PYTHONPATH": str(BENCHMARKS), **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        rows = map(json.loads, output.read_text().splitlines())
        return done, list(rows)

    return run


def test_no_part_stops_the_others(run):
    parts = ("fails", "goes on", "dies", "ends", "hangs", "works")
    done, rows = run("--only", *parts)
    assert done.returncode == 1
    assert [
        (row["part"], row["what"], row["error"]) for row in rows if row["error"]
    ] == [
        ("fails", "", "ValueError: first line second line"),
        ("goes on", "one", "ValueError: first line second line"),
        ("dies", "", "Its process died by SIGSEGV."),
        ("ends", "", "Its process ended with exit code 3."),
        ("hangs", "", "It took longer than its 2 seconds."),
    ]
    # What was measured before stays.
    whats = [(row["part"], row["what"]) for row in rows if not row["error"]]
    assert whats == [
        ("fails", "before"),
        ("goes on", "before"),
        ("goes on", "after"),
        ("dies", "before"),
        ("ends", "before"),
        ("hangs", "before"),
        ("works", "rate"),
        ("works", "small"),
    ]
    assert "Traceback" not in done.stderr
    (pid,) = [row["value"] for row in rows if row["part"] == "hangs"][:1]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_figures_are_a_table_and_json_lines(run):
    done, rows = run("--only", "works", "--small")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "| part | what | figure |",
        "|---|---|---|",
        "| works | rate | 1,234.5 images/s |",
        "| works | small | True |",
    ]
    assert "a word of the part itself" in done.stderr
    assert rows[0] == {
        "part": "works",
        "what": "rate",
        "value": 1234.5,
        "unit": "images/s",
        "error": None,
    }


def test_the_time_of_all_is_limited(run):
    done, rows = run("--only", "takes all", "works", "--seconds", "1")
    assert done.returncode == 1
    errors = {row["part"]: row["error"] for row in rows}
    assert errors["takes all"] == "It took longer than its 1 seconds."
    assert errors["works"] == "Not run: no time was left."


def test_what_comes_before_each_part_may_refuse_it(run):
    done, rows = run("--only", "works", "hangs", REFUSE="1")
    assert done.returncode == 1
    errors = {row["part"]: row["error"] for row in rows}
    assert errors == dict.fromkeys(
        ("works", "hangs"), "RuntimeError: There is no GPU."
    )
