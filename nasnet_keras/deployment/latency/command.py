"""A latency that a command of the user's measures, as on a phone or a board:
`seconds_by_command`."""

import contextlib
import math
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from nasnet_keras.console.command_line import RunError
from nasnet_keras.quotation import quoted

TIME_LIMIT = 600  # seconds
MOST_PRINTED = 1_000  # characters


def command_words(command: str) -> list[str]:
    """The program and its arguments, divided as a shell divides them; nothing
    else that a shell does is done.

    Raises:
        ValueError: The quotes are not closed, or there is no such program.

    Example:

    >>> command_words("cat 'a file'")
    ['cat', 'a file']
    """
    try:
        words = shlex.split(command) if isinstance(command, str) else []
    except ValueError:
        words = []
    if not words or shutil.which(words[0]) is None:
        raise ValueError(
            "Invalid value for argument `latency_command`. Expected a program "
            "that can be run, and its arguments. Received: latency_command="
            f"{quoted(command)}."
        )
    return words


def seconds_by_command(
    command: str, path: Path, time_limit: float = TIME_LIMIT
) -> float:
    """The seconds of one image, which a command measures on whatever it
    reaches.

    The path of the network's file is its last argument. It prints one number
    to the standard output, and what it has to say to a person to the standard
    error. It runs without a shell, in the folder of this process.

    Args:
        command: The program and its arguments, see `command_words`.
        path: The network's file.
        time_limit: After so many seconds it is ended. Default 600. What it
            has started and left behind is ended with it.

    Raises:
        ValueError: There is no such program.
        RunError: It fails, takes too long, or prints something else than a
            positive number.

    Example:

    >>> seconds_by_command("sh -c 'echo 0.025'", Path("network.tflite"))
    0.025
    """
    words = [*command_words(command), os.fspath(path)]
    # A file, since what it has started may hold a pipe open for longer.
    with tempfile.TemporaryFile("w+", errors="replace") as printed:
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                start_new_session=True,
            )
        except OSError as error:
            raise _wrong(
                command, f"it cannot be run, {error.strerror}"
            ) from None
        try:
            process.wait(time_limit)
        except subprocess.TimeoutExpired:
            received = f"nothing in {time_limit:g} seconds"
            raise _wrong(command, received) from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        printed.seek(0)
        output = printed.read(MOST_PRINTED)
    if process.returncode:
        raise _wrong(command, f"the exit code {process.returncode}")
    try:
        seconds = float(output)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise _wrong(command, f"{quoted(output.strip())}, no such number")
    return seconds


def _wrong(command: str, received: str) -> RunError:
    return RunError(
        "Expected of the latency command a positive number, the seconds of one "
        f"image, on standard output. Received of {quoted(command)}: {received}."
    )
