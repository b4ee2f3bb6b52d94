"""What is not measured in hours: the summary."""

import runpy
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "gradient_costs.py"


def test_networks_stand_under_their_search():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARK.parent)
        script = runpy.run_path(str(BENCHMARK))

    def network(searched, what, test):
        return {
            "stage": "retrain",
            "searched": searched,
            "what": what,
            "predicted": 0.004,
            "parameters": 12_345,
            "test": test,
        }

    def search_row(name):
        return {
            "stage": "search",
            "searched": name,
            "minutes": 30.2,
            "target": 0.005,
            "near": 7,
        }

    lines = script["summary"](
        [
            search_row("darts"),
            network("darts", "found", 0.5),
            search_row("proxylessnas"),
            network("proxylessnas", "random", 0.25),
        ]
    )
    assert lines[0].startswith("darts: 30 minutes, target 5.00 ms, 7 of 200")
    assert lines[4:7] == [
        "| found | 4.00 ms | 12,345 | 50.0% |",
        "",
        "proxylessnas: 30 minutes, target 5.00 ms, 7 of 200 random networks "
        "near the one found",
    ]
    assert lines[-1] == "| random | 4.00 ms | 12,345 | 25.0% |"
