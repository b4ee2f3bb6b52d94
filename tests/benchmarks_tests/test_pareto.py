"""Fronts on a table: what they cover only grows."""

import runpy
from pathlib import Path

import numpy as np
import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "pareto.py"
script = runpy.run_path(str(BENCHMARK))
SPACE = script["SPACE"]


class Cells(script["Cells"]):
    """All cells, worth the more the more operations are convolutions."""

    dearest = 160e6

    def __init__(self):
        self.accuracies = self

    def __getitem__(self, decisions):
        names = [SPACE.operations[choice] for choice in decisions]
        return 0.1 + 0.1 * sum("conv" in name for name in names)


@pytest.mark.parametrize("name", script["STRATEGIES"])
@pytest.mark.one_in(3)
def test_the_front_grows_with_the_trials(name):
    found = script["volumes"](Cells(), name, 0, [5, 10, 25])
    assert len(found) == 3
    assert 0 < found[0] <= found[1] <= found[2]


def test_the_volume_is_that_of_the_front():
    cells = Cells()
    rng = np.random.default_rng(0)
    drawn = [SPACE.sample(rng) for _ in range(30)]
    trials = [cells.trial(n, each) for n, each in enumerate(drawn)]
    front = script["pareto_front"](trials, [script["COST"]])
    assert cells.volume(front) == cells.volume(trials) > 0
    assert len(front) < len(trials)
