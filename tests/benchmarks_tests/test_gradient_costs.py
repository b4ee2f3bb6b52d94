"""What is not measured in hours: random cells, and the summary."""

import itertools
import runpy
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "gradient_costs.py"


@pytest.fixture(scope="module")
def script():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARK.parent)
        yield runpy.run_path(str(BENCHMARK))


def test_random_cells_are_such_as_a_search_finds(script):
    for name in ("darts", "proxylessnas"):
        cells = script["drawn"](script["create_space"](name))
        some = list(itertools.islice(cells, 5))
        assert len(some) == 5
        if name == "darts":
            blocks = [each for cell in some for each in cell.normal.blocks]
            assert all("none" not in each.operations for each in blocks)
            assert all(len({*each.inputs}) == 2 for each in blocks)


def test_where_none_is_near_random_cells_come_near(script, monkeypatch):
    monkeypatch.setitem(script["drawn"].__globals__, "MOST_DRAWN", 100)

    def predict(cell):
        """Pools and identities take nothing."""
        names = [
            name for each in cell.normal.blocks for name in each.operations
        ]
        return 1e-3 + sum("conv" in name for name in names)

    space = script["create_space"]("darts")
    cells = script["near"](space, predict, 1e-3)
    for cell, seconds in itertools.islice(cells, 3):
        assert script["findable"](cell)
        assert predict(cell) == seconds == 1e-3


def test_networks_stand_under_their_search(script):
    def network(searched, what):
        return {
            "stage": "retrain",
            "searched": searched,
            "what": what,
            "predicted": 0.004,
            "parameters": 12_345,
            "tests": [0.4, 0.5, 0.6] if what == "found" else [0.5],
            "network": {"of": searched},
        }

    def search_row(name):
        return {
            "stage": "search",
            "searched": name,
            "minutes": 30.2,
            "target": 0.005,
        }

    lines = script["summary"](
        [
            search_row("darts"),
            network("darts", "found"),
            {**search_row("proxylessnas"), "minutes": None},
            network("proxylessnas", "random"),
            {
                "stage": "latency",
                "network": {"of": "darts"},
                "latency": 0.0061,
            },
        ]
    )
    assert lines[0] == "darts: 30 minutes, target 5.00 ms"
    assert lines[4:7] == [
        "| found | 4.00 ms | 6.10 ms | 12,345 | 50.0% ± 10.0% |",
        "",
        "proxylessnas: was resumed, target 5.00 ms",
    ]
    assert lines[-1] == "| random | 4.00 ms |  | 12,345 | 50.0% |"
