"""By what children of a search of `--hours` might be promoted.

    python benchmarks/promotion.py RUN ...

Prints for each stage after the first Spearman's rank correlation between what
was known of its children and the reward that they came to in it: the reward of
the stage before, minus its training loss, the sum of the normal scores of
both, and what the surrogate of `predictor` makes of all rewards of the first
stage. By chance it varies by the deviation that is printed. The children were
chosen by the reward, which lowers the correlation of the reward itself.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

import search
from search.runs.record import Run
from search.strategies.surrogate import Surrogate, normal_scores
from search.trial import Trial, TrialState


def trained(trials: Sequence[Trial], stage: int) -> list[Trial]:
    """Those that were trained in a stage, from 1."""
    return [
        trial
        for trial in trials
        if trial.state is TrialState.COMPLETE
        and len(trial.evaluations) >= stage
    ]


def correlations(run: Run, stage: int) -> tuple[int, dict[str, float]]:
    """How many children a stage has, and Spearman's correlation by what they
    might be chosen by."""
    first, here = (trained(run.trials, each) for each in (1, stage))
    before = [trial.evaluations[stage - 2] for trial in here]
    rewards = normal_scores([each.reward for each in before])
    losses = normal_scores([-each.metrics["train_loss"] for each in before])
    surrogate = Surrogate(run.space)
    surrogate.fit(
        [trial.decisions for trial in first],
        [trial.evaluations[0].reward for trial in first],
    )
    known = {
        "reward": rewards,
        "-training loss": losses,
        "their sum": rewards + losses,
        "surrogate": surrogate.mean([trial.decisions for trial in here]),
    }
    came_to = [trial.evaluations[stage - 1].reward for trial in here]
    return len(here), {
        name: float(spearmanr(values, came_to).statistic)
        for name, values in known.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    for path in parser.parse_args().runs:
        run = search.load(path)
        print(path)
        last = max(len(trial.evaluations) for trial in run.trials)
        for stage in range(2, last + 1):
            count, found = correlations(run, stage)
            chance = 1 / np.sqrt(count - 1)
            print(f"  stage {stage}, {count} children, by chance ±{chance:.2f}")
            for name, value in found.items():
                print(f"    {name:15} {value:5.2f}")


if __name__ == "__main__":
    main()
