"""Searches beside each other: rewards, their curves, seconds by part.

    python benchmarks/compare_runs.py runs/ppo runs/random --output r.svg

Prints for each run the best reward, the mean of the five best, the mean of
each quarter of its trials, that of each half with its standard error, and the
median seconds of a child by part.
"""

import argparse
import statistics
from itertools import accumulate
from pathlib import Path

from matplotlib.figure import Figure

import search
from search.trial import Trial, ranked


def complete(run: search.Run) -> list[Trial]:
    return [trial for trial in run.trials if trial.evaluation is not None]


def report(run: search.Run) -> None:
    trials = complete(run)
    rewards = [trial.reward for trial in ranked(trials)]
    quarter = max(1, len(trials) // 4)
    quarters = [
        statistics.mean(trial.reward for trial in trials[start:][:quarter])
        for start in range(0, quarter * 4, quarter)
    ]
    print(f"{run.config.strategy}, seed {run.config.seed}")
    print(f"  children              {len(trials)}")
    print(f"  best reward           {rewards[0]:.4f}")
    print(f"  mean of the best five {statistics.mean(rewards[:5]):.4f}")
    print(f"  mean of all           {statistics.mean(rewards):.4f}")
    print("  mean by quarter       " + "  ".join(f"{m:.4f}" for m in quarters))
    half = len(trials) // 2
    halves = [
        [trial.reward for trial in part]
        for part in (trials[:half], trials[half:])
        if len(part) > 1
    ]
    print(
        "  mean by half          "
        + "  ".join(
            f"{statistics.mean(part):.4f} ± "
            f"{statistics.stdev(part) / len(part) ** 0.5:.4f}"
            for part in halves
        )
    )
    parts = trials[0].evaluation.seconds
    medians = {
        part: statistics.median(t.evaluation.seconds[part] for t in trials)
        for part in parts
    }
    print(
        "  seconds per child     "
        + ", ".join(
            f"{part} {seconds:.1f}" for part, seconds in medians.items()
        )
        + f", in all {statistics.median(t.seconds for t in trials):.1f}"
    )


def draw(runs: list[search.Run], output: Path) -> None:
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.add_subplot()
    for position, run in enumerate(runs):
        trials = complete(run)
        rewards = [trial.reward for trial in trials]
        numbers = range(1, 1 + len(rewards))
        colour = f"C{position}"
        axes.plot(numbers, rewards, ".", color=colour, alpha=0.5)
        axes.step(
            numbers,
            list(accumulate(rewards, max)),
            where="post",
            color=colour,
            label=f"{run.config.strategy}: best so far",
        )
        means = [
            statistics.mean(rewards[max(0, end - 10) : end]) for end in numbers
        ]
        axes.plot(
            numbers,
            means,
            "--",
            color=colour,
            label=f"{run.config.strategy}: mean of the last ten",
        )
    axes.set_xlabel("trial")
    axes.set_ylabel("reward (validation accuracy)")
    axes.legend()
    figure.savefig(output, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, help="where to draw the curves")
    arguments = parser.parse_args()
    runs = [search.load(path) for path in arguments.runs]
    for run in runs:
        report(run)
    if arguments.output:
        draw(runs, arguments.output)


if __name__ == "__main__":
    main()
