"""How far the proxy of a search can be trusted: some of its cells trained
longer, and both rankings compared.

    python benchmarks/proxy_ranking.py runs/ppo runs/random --factor 10

Takes cells at even distances in the ranking of all complete trials of the
runs, from the best to the worst, trains each `factor` times as long with the
settings of its run, and prints both accuracies and Kendall's tau.
"""

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np
from scipy.stats import kendalltau

import search
from search.evaluation.base import Child
from search.runs.create import create_evaluator
from search.trial import ranked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--cells", type=int, default=6)
    parser.add_argument("--factor", type=int, default=10)
    parser.add_argument("--output", type=Path, help="a JSON file")
    arguments = parser.parse_args()
    runs = [search.load(path) for path in arguments.runs]
    order = sorted(
        ((trial, run) for run in runs for trial in ranked(run.trials)),
        key=lambda pair: -pair[0].reward,
    )
    places = np.linspace(0, len(order) - 1, arguments.cells).round().astype(int)
    config = runs[0].config
    epochs = config.recipe.epochs * arguments.factor
    recipe = dataclasses.replace(config.recipe, epochs=epochs)
    evaluator = create_evaluator(config.model_copy(update={"recipe": recipe}))
    rows = []
    for place in places:
        trial, run = order[place]
        longer = evaluator.evaluate(
            Child(0, run.space.decode(trial.decisions), run.config.seed)
        )
        rows.append(
            {
                "run": run.config.strategy,
                "trial": trial.number,
                "rank": int(place) + 1,
                "reward": trial.reward,
                "longer": longer.reward,
                "epochs": epochs,
                "seconds": sum(longer.seconds.values()),
                "parameters": longer.metrics["parameters"],
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    tau = kendalltau(
        [row["reward"] for row in rows], [row["longer"] for row in rows]
    )
    print(f"Kendall's tau {tau.statistic:.2f} (p = {tau.pvalue:.2f})")
    if arguments.output:
        arguments.output.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
