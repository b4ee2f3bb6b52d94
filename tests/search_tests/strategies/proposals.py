"""The first proposals of every strategy: prints them, or writes the golden.

    python tests/search_tests/strategies/proposals.py
    python tests/search_tests/strategies/proposals.py --write

A run that goes on after an update must make the very proposals of one that
was never stopped. So **the golden may be made anew only** where a strategy is
changed on purpose, and then `SCHEMA_VERSION` of
`search/storage/run_folder.py` goes up in the same commit: a run begun before
is then refused, not continued otherwise. `--write` keeps to that: under the
schema of the golden it adds strategies and spaces that are new, and refuses
to change those that are there.

Each strategy is driven by the real loop, without lag, through rewards that
follow from the decisions alone; some children fail. `ENVIRONMENT` keeps the
libraries to one thread and to the instructions of AVX2, so that processors
with more of them compute the same. The golden records that mode; in another,
such as that of an ARM processor, the test is skipped.
"""

import argparse
import itertools
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

import numpy as np

from search.evaluation.base import EvaluationError, Evaluator
from search.evaluation.tabular import ArchitectureTable, TabularEvaluator
from search.executors.in_process import InProcessExecutor
from search.loop.schedule import AllAtOnce
from search.loop.search_loop import SearchLoop
from search.spaces.nasbench201 import NASBench201Space
from search.spaces.nasnet import NASNetSpace
from search.storage import SQLiteStorage
from search.storage.run_folder import SCHEMA_VERSION, RunDirectory
from search.strategies import create_strategy
from search.trial import Evaluation

GOLDEN = Path(__file__).with_name("proposals.json")
PROPOSALS = 40
SEED = 1

# NumPy and TensorFlow read these when they are imported.
ENVIRONMENT = {
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
}
QUIET = {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}

# Options with which a strategy learns several times within the proposals.
OPTIONS = {
    "auto": {"initial": 8},
    "random": {},
    "ppo": {"minibatch": 8, "learning_rate": 0.02},
    "reinforce": {"minibatch": 8, "learning_rate": 0.02},
    "regularized-evolution": {"population": 8, "sample": 3},
    "nsga2": {"population": 8},
    "local-search": {"starts": 4},
    "predictor": {"initial": 8, "refit": 4},
    "bayesian": {"initial": 4},
    "bohb": {},
    "progressive": {"beam": 8},
    "grid": {},
    "one-shot": {},
    "enas": {"minibatch": 8, "learning_rate": 0.02},
}
# Those that more than rewards drives, and why they have no golden.
LEFT_OUT = {
    "darts": "proposes what the gradients of a shared network suggest",
    "proxylessnas": "proposes what the gradients of a shared network suggest",
    "optuna-tpe": "another version of Optuna may propose otherwise",
    "optuna-gp": "another version of Optuna may propose otherwise",
}


class Scores(Evaluator):
    """A seeded linear score of the decisions; the worst children fail."""

    def __init__(self, space):
        self.space = space
        rng = np.random.default_rng(0)
        self.scores = [
            rng.integers(100, size=len(decision.choices)).tolist()
            for decision in space.decisions
        ]

    def evaluate(self, child):
        decisions = self.space.encode(child.architecture)
        score = sum(
            scores[choice]
            for scores, choice in zip(self.scores, decisions, strict=True)
        ) / (100 * len(decisions))
        if score < 0.43:
            raise EvaluationError(f"The child diverged at {score}.")
        return Evaluation(score)

    def describe(self):
        return {}


class EveryCell(NASBench201Space):
    """Cells each its own architecture, those too that compute the same."""

    def canonical(self, decisions):
        self.check(decisions)
        return decisions


