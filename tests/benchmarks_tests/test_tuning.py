import runpy
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "tuning.py"


def test_the_summary_compares_the_same_seeds():
    summary = runpy.run_path(str(BENCHMARK))["summary"]

    def row(strategy, seed, test):
        return {"strategy": strategy, "seed": seed, "trials": 20} | {
            "validation": 0.25,
            "test": test,
            "epochs": 9.0,
        }

    lines = summary(
        [
            *(row("random", 0, 0.5), row("random", 1, 0.7)),
            *(row("bohb", 1, 0.8), row("bohb", 0, 0.8)),
        ]
    )
    assert lines[2:] == [
        "| bohb | 20 | 2 | 0.2500 | 0.8000 ± 0.0000 | +0.2000 ± 0.1000 | 9 |",
        "| random | 20 | 2 | 0.2500 | 0.6000 ± 0.1414 |  | 9 |",
    ]
