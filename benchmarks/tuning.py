"""Strategies of `nasnet-train tune` beside random search.

    python benchmarks/tuning.py --train-images 300 --output runs/tuning
    python benchmarks/tuning.py --dataset cifar10 --image-size 16 --epochs 6 \
        --train-images 1000 --validation-images 500 --output runs/tuning-cifar
    python benchmarks/tuning.py --summary benchmarks/tuning_digits.jsonl

A small plain network is tuned by each strategy and with each seed. At 20 and
at 60 trials the training that is best by the validation images is measured on
the test images, which nothing was chosen by. The same command goes on after a
kill; the runs lie in the output, `STRATEGY-SEED`, and their figures in
tuning.jsonl. The images are few, so that the values matter. Two such commands,
each of other `--strategies`, may share an output.

Printed are, of each strategy and number of trials, the number of seeds, the
mean accuracy on the validation images, by which it chose, the mean test
accuracy and its standard deviation over the seeds, the mean gain in this over
random search with the same seeds and its standard error, and the epochs that
were trained: those of Hyperband and BOHB are fewer for the same trials.
"""

import argparse
import json
import math
import os
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from nasnet_auto.trainings.candidates import plain_network
from nasnet_auto.tuning import TUNERS, tune, values_of
from nasnet_keras.kinds.layerwise.kind import LayerwiseKind
from nasnet_keras.training.evaluation.evaluate_run import evaluate_run
from nasnet_keras.training.recipe_options import chosen_recipe
from nasnet_keras.training.run import load_settings, run_training
from search.runs.record import Run
from search.storage.run_folder import training_folder

COMPARED_WITH = "random"


def measured(run: Run) -> dict[str, float]:
    """What a run has come to so far."""
    best = run.best
    if best is None:
        raise SystemExit(f"{run} has no training that was measured.")
    folder = training_folder(run.directory.children, best.number)
    if not (folder / "model.keras").exists():  # trained for fewer epochs
        run_training(folder, load_settings(folder))
    epochs = 0.0
    for trial in run.trials:
        # With fewer epochs trainings go on, with fewer images they do not.
        budgets = [each.budget for each in trial.evaluations]
        options = run.config.evaluator_options
        anew = options["fidelity"] == "images"
        if trial.duplicate_of is None and budgets:
            epochs += math.fsum(budgets) if anew else max(budgets)
    return {
        "validation": best.reward or 0.0,
        "test": evaluate_run(folder, "test").accuracy,
        "epochs": epochs,
    }


def summary(rows: Iterable[dict[str, Any]]) -> list[str]:
    """A line for each strategy and number of trials."""
    found: dict[tuple[str, int], dict[int, dict[str, Any]]] = {}
    for row in rows:
        key = (row["strategy"], row["trials"])
        found.setdefault(key, {})[row["seed"]] = row
    lines = [
        "| strategy | trials | seeds | validation | test | gain | epochs |",
        "|---|---|---|---|---|---|---|",
    ]
    for (strategy, trials), by_seed in sorted(found.items()):
        tests = [row["test"] for row in by_seed.values()]
        others = found.get((COMPARED_WITH, trials), {})
        gains = [
            row["test"] - others[seed]["test"]
            for seed, row in by_seed.items()
            if seed in others
        ]
        gain = ""
        if gains and strategy != COMPARED_WITH:
            error = _deviation(gains) / math.sqrt(len(gains))
            gain = f"{statistics.fmean(gains):+.4f} ± {error:.4f}"
        epochs, validation = (
            statistics.fmean(row[name] for row in by_seed.values())
            for name in ("epochs", "validation")
        )
        lines.append(
            f"| {strategy} | {trials} | {len(tests)} | {validation:.4f} | "
            f"{statistics.fmean(tests):.4f} ± {_deviation(tests):.4f} | {gain} "
            f"| {epochs:.0f} |"
        )
    return lines


def _deviation(values: list[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--output", type=Path)
    parser.add_argument("--summary", type=Path, help="a file of rows")
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--image-size", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--train-images", type=int)
    parser.add_argument("--validation-images", type=int, default=300)
    parser.add_argument("--trials", type=int, nargs="+", default=[20, 60])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--strategies",
        nargs="+",
        # The package of `gp` is large; name it to have it compared.
        default=["random", *sorted({*TUNERS} - {"random", "grid", "gp"})],
    )
    parser.add_argument("--fidelity", default="epochs")
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    if args.summary is not None:
        lines = args.summary.read_text().splitlines()
        print(*summary(map(json.loads, lines)), sep="\n")
        return
    if args.output is None:
        parser.error("Expected --output or --summary.")
    network = plain_network(args.image_size)
    recipe = chosen_recipe(
        "search-proxy", {"epochs": args.epochs}, LayerwiseKind.unsupported
    )
    args.output.mkdir(parents=True, exist_ok=True)
    record = args.output / "tuning.jsonl"
    rows = []
    if record.exists():
        rows = [json.loads(line) for line in record.read_text().splitlines()]
    done = {(row["strategy"], row["seed"], row["trials"]) for row in rows}
    for seed in range(args.seeds):
        for strategy in args.strategies:
            for trials in sorted(args.trials):
                if (strategy, seed, trials) in done:
                    continue
                run = tune(
                    args.output / f"{strategy}-{seed}",
                    args.dataset,
                    network,
                    recipe,
                    values=values_of(network, recipe, {}),
                    strategy=strategy,
                    trials=trials,
                    fidelity=args.fidelity,
                    train_images=args.train_images,
                    validation_images=args.validation_images,
                    seed=seed,
                    workers=args.workers,
                )
                row = {"strategy": strategy, "seed": seed, "trials": trials}
                rows.append({**row, **measured(run)})
                with record.open("a") as file:
                    print(json.dumps(rows[-1]), file=file)
                print(json.dumps(rows[-1]), flush=True)
    print(*summary(rows), sep="\n")


if __name__ == "__main__":
    main()
