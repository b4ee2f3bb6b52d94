"""What is not measured in hours: which children are chosen, and the tables."""

import runpy
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "space_fronts.py"


@pytest.fixture(scope="module")
def script():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARK.parent)
        yield runpy.run_path(str(BENCHMARK))


def child(trial, accuracy, latency, searched="mobile"):
    return {
        "searched": searched,
        "strategy": "ppo",
        "trial": trial,
        "minutes": 3.0 + trial,
        "accuracy": accuracy,
        "latency": latency,
        "parameters": 1000.0,
        "multiply_adds": 2e6,
        "network": {"number": trial},
    }


def searched(*children, name="mobile", minutes=12.4):
    return {
        "stage": "search",
        "searched": name,
        "strategy": "ppo",
        "minutes": minutes,
        "children": list(children),
    }


def retrained(row):
    return {**row, "stage": "retrain", "tests": [0.7, 0.75, 0.8]}


def test_the_best_within_each_limit_is_chosen_once(script):
    first, second, third = script["LIMITS"]
    rows = [
        searched(child(0, 0.3, first), child(1, 0.5, second)),
        # Slower and worse than 1; too slow.
        searched(child(2, 0.4, third), child(3, 0.9, 2 * third)),
        searched(child(4, 0.9, first), name="cells"),
    ]
    chosen = script["chosen"](rows, "mobile")
    assert [each["trial"] for each in chosen] == [0, 1]
    assert script["chosen"](rows, "scaled") == []


def test_the_tables(script):
    first, second, third = script["LIMITS"]
    rows = [
        searched(child(0, 0.3, first), child(1, 0.5, second)),
        searched(name="cells", minutes=3.4),
        retrained(child(1, 0.5, second)),
        retrained(child(5, 0.5, third, "scaled")),
        {"stage": "latency", "network": {"number": 1}, "latency": 5e-4},
    ]
    lines = script["summary"](rows)
    area = script["hypervolume"]([(first, 0.3), (second, 0.5)], third)
    assert lines[2:4] == [
        f"| mobile | ppo | 2 | 12 | 30.0% | 50.0% | 50.0% | {area:.3f} "
        "| 30.0% |",
        "| cells | ppo | 0 | 3 |  |  |  | 0.000 | 0.0% |",
    ]
    assert "after 3 minutes" in lines[0]
    assert lines[-2:] == [
        "| mobile | 0.50 ms | 1,000 | 2.0M | 50.0% | 75.0% ± 5.0% |",
        "| scaled |  | 1,000 | 2.0M | 50.0% | 75.0% ± 5.0% |",
    ]


def test_mobilenet_v2_is_a_space(script):
    space = script["SCALED"]
    assert space.size == script["SEARCHED"]["scaled"].trials
    names = {"width": "0.25"}
    architecture = space.decode(space.from_names(names))
    assert architecture.used == {"width": 0.25}
    data = script["_data"]("scaled", space, space.from_names(names))
    assert data["kind"] == "mobile"
