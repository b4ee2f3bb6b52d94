"""How well a search fills its workers, and what the driver itself takes.

    python benchmarks/executor_scaling.py workers --executor processes
    python benchmarks/executor_scaling.py workers --executor ray
    python benchmarks/executor_scaling.py driver
    python benchmarks/executor_scaling.py looking

`workers`: children that sleep, log-normally (mean 2 s, sigma 0.5), in a search
by 8 workers. What they sleep is divided by what 8 workers could: from when all
have begun to when the last child begins (filled), and to when it ends (whole).

`driver`: the seconds between one child's end and the next one's beginning, in
process, after 10,000 trials.

`looking`: the seconds of `nasnet-search status` and `report` on 20,000 trials.
"""

import argparse
import functools
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import search
from search.evaluation.base import Child, Evaluator
from search.executors.in_process import InProcessExecutor
from search.loop.search_loop import SearchLoop
from search.runs.create import create_run
from search.storage import SQLiteStorage
from search.storage.run_folder import RunDirectory
from search.strategies import create_strategy
from search.trial import Evaluation, Trial, TrialState

MEAN, SIGMA = 2.0, 0.5  # seconds, and of their logarithm
STRATEGIES = ("random", "regularized-evolution", "ppo")


class Sleeping(Evaluator):
    """A child sleeps, by its number."""

    def evaluate(self, child: Child) -> Evaluation:
        began = time.time()
        number = child.number
        rng = np.random.default_rng(number)
        seconds = rng.lognormal(math.log(MEAN) - SIGMA**2 / 2, SIGMA)
        time.sleep(seconds)
        metrics = {"began": began, "pid": os.getpid(), "seconds": seconds}
        return Evaluation(rng.random(), metrics)

    def describe(self) -> dict[str, Any]:
        return {}


class Instant(Evaluator):
    """Notes when children are evaluated."""

    def __init__(self) -> None:
        self.moments: list[float] = []
        self.spent: list[float] = []

    def evaluate(self, child: Child) -> Evaluation:
        self.moments.append(time.perf_counter())
        self.spent.append(time.process_time())
        rng = np.random.default_rng(len(self.moments))
        return Evaluation(rng.random(), {"accuracy": 0.5})

    def describe(self) -> dict[str, Any]:
        return {}


def measure_workers(
    folder: Path, executor: str, workers: int, children: int
) -> None:
    began = time.time()
    run = search.run(
        folder / "run",
        strategy="random",
        trials=children,
        evaluator=Sleeping,
        executor=executor,
        workers=workers,
        tensorboard=False,
    )
    rows = sorted(
        (trial.evaluation.metrics for trial in run.trials),
        key=lambda metrics: metrics["began"],
    )
    firsts = {row["pid"]: row["began"] for row in reversed(rows)}
    # Workers are replaced after some children: the first ones to begin.
    full = sorted(firsts.values())[workers - 1]
    ends = [row["began"] + row["seconds"] for row in rows]
    print(f"{executor}: {len(rows)} children, {workers} workers")
    print(f"  start-up {full - began:.1f} s")
    for name, end in (("filled", rows[-1]["began"]), ("whole", max(ends))):
        slept = sum(
            max(0.0, min(last, end) - max(row["began"], full))
            for row, last in zip(rows, ends, strict=True)
        )
        share = slept / (workers * (end - full))
        print(f"  {name}: {share:.1%} of ideal, over {end - full:.0f} s")


def measure_driver(folder: Path, trials: int, more: int = 200) -> None:
    for name in STRATEGIES:
        config = search.RunConfig(
            dataset="none", strategy=name, trials=trials + more
        )
        directory = fill(folder / name, config, trials)
        evaluator = Instant()
        storage = SQLiteStorage(directory.database, search.NASNetSpace())
        strategy = create_strategy(name, storage.space, 0)
        learnt = storage.strategy()
        if learnt is not None:
            strategy.restore(*learnt)
        began = time.perf_counter()
        SearchLoop(
            strategy,
            InProcessExecutor(lambda evaluator=evaluator: evaluator),
            storage,
            directory,
            trials=trials + more,
            keep=5,
        ).run()
        storage.close()
        # Without the first ones, in which TensorFlow traces the learner.
        between = 1000 * np.diff(evaluator.moments)[20:]
        spent = 1000 * np.diff(evaluator.spent)[20:]
        print(
            f"{name}: {between.mean():.1f} ms a trial, {spent.mean():.1f} ms "
            f"of them of the processor, after {trials:,} trials; "
            f"{evaluator.moments[0] - began:.1f} s to take them up"
        )


def measure_looking(folder: Path, trials: int) -> None:
    config = search.RunConfig(dataset="none", strategy="random", trials=trials)
    fill(folder / "run", config, trials)
    commands = (
        ["status", "run"],
        ["report", "run", "--output", "report.html"],
    )
    for arguments in commands:
        began, spent = time.perf_counter(), processor_seconds()
        subprocess.run(
            [Path(sys.executable).with_name("nasnet-search"), *arguments],
            check=True,
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )
        seconds = time.perf_counter() - began
        spent = processor_seconds() - spent
        print(
            f"{arguments[0]}: {seconds:.1f} s, {spent:.1f} s of them of the "
            f"processor, for {trials:,} trials"
        )


def processor_seconds() -> float:
    """Of the processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def fill(path: Path, config: search.RunConfig, trials: int) -> RunDirectory:
    """A run with so many trials, from which its strategy has learnt if it
    writes down what it learns."""
    directory = RunDirectory(path)
    path.mkdir()
    space = search.NASNetSpace()
    identity = {"config": config.identity, "space": space.describe()}
    create_run(directory, config, {**identity, "evaluator": {}})
    storage = SQLiteStorage(directory.database, space)
    with storage.transaction():
        for trial in invented(space, trials):
            storage.save(trial)
        strategy = create_strategy(config.strategy, space, 0)
        if strategy.state():
            storage.save_strategy(strategy.state(), trials)
    storage.close()
    return directory


def invented(space: search.SearchSpace, trials: int) -> Iterator[Trial]:
    rng = np.random.default_rng(0)
    for number in range(trials):
        metrics = {
            "accuracy": rng.random(),
            "parameters": float(rng.integers(10**6)),
            "multiply_adds": float(rng.integers(10**8)),
        }
        yield Trial(
            number,
            space.sample(rng),
            TrialState.COMPLETE,
            (Evaluation(rng.random(), metrics, {"train": 60.0}, 20.0),),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("workers", "driver", "looking"))
    parser.add_argument("--executor", default="processes")
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--children", type=int, default=400)
    parser.add_argument("--trials", type=int)
    arguments = parser.parse_args()
    parts = {
        "workers": functools.partial(
            measure_workers,
            executor=arguments.executor,
            workers=arguments.workers,
            children=arguments.children,
        ),
        "driver": functools.partial(
            measure_driver, trials=arguments.trials or 10_000
        ),
        "looking": functools.partial(
            measure_looking, trials=arguments.trials or 20_000
        ),
    }
    with tempfile.TemporaryDirectory() as folder:
        parts[arguments.part](Path(folder))


if __name__ == "__main__":
    main()
