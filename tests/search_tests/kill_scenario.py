"""Kills a search again and again, at any statement of the database, any step
of a child and any of a backup, and prints what it came to beside an
uninterrupted search.

Run by test_kill.py in a process without threads, so that it can fork:

    python kill_scenario.py FOLDER SEED
"""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
from conftest import LEARNING, FakeEvaluator, outcomes

import search.storage.sqlite
from search.runs.begin import resume, run
from search.runs.record import load
from search.storage import backups
from search.storage.run_folder import RunDirectory
from search.strategies import STRATEGIES
from search.trial import Trial

TRIALS = 24
MOST_STEPS = 60  # of a life; a start takes about 20, a trial about 8


class Life:
    """Ends the process with SIGKILL at its n-th step."""

    steps = 0
    last: int | None = None

    def step(self, *_: object) -> None:
        self.steps += 1
        if self.steps == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


LIFE = Life()


class MortalEvaluator(FakeEvaluator):
    """Notes each evaluation in a file, and may die before, amid and after."""

    def __init__(self, diary: Path) -> None:
        super().__init__(failing=0.2)
        self.diary = diary

    def evaluate(self, child):
        LIFE.step()
        child.weights.write_text("half of the")
        LIFE.step()
        evaluation = super().evaluate(child)
        LIFE.step()
        return evaluation


class DiaryOfTrials:
    """Notes each finished trial, after it is on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, trial: Trial) -> None:
        LIFE.step()
        with open(self.path, "a") as file:
            file.write(f"{trial.number}\n")


def connect_mortally(*arguments):
    connection = connect(*arguments)
    connection.set_trace_callback(LIFE.step)
    return connection


def sync_mortally(path):
    LIFE.step()
    sync(path)


def search_once(folder: Path) -> None:
    evaluator = MortalEvaluator(folder.parent)
    watch = DiaryOfTrials(folder.with_suffix(".diary"))
    options = {
        "evaluator": evaluator,
        "on_trial": watch,
        "tensorboard": False,
    }
    if folder.exists():
        resume(folder, **options)
    else:
        run(folder, strategy="learning", trials=TRIALS, seed=7, **options)


def live_once(folder: Path, last: int) -> bool:
    """Searches in a process of its own; returns whether it lived to the end."""
    child = os.fork()
    if child == 0:
        LIFE.steps, LIFE.last = 0, last
        search_once(folder)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return False
    if status:
        sys.exit("the search failed")
    return True


def summary(folder: Path) -> dict[str, object]:
    found = load(folder)
    with found._storage() as storage:
        state, learned = storage.strategy()
    return {
        "trials": outcomes(found.trials),
        "state": {name: array.tolist() for name, array in state.items()},
        "learned": learned,
        "weights": sorted(
            [file.name, file.read_text()]
            for file in RunDirectory(folder).children.iterdir()
        ),
    }


def main(folder: Path, seed: int) -> None:
    search_once(folder / "whole")
    rng = np.random.default_rng(seed)
    kills = 0
    while not live_once(folder / "killed", int(rng.integers(1, MOST_STEPS))):
        kills += 1
    leftovers = [path.name for path in folder.iterdir()]
    print(
        json.dumps(
            {
                "kills": kills,
                "whole": summary(folder / "whole"),
                "killed": summary(folder / "killed"),
                "heard": (folder / "killed.diary").read_text().split(),
                "leftovers": sorted(leftovers),
            }
        )
    )


connect = search.storage.sqlite._connect
search.storage.sqlite._connect = connect_mortally
sync = backups.sync
backups.sync = sync_mortally
STRATEGIES["learning"] = LEARNING

if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
