"""Faults that befall a search, and what they cost: by soak.py in full, by
test_faults.py in small.

Each fault is a function of a `Victim`, a search that is driven by processes
of its own, a generator, and a number of times. What it costs is counted
against a search that nothing has befallen.
"""

import collections
import contextlib
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import psutil
from conftest import LEARNING

from search.runs.driver_process import WORKER_OPTION
from search.runs.record import load
from search.strategies import STRATEGIES

SCENARIO = Path(__file__).with_name("fault_scenario.py")
LAG = 8
PATIENCE = 600  # seconds
MORE = 400  # trials, where a search ends before all has befallen it
SETTINGS = (
    f"--dataset none --strategy learning --threads 1 --space-option blocks=2 \
    --strategy-option lag={LAG} --lag {LAG}".split()
)


class Victim:
    """A search for faults to befall.

    Args:
        folder: Where the run is, and what belongs to it.
        trials: How many trials are to count.
        pause: The mean seconds of a child.
        backup: The seconds between two backups.

    Attributes:
        lost: Trials that were finished and are no more.
        repeated: Evaluations of trials that were finished.
    """

    def __init__(self, folder, trials, pause=0.01, backup=60.0):
        folder.mkdir(parents=True)
        self.folder = folder
        self.run = folder / "run"
        self.database = self.run / "search.db"
        self.diary = folder / "diary"
        self.data = folder / "data"
        self.data.write_text("images")
        self.trials = trials
        self.scenario = {
            "data": str(self.data),
            "diary": str(self.diary),
            "pause": pause,
            "nan": False,
            "clock": False,
            "backup": backup,
        }
        self.finished = {}
        self.lost = set()

    def command(self, *arguments, before=(), **options):
        """Starts `nasnet-search`."""
        return subprocess.Popen(
            [*before, sys.executable, str(SCENARIO), *map(str, arguments)],
            env={**os.environ, "SCENARIO": json.dumps(self.scenario)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def drive(self, workers=2, **options):
        """Starts a driver, which begins the run or goes on with it."""
        driving = ["--workers", workers]
        if (self.run / "config.json").exists():
            driving += ["--trials", self.trials]
            return self.command("resume", self.run, *driving, **options)
        return self.command(
            *("run", "--output", self.run, "--trials", self.trials),
            *(*SETTINGS, *driving),
            **options,
        )

    def end(self):
        """Drives the run to its end."""
        driver = self.drive()
        _, errors = driver.communicate(timeout=PATIENCE)
        if driver.returncode:
            raise RuntimeError(f"The search failed: {errors}")
        self.look()

    def wait(self, driver, trials):
        """Waits until so many more trials have finished."""
        wanted = self.progress() + trials
        end = time.monotonic() + PATIENCE
        while self.progress() < wanted and driver.poll() is None:
            if time.monotonic() > end:
                raise RuntimeError(f"The search stands still at {wanted}.")
            time.sleep(0.05)

    def progress(self):
        return sum(what == "finished" for what, *_ in self.notes())

    def notes(self):
        """The diary: what, of which trial, when."""
        if not self.diary.exists():
            return []
        lines = self.diary.read_text().splitlines()
        parts = map(str.split, lines)
        return [(what, int(number), float(at)) for what, number, at in parts]

    def look(self):
        """Notes what is finished on the disk, where a driver had no time
        to, and what is no more as it was."""
        if not self.database.exists():
            return
        finished = {
            trial.number: (trial.decisions, trial.state, trial.reward)
            for trial in load(self.run).trials
            if trial.state.is_finished
        }
        self.lost |= {
            number
            for number, outcome in self.finished.items()
            if finished.get(number) != outcome
        }
        notes = self.notes()
        noted = {number for what, number, _ in notes if what == "finished"}
        with open(self.diary, "a") as diary:
            for number in sorted(finished.keys() - noted):
                # The driver was killed as it had something to note.
                diary.write(f"finished {number} {notes[-1][2]}\n")
        self.finished = finished

    @property
    def repeated(self):
        finished, repeated = set(), []
        for what, number, _ in self.notes():
            if what == "finished":
                finished.add(number)
            elif number in finished:
                repeated.append(number)
        return repeated

    def differences(self):
        """How many trials are others than without any fault, in what was
        proposed or in what became of it."""
        whole = Victim(self.folder / "whole", self.trials, 0.0)
        whole.scenario["nan"] = self.scenario["nan"]
        driver = whole.drive(workers=1)
        if driver.wait(PATIENCE):
            raise RuntimeError(f"The search failed: {driver.stderr.read()}")
        mine, theirs = outcomes(self.run), outcomes(whole.run)
        return sum(
            mine.get(number) != theirs.get(number)
            for number in mine.keys() | theirs.keys()
        )


def outcomes(run):
    return {
        trial.number: (trial.decisions, trial.state, trial.reward, trial.reason)
        for trial in load(run).trials
    }


def workers_of(driver):
    with contextlib.suppress(psutil.Error):
        return [
            child
            for child in psutil.Process(driver.pid).children()
            if WORKER_OPTION in child.cmdline()
        ]
    return []


def expect(process, codes, *texts):
    """Waits for a command, which must end so, and say one sentence."""
    _, errors = process.communicate(timeout=PATIENCE)
    sentence = errors.count("\n") == 1 and all(text in errors for text in texts)
    if process.returncode not in codes or not sentence:
        raise RuntimeError(
            f"Expected exit code {codes} and a sentence with {texts}. "
            f"Received: {process.returncode}, {errors}"
        )


def kills(victim, rng, times):
    """`kill -9` of the driver or of one of its workers, at any moment."""
    killed = collections.Counter()
    began = time.monotonic()
    driver = victim.drive()
    victim.wait(driver, 1)
    start_up = time.monotonic() - began
    while killed.total() < times:
        time.sleep(rng.uniform(0, 1.5 * start_up))
        workers = workers_of(driver)
        if driver.poll() is not None:
            errors = driver.stderr.read()
            if driver.returncode == 0:
                victim.trials += MORE
            # Three in a row that were killed before they were ready.
            elif "workers in a row died" not in errors:
                raise RuntimeError(f"The search failed: {errors}")
            driver = victim.drive()
        elif workers and rng.random() < 0.5:
            with contextlib.suppress(psutil.Error):
                workers[rng.integers(len(workers))].kill()
                killed["workers"] += 1
        else:
            driver.kill()
            driver.communicate()
            killed["drivers"] += 1
            victim.look()
            driver = victim.drive()
    expect_end(driver)
    return ", ".join(f"{killed[name]} {name}" for name in sorted(killed))


def expect_end(driver):
    _, errors = driver.communicate(timeout=PATIENCE)
    if driver.returncode:
        raise RuntimeError(f"The search failed: {errors}")


def disk_full(victim, rng, times):
    """Files may be no larger than so much, which the database soon is."""
    size = 20_000
    for _ in range(times):
        size = int(size * rng.uniform(1.2, 2))
        limit = (size, size)
        driver = victim.drive(
            preexec_fn=lambda limit=limit: resource.setrlimit(
                resource.RLIMIT_FSIZE, limit
            )
        )
        expect(driver, {1, 2})
        victim.look()
    return f"full at {20} to {size // 1000} kB"


def read_only(victim, rng, times):
    """A file system that cannot be written; for others than root a folder."""
    driver = victim.drive()
    victim.wait(driver, 10)
    driver.send_signal(signal.SIGINT)
    driver.communicate(timeout=PATIENCE)
    victim.look()
    for _ in range(times):
        with unwritable(victim.folder) as before:
            resumed = victim.command("resume", victim.run, before=before)
            expect(resumed, {2}, "Cannot write the file")
            new = victim.folder / "new"
            begun = victim.command(
                *("run", "--output", new, *SETTINGS), before=before
            )
            expect(begun, {2}, f"Cannot make the folder {new}")
    return "`run` and `resume` refused"


@contextlib.contextmanager
def unwritable(folder):
    """What to begin a command with to have it find the folder so."""
    if os.geteuid():
        modes = {path: path.stat().st_mode for path in folder.rglob("*")}
        modes[folder] = folder.stat().st_mode
        for path in modes:
            path.chmod(modes[path] & ~0o222)
        yield ()
        for path in modes:
            path.chmod(modes[path])
        return
    script = (
        'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" "$0" && '
        'exec "$@"'
    )
    yield ("unshare", "--mount", "sh", "-c", script, str(folder))


def damages(victim, rng, times):
    """The database is cut, emptied, deleted or overwritten with noise amid
    the search; the command `restore` brings it back."""
    again, longest = 0, 0.0
    for number in range(times):
        driver = victim.drive()
        victim.wait(driver, int(rng.integers(20, 60)))
        driver.kill()
        driver.communicate()
        victim.look()
        name, damage = list(DAMAGES.items())[number % len(DAMAGES)]
        damage(victim.database, rng)
        named = f"nasnet-search restore {victim.run}"
        try:
            expect(victim.command("resume", victim.run), {2}, named)
        except RuntimeError as error:
            error.add_note(f"The damage: {name}.")
            raise
        restored = victim.command("restore", victim.run)
        if restored.wait(PATIENCE):
            raise RuntimeError(restored.stderr.read())
        count, seconds = forget(victim)
        again += count
        longest = max(longest, seconds)
    return (
        f"copies {victim.scenario['backup']:g} s apart; {again} trials not in "
        f"them, finished within {longest:.1f} s"
    )


def forget(victim):
    """Leaves out of account the trials that a backup does not know as
    finished, and says how many these are and within how many seconds they
    finished: no more than pass between two backups."""
    known = {
        number: outcome
        for number, outcome in victim.finished.items()
        if number in finished_in(victim.run)
    }
    gone = victim.finished.keys() - known.keys()
    times = {
        number: at
        for what, number, at in victim.notes()
        if what == "finished" and number in gone
    }
    seconds = max(times.values(), default=0) - min(times.values(), default=0)
    if seconds > victim.scenario["backup"] + 1:
        raise RuntimeError(f"{len(gone)} trials of {seconds} s are lost.")
    victim.finished = known
    # What is not finished any more may be evaluated.
    notes = victim.notes()
    victim.diary.write_text(
        "".join(
            f"{what} {number} {at}\n"
            for what, number, at in notes
            if number not in gone
        )
    )
    return len(gone), seconds


def finished_in(run):
    return {t.number for t in load(run).trials if t.state.is_finished}


def overwrite(path, rng, start=0):
    content = path.read_bytes()
    path.write_bytes(content[:start] + rng.bytes(len(content) - start))


def without_log(path):
    """All that is committed in the database itself, as after an ordinary
    end."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def cut(path, rng):
    without_log(path)
    size = path.stat().st_size
    os.truncate(path, int(rng.integers(1, size - 4096)))


def noise(path, rng):
    without_log(path)
    overwrite(path, rng)


def noise_in_part(path, rng):
    without_log(path)
    overwrite(path, rng, 4096 * int(rng.integers(1, 4)))


def noise_in_the_log(path, rng):
    overwrite(Path(f"{path}-wal"), rng)


DAMAGES = {
    "cut": cut,
    "noise": noise,
    "noise in part": noise_in_part,
    "noise in the log": noise_in_the_log,
    "emptied": lambda path, rng: (without_log(path), os.truncate(path, 0)),
    "deleted": lambda path, rng: (without_log(path), path.unlink()),
}


def clock(victim, rng, times):
    """Each reading of the time of day is up to a day back, and drivers are
    killed."""
    victim.scenario["clock"] = True
    return kills(victim, rng, times)


def two_drivers(victim, rng, times):
    """Others want to drive a run that is driven."""
    driver = victim.drive()
    victim.wait(driver, 1)
    for _ in range(times):
        expect(victim.drive(), {2}, "Another process is driving")
    expect_end(driver)
    return f"{times} refused"


def no_numbers(victim, rng, times):
    """Rewards that are NaN or infinite, and drivers are killed."""
    victim.scenario["nan"] = True
    killed = kills(victim, rng, times)
    reasons = [trial.reason or "" for trial in load(victim.run).trials]
    count = sum("reward is no number" in reason for reason in reasons)
    if not count:
        raise RuntimeError("No reward was NaN.")
    return f"{killed}; {count} trials failed by their reward"


def data_gone(victim, rng, times):
    """The data set is deleted while children train on it, and replaced by
    another."""
    for _ in range(times):
        driver = victim.drive()
        victim.wait(driver, 10)
        hidden = victim.data.rename(victim.data.with_name("hidden"))
        for worker in workers_of(driver):
            with contextlib.suppress(psutil.Error):
                worker.kill()
        expect(driver, {1}, "which is not there")
        victim.look()
        expect(victim.drive(), {2}, "which is not there")
        victim.data.write_text("other images")
        expect(victim.drive(), {2}, "its data or the training of its children")
        hidden.rename(victim.data)
    return "refused until they are back"


STRATEGIES["learning"] = LEARNING

# By the words of the table.
FAULTS = {
    "`kill -9` of the command or a worker": kills,
    "disk full": disk_full,
    "read-only file system": read_only,
    "database damaged, then `restore`": damages,
    "clock jumps back": clock,
    "a second command on the run": two_drivers,
    "rewards NaN or infinite": no_numbers,
    "data set gone, or another": data_gone,
}


def befall(fault, victim, rng, times):
    """Lets it happen, drives the search to its end, and counts the cost.

    Returns:
        What happened, trials lost, evaluations repeated, trials that differ.
    """
    seen = fault(victim, rng, times)
    victim.end()
    costs = len(victim.lost), len(victim.repeated), victim.differences()
    shutil.rmtree(victim.folder)
    return seen, *costs
