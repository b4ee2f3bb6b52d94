"""Has faults befall searches, `nasnet-auto run` and `nasnet-train tune` killed,
damaged files read, hostile files and wrong command lines tried, and prints as
Markdown what came of it:

    python tests/search_tests/soak.py --seed 0 --kills 200

The kills alone took half an hour on two busy cores.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from faults import FAULTS, Victim, befall
from fuzz import KINDS, archive, changed, fuzz, with_few_bytes_changed
from hostile import (
    Place,
    hostile_lines,
    tried,
    try_here,
    try_process,
    wrong_lines,
)

from nasnet_keras.console.command_line import (
    LOG_LEVEL,
    QUIET,
    import_tensorflow,
)

KILL = "`kill -9` of the command or a worker"

# By fault: how often, trials of the search, mean seconds of a child, and
# seconds between two backups.
CASES = {
    KILL: (200, 600, 0.03, 60.0),
    "disk full": (6, 100, 0.01, 60.0),
    "read-only file system": (3, 40, 0.01, 60.0),
    "database damaged, then `restore`": (12, 900, 0.01, 0.3),
    "clock jumps back": (10, 100, 0.03, 60.0),
    "a second command on the run": (10, 400, 0.4, 60.0),
    "rewards NaN or infinite": (10, 100, 0.03, 60.0),
    "data set gone, or another": (3, 100, 0.01, 60.0),
}


AUTO = Path(__file__).parents[1] / "nasnet_auto_tests" / "kill_scenario.py"
AUTO_KILLS = {
    "nasnet-auto run": ("auto", 20),
    "nasnet-train tune": ("tune", 20),
}

FILES = 1000
ARCHIVES = 300
LINES = 150
PROCESSES = 20  # of each kind of command line


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--only", default="", help="A word of the fault.")
    parser.add_argument("--small", action="store_true", help="A tenth of it.")
    arguments = parser.parse_args()
    wrong = have_faults_befall(arguments)
    if arguments.only in ("", "auto"):
        wrong |= have_trainings_killed(arguments)
    if arguments.only in ("", "files"):
        have_files_read(arguments)
    if arguments.only in ("", "lines"):
        have_lines_tried(arguments)
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


def have_trainings_killed(arguments):
    """Whether a killed run or tuning came to something else."""
    print("\n| `kill -9` of | times | what it came to | seconds |")
    print("| --- | --- | --- | --- |", flush=True)
    wrong = False
    for name, (case, times) in AUTO_KILLS.items():
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            kills = 4 if arguments.small else times
            options = f"--seed {arguments.seed} --kills {kills}".split()
            done = subprocess.run(
                [sys.executable, AUTO, case, folder, *options],
                stdout=subprocess.PIPE,
                check=True,
            )
        result = json.loads(done.stdout)
        same = result["killed"] == result["whole"]
        wrong |= not same
        cells = [
            f"`{name}`",
            result["kills"],
            "the same" if same else "something else",
            f"{time.monotonic() - began:.0f}",
        ]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
    return wrong


def have_files_read(arguments):
    """Raises:
    AssertionError: A damaged file is neither read nor refused.
    """
    print("\n| damaged files | of them refused | read |")
    print("| --- | --- | --- |", flush=True)
    rows = [
        (make, round(arguments.files * share / sum(KINDS.values())), changed)
        for make, share in KINDS.items()
    ]
    rows.append((archive, ARCHIVES, with_few_bytes_changed))
    for make, times, change in rows:
        times = count(times, arguments)
        with tempfile.TemporaryDirectory() as folder:
            counts = fuzz(
                make, Path(folder, "files"), times, arguments.seed, change
            )
        what = make.__doc__.rstrip(".")
        if change is not changed:
            what += ": 1 to 3 bytes are others"
        cells = [f"{times}: {what}", counts["refused"], counts["read"]]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


def have_lines_tried(arguments):
    """Raises:
    AssertionError: A command broke its contract.
    """
    print("\n| command lines | done | failed | refused |")
    print("| --- | --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault(LOG_LEVEL, QUIET)
        import_tensorflow()
        place = Place(Path(folder, "place"))
        rng = np.random.default_rng(arguments.seed)
        files = list(hostile_lines(place))
        rng.shuffle(files)
        files = files[: count(len(files), arguments)]
        wrong = list(
            wrong_lines(place, count(LINES, arguments), arguments.seed)
        )
        some = count(PROCESSES, arguments)
        for what, lines, attempt in (
            ("hostile files as every argument", files, try_here),
            ("the same, as processes", files[:some], try_process),
            ("random wrong lines", wrong, try_here),
            ("the same, as processes", wrong[:some], try_process),
        ):
            codes = tried(place, lines, attempt)
            cells = [
                f"{len(lines)}: {what}",
                *(codes[code] for code in range(3)),
            ]
            print(f"| {' | '.join(map(str, cells))} |", flush=True)


def count(times, arguments):
    return math.ceil(times / 30) if arguments.small else times


if __name__ == "__main__":
    raise SystemExit(main())
