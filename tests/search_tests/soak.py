"""Has faults befall searches, and prints as Markdown what they cost:

    python tests/search_tests/soak.py --seed 0 --kills 200

The kills alone took half an hour on two busy cores.
"""

import argparse
import math
import tempfile
import time
from pathlib import Path

import numpy as np
from faults import FAULTS, Victim, befall
from fuzz import KINDS, fuzz

KILL = "`kill -9` of the command or a worker"

# By fault: how often, trials of the search, mean seconds of a child, and
# seconds between two backups.
CASES = {
    KILL: (200, 600, 0.03, 60.0),
    "disk full": (6, 100, 0.01, 60.0),
    "read-only file system": (3, 40, 0.01, 60.0),
    "database damaged, then `restore`": (12, 900, 0.01, 0.3),
    "clock jumps back": (10, 100, 0.03, 60.0),
    "a second command on the run": (10, 400, 0.1, 60.0),
    "rewards NaN or infinite": (10, 100, 0.03, 60.0),
    "data set gone, or another": (3, 100, 0.01, 60.0),
}


FILES = 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--only", default="", help="A word of the fault.")
    parser.add_argument("--small", action="store_true", help="A tenth of it.")
    arguments = parser.parse_args()
    wrong = have_faults_befall(arguments)
    if arguments.only in ("", "files"):
        have_files_read(arguments)
    return wrong


def have_faults_befall(arguments):
    """Whether anything was lost, repeated or changed by a fault."""
    print("| fault | times | seen | lost | repeated | differing | seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
    wrong = False
    for name, (times, trials, pause, backup) in CASES.items():
        if arguments.only not in name:
            continue
        if name == KILL:
            times = arguments.kills
        if arguments.small:
            times, trials = math.ceil(times / 30), trials // 4
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            victim = Victim(Path(folder, "victim"), trials, pause, backup)
            rng = np.random.default_rng(arguments.seed)
            seen, *costs = befall(FAULTS[name], victim, rng, times)
        wrong |= any(costs)
        cells = [name, times, seen, *costs, f"{time.monotonic() - began:.0f}"]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
    return wrong


def have_files_read(arguments):
    """Raises:
    AssertionError: A damaged file is neither read nor refused.
    """
    print("\n| damaged files | of them refused | read |")
    print("| --- | --- | --- |", flush=True)
    for make, share in KINDS.items():
        count = round(arguments.files * share / sum(KINDS.values()))
        with tempfile.TemporaryDirectory() as folder:
            counts = fuzz(make, Path(folder, "files"), count, arguments.seed)
        what = make.__doc__.rstrip(".")
        cells = [f"{count}: {what}", counts["refused"], counts["read"]]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
