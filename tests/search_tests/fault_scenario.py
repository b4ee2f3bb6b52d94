"""`nasnet-search` with children that take milliseconds, for faults to befall:
run by faults.py in processes of its own. Workers run this file's first part
too, as spawned processes do.

    SCENARIO=JSON python fault_scenario.py ARGUMENT...

The scenario, an object: `data`, a file that stands for the data set; `diary`,
where the beginning and the end of each child are noted; `pause`, the mean
seconds of a child; `nan`, whether some rewards are no numbers; `clock`,
whether the clock jumps back; `backup`, the seconds between two backups.
"""

import json
import os
import random
import sys
import time
import types
import zlib
from pathlib import Path

from conftest import LEARNING

import search.cli.app
import search.cli.session
import search.runs.begin
import search.runs.create
from search.evaluation.base import EvaluationError, Evaluator
from search.observers.base import Observer
from search.storage.backups import Backups
from search.strategies import STRATEGIES
from search.trial import Evaluation

SCENARIO = json.loads(os.environ["SCENARIO"])
NO_NUMBERS = (float("nan"), float("inf"), float("-inf"))


class Fast(Evaluator):
    """Rewards follow from the genotype; some children fail."""

    def __init__(self):
        self.data = Path(SCENARIO["data"])
        if not self.data.is_file():
            raise ValueError(
                "Invalid value for argument `dataset`. Expected a file. "
                f"Received: dataset={str(self.data)!r}, which is not there."
            )
        self.fingerprint = self.data.read_text()

    def evaluate(self, child):
        note("begun", child.number)
        time.sleep(SCENARIO["pause"] * random.expovariate(1))
        checksum = zlib.crc32(child.architecture.to_json().encode())
        if checksum % 10 == 0:
            raise EvaluationError("The child diverged.")
        child.weights.write_text(str(checksum))
        reward = checksum % 1000 / 1000
        if SCENARIO["nan"] and checksum % 7 == 0:
            reward = NO_NUMBERS[checksum % 3]
        return Evaluation(reward)

    def describe(self):
        return {"data": self.fingerprint}


class Notes(Observer):
    """Notes each finished trial, in the place of event files."""

    def __init__(self, directory):
        pass

    def finished(self, trial, best, metrics):
        note("finished", trial.number)


def note(what, number):
    line = f"{what} {number} {time.monotonic()}\n"
    diary = os.open(SCENARIO["diary"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(diary, line.encode())
    os.close(diary)


def jumping_back(now=time.time):
    return now() - random.uniform(0, 86400)


STRATEGIES["learning"] = LEARNING
tensorboard = types.ModuleType("search.observers.tensorboard")
tensorboard.TensorBoardObserver = Notes
sys.modules[tensorboard.__name__] = tensorboard
search.cli.session.import_tensorflow = lambda: None
search.runs.create._create_named = lambda config: Fast()
search.runs.begin.Backups = lambda *paths: Backups(*paths, SCENARIO["backup"])
if SCENARIO["clock"]:
    time.time = jumping_back

if __name__ == "__main__":
    sys.exit(search.cli.app.main())
