"""Kills a run of `nasnet_auto`, or a tuning, again and again, at any moment,
and prints what it came to beside one that was never killed.

In a process without threads, so that it can fork:

    python kill_scenario.py auto FOLDER --seed 0 --kills 10
"""

import argparse
import dataclasses
import json
import math
import os
import signal
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import psutil

import nasnet_auto
import search
from nasnet_auto import auto, stages, tuning
from nasnet_auto.trainings.candidates import plain_network
from nasnet_keras.training.recipes import RECIPES

HOURS = 0.5
EPOCHS = 3
RECIPE = dataclasses.replace(
    RECIPES["search-proxy"], epochs=EPOCHS, drop_path_rate=0.0
)


class Auto:
    """A run of three stages, whose plan has been recorded."""

    def __init__(self, hours=HOURS):
        self.hours = hours
        auto.MOST_EPOCHS = EPOCHS
        auto.STAGES = {
            name: stages.STAGES[name]
            for name in ("plain network", "tuning", "ensemble")
        }
        stages.CHANGES = {
            name: stages.CHANGES[name]
            for name in ("higher rate", "labels smoothed", "another seed")
        }

    def go(self, folder):
        nasnet_auto.run(images(), self.hours, folder, ensemble=2)

    def begin(self, whole, killed):
        """Gives the second run the plan of the first before any training."""
        plan = json.loads((whole / "plan.json").read_text())
        known = "plain network"
        first = plan["stages"][known]["candidates"]
        dataset = str((killed / "data.npz").resolve())
        for candidate in first:
            candidate["settings"]["dataset"] = dataset
        plan["asked"]["dataset"] = dataset
        plan["stages"] = {known: {"candidates": first, "rows": []}}
        plan.update(elapsed=0.0, beside=0.0)
        killed.mkdir()
        (killed / "plan.json").write_text(json.dumps(plan))

    def outcome(self, folder):
        board = json.loads((folder / "leaderboard.json").read_text())
        rows = [{**row, "seconds": None} for row in board["rows"]]
        return {**board, "rows": rows, "minutes": None, "command": None}


class Tuning:
    """A search of learning rates."""

    def go(self, folder):
        tuning.tune(
            folder,
            "digits",
            plain_network(8),
            RECIPE,
            values={"learning_rate": [0.005, 0.015, 0.05], "l2": [0.0, 1e-4]},
            strategy="bohb",
            trials=6,
            train_images=200,
            validation_images=50,
            executor="in-process",
        )

    def begin(self, whole, killed):
        pass

    def outcome(self, folder):
        return [
            [trial.number, trial.decisions, trial.state.value, trial.reward]
            for trial in search.load(folder).trials
        ]


CASES = {"auto": Auto, "tune": Tuning}


def images(count=240, classes=3):
    """Of a square whose brightness is its class."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % classes
    noise = rng.integers(0, 216, (count, 8, 8, 3))
    pixels = noise + 20 * labels[:, None, None, None]
    return pixels.astype(np.uint8), labels


def live(case, folder, seconds=math.inf):
    """Runs the case in a process of its own, for at most so many seconds of
    processor time, which other programs do not change; returns whether it came
    to its end, and these seconds."""
    child = os.fork()
    if child == 0:
        case.go(folder)
        os._exit(0)
    process = psutil.Process(child)
    while process.status() != psutil.STATUS_ZOMBIE:
        if sum(process.cpu_times()[:2]) > seconds:
            os.kill(child, signal.SIGKILL)
            break
        time.sleep(0.01)
    _, status, usage = os.wait4(child, 0)
    if status and not os.WIFSIGNALED(status):
        sys.exit("it failed")
    return not status, usage.ru_utime + usage.ru_stime


def kill(case, folder, seed, kills):
    """What it came to, how long it took, and its moments of death."""
    whole, killed = folder / "whole", folder / "killed"
    _, lasted = live(case, whole)
    case.begin(whole, killed)
    rng = np.random.default_rng(seed)
    moments = rng.uniform(0.04, 0.18, kills) * lasted
    ended = sum(live(case, killed, moment)[0] for moment in moments)
    live(case, killed)
    return {
        "kills": kills - ended,
        "seconds": lasted,
        "whole": case.outcome(whole),
        "killed": case.outcome(killed),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kills", type=int, default=10)
    given = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)  # of the fork
    case = CASES[given.case]()
    print(json.dumps(kill(case, given.folder, given.seed, given.kills)))


if __name__ == "__main__":
    main()
