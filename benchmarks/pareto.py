"""Fronts of accuracy and cost on a table of trained cells: `nsga2` beside
random search and others, which look for the accuracy alone.

    python benchmarks/pareto.py nasbench201_cifar10.csv.gz

The accuracies are those of NAS-Bench-201 after 12 epochs, which the strategies
see, the costs the multiply-adds of the networks (N = 5, F = 16, 32 x 32
pixels). A search's front is that of all cells that it proposed. Printed is its
hypervolume, as the report of a search has it, as a share of that of the front
of all cells: mean and standard deviation over the seeds, and the mean
difference to random search with its 95 % interval.
"""

import argparse
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from search.benchmark.compare import paired_gain
from search.evaluation.tabular import ArchitectureTable
from search.pareto import costs_and_accuracy, hypervolume, pareto_front
from search.spaces.nasbench201 import NASBench201Space
from search.strategies import create_strategy
from search.trial import Decisions, Evaluation, Trial, TrialState

COLUMN = "cifar10_val_accuracy_12_epochs"
COST = "multiply_adds"
NETWORK = {
    "input_shape": (32, 32, 3),
    "classes": 10,
    "repeats": 5,
    "filters": 16,
}
SPACE = NASBench201Space()
STRATEGIES: dict[str, Mapping[str, object]] = {
    "random": {},
    "nsga2": {"costs": [COST]},
    "regularized-evolution": {},
    "predictor": {},
}


class Cells:
    """The table's cells as trials."""

    def __init__(self, path: Path) -> None:
        self.accuracies = ArchitectureTable(path, SPACE).values(COLUMN)

    @functools.cached_property
    def dearest(self) -> float:
        """The reference of the hypervolume."""
        return max(map(self.cost, self.accuracies))

    @functools.cache  # noqa: B019
    def cost(self, decisions: Decisions) -> float:
        architecture = SPACE.decode(decisions)
        complexity = SPACE.kind.complexity(architecture, **NETWORK)
        return float(complexity.multiply_adds)

    def trial(self, number: int, decisions: Decisions) -> Trial:
        evaluation = Evaluation(
            self.accuracies[decisions], {COST: self.cost(decisions)}
        )
        return Trial(number, decisions, TrialState.COMPLETE, (evaluation,))

    def volume(self, trials: Sequence[Trial]) -> float:
        """What their front covers."""
        points = [
            costs_and_accuracy(trial, [COST])
            for trial in pareto_front(trials, [COST])
        ]
        return hypervolume([each for each in points if each], self.dearest)


def volumes(
    cells: Cells, name: str, seed: int, counts: Sequence[int]
) -> list[float]:
    """`[counts]`: of the front after so many trials."""
    strategy = create_strategy(name, SPACE, seed, **STRATEGIES[name])
    trials: list[Trial] = []
    found = []
    for number in range(max(counts)):
        decisions = strategy.ask(number)
        strategy.proposed(decisions)
        trials.append(cells.trial(number, decisions))
        strategy.tell(trials[-1])
        if number + 1 in counts:
            found.append(cells.volume(trials))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("table", type=Path)
    parser.add_argument("--trials", type=int, nargs="+", default=[50, 100, 200])
    parser.add_argument("--seeds", type=int, default=20)
    args = parser.parse_args()
    cells = Cells(args.table)
    whole = cells.volume(
        [cells.trial(n, each) for n, each in enumerate(cells.accuracies)]
    )
    heads = [f"{count} trials" for count in args.trials]
    print("| strategy |", " | ".join([*heads, "over random"]), "|")
    print("|---" * (len(heads) + 2) + "|")
    rows: dict[str, np.ndarray] = {}
    for name in STRATEGIES:
        rows[name] = np.array(
            [
                volumes(cells, name, seed, args.trials)
                for seed in range(args.seeds)
            ]
        )
        shares = rows[name] / whole
        texts = [
            f"{mean:.3f} ± {deviation:.3f}"
            for mean, deviation in zip(
                shares.mean(axis=0), shares.std(axis=0, ddof=1), strict=True
            )
        ]
        gain = ""
        if name != "random":
            last = (rows[name] - rows["random"])[:, -1] / whole
            mean, low, high = paired_gain(last)
            gain = f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]"
        print(f"| {name} |", " | ".join([*texts, gain]), "|", flush=True)


if __name__ == "__main__":
    main()
