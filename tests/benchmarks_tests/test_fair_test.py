"""What is not measured in hours: the summary, and how others are noticed."""

import json
import os
import runpy
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "fair_test.py"


@pytest.fixture(scope="module")
def script():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARK.parent)
        yield runpy.run_path(str(BENCHMARK))


def row(arm, seed, *accuracies, **others):
    return {
        "arm": arm,
        "seed": seed,
        "hours": 1.0,
        "minutes": 61.0,
        "children": 210,
        "foreign": 0.01,
        "commit": "a",
        "versions": {},
        "computing": {},
        "cells": [{"accuracy": accuracy} for accuracy in accuracies],
    } | others


def test_pairs_are_compared(script):
    rows = [
        *(row("auto", 0, 0.5, 0.6), row("random", 0, 0.5, 0.5)),
        *(row("random", 1, 0.4), row("auto", 1, 0.5)),
        row("auto", 2, 0.9),  # has no partner yet
        {"arm": "random cells", "accuracies": [0.4, 0.5, None]},
    ]
    half = 12.706 * 100 * np.std([0.05, 0.1], ddof=1) / np.sqrt(2)
    spread = 100 * np.std([0.4, 0.5, 0.1], ddof=1)  # chance if one diverged
    assert script["summary"](rows) == [
        "| seed | auto | random | difference | children | minutes |",
        "|---|---|---|---|---|---|",
        "| 0 | 55.00 | 50.00 | +5.00 | 210 and 210 | 61.0 and 61.0 |",
        "| 1 | 50.00 | 40.00 | +10.00 | 210 and 210 | 61.0 and 61.0 |",
        "",
        f"2 of 8 pairs with auto: mean difference +7.50 +- {half:.2f} points, "
        "not all yet.",
        f"{7.5 / spread:+.2f} +- {half / spread:.2f} deviations of 3 random "
        f"cells, which have 33.33 +- {spread:.2f}.",
    ]


def test_another_strategy_has_pairs_of_its_own(script):
    rows = [
        row("predictor", 0, 0.6, minutes=64.0),
        *(row("auto", 0, 0.5), row("random", 0, 0.5)),
    ]
    found = script["summary"](rows)
    assert found[2:6] == [
        "| 0 | 50.00 | 50.00 | +0.00 | 210 and 210 | 61.0 and 61.0 |",
        "",
        "1 of 8 pairs with auto: mean difference +0.00 points, not all yet.",
        "| seed | predictor | random | difference | children | minutes |",
    ]
    assert found[7] == (
        "| 0 | 60.00 | 50.00 | +10.00 | 210 and 210 | 64.0 and 61.0 |"
    )
    assert found[9].startswith("1 of 3 pairs with predictor: mean")


def test_there_is_a_p_value_from_six_pairs_on(script):
    rows = [
        row(arm, seed, accuracy)
        for seed in range(6)
        for arm, accuracy in (("auto", 0.5 + seed / 100), ("random", 0.5))
    ]
    last = script["summary"](rows)[-1]
    assert last.endswith("p = 0.062, not all yet.")  # 4 of 64
    assert "p =" not in script["summary"](rows[:10])[-1]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"foreign": 0.5}, "auto 0 does not count: others used 0.5 cores."),
        ({"minutes": 70.0}, "auto 0 does not count: the search took 70.0 m"),
        ({"commit": "b"}, "Pair 0 of auto does not count: its arms differ."),
        ({"model": "b"}, "Pair 0 of auto does not count: its arms differ."),
        ({"hours": 0.25}, "auto 0 does not count: it is of 0.25 hours."),
    ],
)
def test_what_does_not_count_is_named(script, changes, reason):
    rows = [row("auto", 0, 0.5, **changes), row("random", 0, 0.5)]
    first, last = script["summary"](rows)
    assert first.startswith(reason)
    assert last == "No pair yet."


def test_rows_of_other_code_take_no_pair_away(script):
    """A random search that another strategy's pair needed, at a later
    commit."""
    rows = [
        *(row("auto", 0, 0.5), row("random", 0, 0.4)),
        *(row("random", 0, 0.3, commit="b"), row("predictor", 0, 0.3)),
        row("predictor", 0, 0.5, commit="b"),
    ]
    found = script["summary"](rows)
    assert found[2].startswith("| 0 | 50.00 | 40.00 | +10.00 |")
    assert found[7].startswith("| 0 | 50.00 | 30.00 | +20.00 |")


def test_a_search_that_does_not_count_is_not_trained_further(
    script, tmp_path, monkeypatch
):
    found = row("auto", 0, foreign=0.5)
    monkeypatch.setitem(
        script["arm_row"].__globals__, "searched", lambda *arguments: found
    )
    args = types.SimpleNamespace(seed=0, hours=1.0, runs=tmp_path)
    assert script["arm_row"]("auto", args) == {**found, "cells": []}


def test_a_cell_that_diverged_counts_as_chance(script):
    rows = [row("auto", 0, 0.5, None), row("random", 0, 0.3)]
    assert "mean difference +0.00" in script["summary"](rows)[-1]


def test_signs_are_flipped(script):
    assert script["sign_flip"](np.array([1.0, 2.0, 3.0])) == 2 / 8
    assert script["sign_flip"](np.array([1.0, -1.0])) == 1.0


def test_a_search_of_other_code_is_made_anew(script, tmp_path, monkeypatch):
    monkeypatch.setitem(script["now"].__globals__, "commit", lambda: "this")
    args = types.SimpleNamespace(seed=0, hours=1.0, runs=tmp_path)
    found = {"minutes": 60.0, "foreign": 0.0, **script["now"](args)}
    record = tmp_path / "auto-0.json"
    (tmp_path / "auto-0").mkdir()
    record.write_text(json.dumps(found))
    assert script["searched"]("auto", args) == found

    def run(*arguments, **options):
        raise InterruptedError

    monkeypatch.setattr("search.run", run)
    record.write_text(json.dumps({**found, "commit": "another"}))
    with pytest.raises(InterruptedError):
        script["searched"]("auto", args)
    assert not record.exists()


def test_own_children_are_taken_from_what_all_use(script, monkeypatch):
    """On a machine that says it has been busy for 100 s, whatever runs."""
    busy = types.SimpleNamespace(user=90.0, system=10.0, idle=1e6)
    monkeypatch.setattr("psutil.cpu_times", lambda: busy)
    spin = "import time\nwhile time.process_time() < 0.5: pass"
    seconds = script["Foreign"]._seconds
    before = seconds()
    with subprocess.Popen([sys.executable, "-c", spin]) as child:
        # It has not been waited for, so it is another.
        assert before - seconds() < 0.3
    child.wait()
    assert before - seconds() > 0.4


def test_foreign_cores_are_what_others_use_by_the_second(script, monkeypatch):
    times = iter([100.0, 103.0, 90.0])
    foreign = script["Foreign"]
    monkeypatch.setattr(foreign, "_seconds", lambda *self: next(times))
    clock = iter([0.0, 2.0, 4.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    measured = foreign()
    assert measured.cores == 1.5
    assert measured.cores == 0  # clocks differ by a little


def test_a_measurement_begins_only_where_it_can_be_trusted(
    script, tmp_path, monkeypatch
):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2})
    with pytest.raises(SystemExit, match="Expected 2 cores.*Received: 3"):
        script["check"](types.SimpleNamespace())
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1})
    inside = types.SimpleNamespace(
        output=BENCHMARK.parent / "rows.jsonl", runs=tmp_path
    )
    with pytest.raises(SystemExit, match="Expected a path outside"):
        script["check"](inside)