def write_table(path):
    """A table of 4 nodes and 3 operations, from which some cells are missing.

    Integers, so that no sum is rounded.
    """
    rng = np.random.default_rng(0)
    gains = rng.integers(1, 500, size=(6, 3))
    pairs = rng.integers(0, 300, size=(3, 3))
    lines = ["arch,validation"]
    names = ("nor_conv_3x3", "none", "skip_connect")
    for number, cell in enumerate(itertools.product(range(3), repeat=6)):
        value = gains[range(6), cell].sum() + pairs[cell[0], cell[5]]
        a, b, c, d, e, f = (names[choice] for choice in cell)
        if number % 11:
            lines.append(
                f"|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|,{value / 100}"
            )
    path.write_text("\n".join([*lines, ""]))
    return ArchitectureTable(path, EveryCell(4, names))


def nasnet(folder):
    space = NASNetSpace(3)
    return space, Scores(space)


def tabular(folder):
    table = write_table(folder / "table.csv")
    return table.space, TabularEvaluator(table, "validation")


SPACES = {"nasnet": nasnet, "tabular": tabular}


def first_proposals(name, space_name):
    """What a strategy proposes first, each proposal a list of choices."""
    with tempfile.TemporaryDirectory() as folder:
        space, evaluator = SPACES[space_name](Path(folder))
        directory = RunDirectory(Path(folder) / "run")
        directory.children.mkdir(parents=True)
        SQLiteStorage.create(directory.database, {})
        storage = SQLiteStorage(directory.database, space)
        try:
            SearchLoop(
                create_strategy(name, space, SEED, **OPTIONS[name]),
                InProcessExecutor(lambda: evaluator),
                storage,
                directory,
                AllAtOnce(PROPOSALS),  # Duplicates come on top of them.
                keep=1,
            ).run()
            trials = storage.trials()[:PROPOSALS]
        finally:
            storage.close()
    return [list(trial.decisions) for trial in trials]


def mode():
    """On what the last digits of floating-point numbers depend."""
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        **ENVIRONMENT,
    }


def make():
    """The golden's data, as this machine has them."""
    return {
        "schema": SCHEMA_VERSION,
        "mode": mode(),
        "proposals": {
            f"{name} on {space}": {
                "options": OPTIONS[name],
                "first": first_proposals(name, space),
            }
            for name in OPTIONS
            for space in SPACES
        },
    }


def to_text(golden):
    """JSON with a proposal a line, so that a difference can be read."""
    blocks = []
    for name, entry in golden["proposals"].items():
        lines = ",\n".join(
            f"   {json.dumps(proposal, separators=(',', ':'))}"
            for proposal in entry["first"]
        )
        blocks.append(
            f'  {json.dumps(name)}: {{"options": '
            f'{json.dumps(entry["options"])}, "first": [\n{lines}\n  ]}}'
        )
    return (
        f'{{\n "schema": {golden["schema"]},\n'
        f' "mode": {json.dumps(golden["mode"])},\n'
        ' "proposals": {\n' + ",\n".join(blocks) + "\n }\n}\n"
    )


def check_rule(old, new):
    """Raises:
    ValueError: Proposals that runs of this schema rely on would change.
    """
    changed = [
        name
        for name, entry in old["proposals"].items()
        if new["proposals"].get(name) != entry
    ]
    if changed and old["schema"] == new["schema"]:
        raise ValueError(
            f"Other proposals than in {GOLDEN.name}: {', '.join(changed)}. "
            "Expected SCHEMA_VERSION of search/storage/run_folder.py to go "
            f"up with them. Received: {new['schema']}, as in the golden."
        )


def main():
    environment = {**os.environ, **ENVIRONMENT, **QUIET}
    if environment != dict(os.environ):
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="the golden")
    args, golden = parser.parse_args(), make()
    if not args.write:
        print(to_text(golden), end="")
        return
    if GOLDEN.exists():
        try:
            check_rule(json.loads(GOLDEN.read_text()), golden)
        except ValueError as error:
            sys.exit(str(error))
    GOLDEN.write_text(to_text(golden))


if __name__ == "__main__":
    main()
