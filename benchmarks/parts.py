"""A benchmark in parts, each in a process of its own and with a time limit, so
that one that fails, crashes or hangs does not stop the others: `main`."""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

SECONDS = 480.0  # for all parts; the limits of the parts are of so many
LONGEST = 400  # letters of an error
PART = "--part"  # what a part's process is told


@dataclass(frozen=True)
class Figure:
    """What was measured: a number, a word, or the error instead of it."""

    what: str
    value: Any = None
    unit: str = ""
    error: str | None = None

    def __str__(self) -> str:
        value = self.value
        if self.error is not None:
            return f"**failed**: {self.error}"
        if isinstance(value, float):
            value = f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3g}"
        return f"{value} {self.unit}".rstrip()


@dataclass(frozen=True)
class Part:
    """A function that yields figures, told whether all is to be small, and
    its seconds."""

    measure: Callable[[bool], Iterator[Figure]]
    seconds: float


def apart(what: str, figures: Iterator[Figure]) -> Iterator[Figure]:
    """The figures; where they break off, the error is the last one."""
    try:
        yield from figures
    except Exception as error:
        yield Figure(what, error=in_one_line(error))


def in_one_line(error: Exception) -> str:
    """TensorFlow says first where, and last what."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST // 4]} ... {text[-LONGEST * 3 // 4 :]}"


def main(
    parts: Mapping[str, Part],
    description: str,
    prepare: Callable[[bool], None] = lambda small: None,
) -> int:
    """Runs the parts as the command line says.

    Args:
        parts: By name, in the order in which they run.
        description: Of the command.
        prepare: Called in the process of each part before it, told whether
            all is to be small; what it raises is the part's error.

    Returns:
        The exit code, 1 where something failed.
    """
    parser = argparse.ArgumentParser(description=description.split("\n\n")[0])
    parser.add_argument("--small", action="store_true", help="to try it out")
    parser.add_argument("--only", nargs="+", choices=parts, metavar="PART")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help="for all parts"
    )
    parser.add_argument("--output", help="a file for the figures, JSON lines")
    parser.add_argument(PART, choices=parts, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        _measure(parts[arguments.part], prepare, arguments.small)
        return 0
    failed = 0
    end = time.monotonic() + arguments.seconds
    print("| part | what | figure |\n|---|---|---|", flush=True)
    with (
        open(arguments.output, "w")
        if arguments.output
        else contextlib.nullcontext()
    ) as file:
        for name in arguments.only or parts:
            limit = parts[name].seconds * arguments.seconds / SECONDS
            limit = min(limit, end - time.monotonic())
            for figure in _run(name, limit, arguments.small):
                failed += figure.error is not None
                print(f"| {name} | {figure.what} | {figure} |", flush=True)
                if file:
                    row = {"part": name, **asdict(figure)}
                    print(json.dumps(row), file=file, flush=True)
    return int(failed > 0)


def _measure(part: Part, prepare: Callable[[bool], None], small: bool) -> None:
    """What the process of a part does: a line for each figure."""
    figures = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # What the part itself prints is no figure.

    def prepared() -> Iterator[Figure]:
        prepare(small)
        yield from part.measure(small)

    for figure in apart("", prepared()):
        print(json.dumps(asdict(figure)), file=figures, flush=True)


def _run(name: str, limit: float, small: bool) -> Iterator[Figure]:
    """The figures of a part, and how its process ended if not well."""
    if limit <= 0:
        yield Figure("", error="Not run: no time was left.")
        return
    command = [sys.executable, sys.argv[0], PART, name]
    process = subprocess.Popen(
        [*command, "--small"] if small else command,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    late = threading.Event()

    def end() -> None:
        late.set()
        os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(limit, end)
    timer.start()
    try:
        for line in process.stdout:
            yield Figure(**json.loads(line))
        process.wait()
    finally:
        timer.cancel()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if late.is_set():
        yield Figure("", error=f"It took longer than its {limit:.0f} seconds.")
    elif process.returncode < 0:
        died = signal.Signals(-process.returncode).name
        yield Figure("", error=f"Its process died by {died}.")
    elif process.returncode > 0:
        code = process.returncode
        yield Figure("", error=f"Its process ended with exit code {code}.")
