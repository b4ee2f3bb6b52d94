"""What the promotion of children is judged by."""

import runpy
import types
from pathlib import Path

import numpy as np
import pytest

from search.spaces.nasbench201 import NASBench201Space
from search.trial import Evaluation, Trial, TrialState

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "promotion.py"
SPACE = NASBench201Space()


def test_what_is_known_is_compared_with_what_it_came_to():
    """The training loss tells the order, the reward the reverse."""
    script = runpy.run_path(str(BENCHMARK))
    rng = np.random.default_rng(0)
    trials = []
    for number in range(12):
        loss = {"train_loss": 2 - 0.1 * number}
        evaluations = [Evaluation(0.5 - 0.01 * number, loss, budget=1)]
        if number % 2 == 0:
            evaluations.append(Evaluation(0.5 + 0.01 * number, budget=5))
        decisions = SPACE.sample(rng)
        state = TrialState.COMPLETE
        trials.append(Trial(number, decisions, state, tuple(evaluations)))
    failed = (Evaluation(0.9, {"train_loss": 0.1}, budget=1),)
    trials.append(
        Trial(12, SPACE.sample(rng), TrialState.FAILED, failed, "It diverged.")
    )
    run = types.SimpleNamespace(trials=trials, space=SPACE)
    count, found = script["correlations"](run, 2)
    assert count == 6
    assert found["reward"] == pytest.approx(-1)
    assert found["-training loss"] == pytest.approx(1)
    assert set(found) == {"reward", "-training loss", "their sum", "surrogate"}
