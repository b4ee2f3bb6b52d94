"""What the commands have in common: options made of data, how they fail, and
that TensorFlow's own lines do not run through theirs.

Exit codes: 0 done, 1 the run failed, 2 bad input, 130 interrupted.

Neither Keras nor TensorFlow is imported here before it is asked for.
"""

import contextlib
import errno
import functools
import importlib
import importlib.metadata
import inspect
import io
import os
import platform
import shlex
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from nasnet_keras.console.activity import (
    ActivityDisplay,
    shown_activity,
    tell_activity,
)
from nasnet_keras.console.entry import INTERRUPTED
from nasnet_keras.processor import computing_setting, computing_variables
from nasnet_keras.quotation import printable, quoted, system_reason
from nasnet_keras.strict_json import parse_json

PACKAGES = ("tensorflow", "keras", "numpy", "nasnet-keras")

FAILED, BAD_INPUT = 1, 2  # beside INTERRUPTED

# Of an output that takes no more.
NO_OUTPUT = (errno.EPIPE, errno.ENOSPC, errno.EIO)

# What a path cannot be: too long, or out of reach.
NO_PATH = (errno.ENAMETOOLONG, errno.EACCES, errno.EPERM)
SECONDS_TO_AGAIN = 0.05
LONGEST_WORD = 200  # in a message
LARGEST = 10**9  # number of images, trials, epochs, ... that is asked for

# Errors reach the user as exceptions; who wants TensorFlow's lines sets the
# variable to 0.
LOG_LEVEL, QUIET = "TF_CPP_MIN_LOG_LEVEL", "3"


class InputError(ValueError):
    """What the user gave cannot be used. The text is for the user to read:
    what was expected, what came, and what to do."""


class RunError(Exception):
    """The run cannot continue. The text is one sentence for the user."""


class Interruption(Exception):
    """Ctrl-C ended the command. The text says so, and how to resume."""


def create_app(help: str | None = None) -> typer.Typer:
    """A command line, to which commands are added.

    Args:
        help: What it is for. Default: what its only command is for.
    """
    return typer.Typer(
        help=help,
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )


def run_command(app: typer.Typer, name: str) -> int:
    """Runs a command line; returns the exit code. Who reads the output may
    leave off, and what cannot be written is told."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        if sys.stdout.errors == "strict":  # Names may hold any bytes.
            sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = _run(app, name)
        sys.stdout.flush()
    except OSError as error:
        if error.errno not in NO_OUTPUT or error.filename is not None:
            raise
        if error.errno != errno.EPIPE:
            complain(f"Cannot write the output: {system_reason(error)}.")
        # Python would try again at its end.
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        return FAILED
    return code


def _run(app: typer.Typer, name: str) -> int:
    os.environ.setdefault(LOG_LEVEL, QUIET)
    interruptions = _Interruptions()
    try:
        # A module of a user's own is found here, and takes no other's place.
        sys.path.append(os.getcwd())
    except FileNotFoundError:
        complain("The current folder is not there any more. Go to another.")
        return BAD_INPUT
    try:
        with interruptions:
            code = app(prog_name=name, standalone_mode=False) or 0
        if code == INTERRUPTED:  # As typer answers Ctrl-C, without a word.
            complain("Interrupted.")
        return code
    except (KeyboardInterrupt, typer.Abort):
        complain("Interrupted.")
        return INTERRUPTED
    except Interruption as error:
        complain(str(error))
        return INTERRUPTED
    except typer.TyperException as error:
        # What was typed may hold the ends of lines.
        complain(" ".join(error.format_message().split()))
        return error.exit_code
    except InputError as error:
        complain(str(error))
        return BAD_INPUT
    except RunError as error:
        complain(str(error))
        return FAILED
    except SystemExit:  # As typer ends where the output is read no more.
        return FAILED
    except MemoryError:
        complain("There is not enough memory. Take smaller images, or fewer.")
        return FAILED
    except OSError as error:
        if error.errno not in NO_PATH:
            raise
        name = quoted(os.fsdecode(error.filename or ""))
        complain(f"The path {name} cannot be used: {system_reason(error)}.")
        return BAD_INPUT
    except Exception as error:
        if not exhausts_device(error):
            raise
        complain(
            "The memory of the device is not enough. Take smaller batches, "
            "smaller images or a smaller network."
        )
        return FAILED


def exhausts_device(error: Exception) -> bool:
    """Whether it is TensorFlow's ResourceExhaustedError, which is known by its
    name, so that TensorFlow need not be imported."""
    names = [kind.__name__ for kind in type(error).__mro__]
    return "ResourceExhaustedError" in names


class _Interruptions:
    """Whatever an interrupted import makes of Ctrl-C, the block ends with
    `KeyboardInterrupt`."""

    def __enter__(self) -> None:
        self._came = False
        self._before = signal.getsignal(signal.SIGINT)
        self._hook = sys.unraisablehook
        if _is_main_thread():
            sys.unraisablehook = self._again
            signal.signal(signal.SIGINT, self._interrupt)

    def _interrupt(self, *signalled: object) -> None:
        self._came = True
        raise KeyboardInterrupt

    def _again(self, unraisable: Any) -> None:
        """Interrupts anew where compiled code has ignored it."""
        if unraisable.exc_type is not KeyboardInterrupt:
            self._hook(unraisable)
            return
        interrupt = functools.partial(os.kill, os.getpid(), signal.SIGINT)
        threading.Timer(SECONDS_TO_AGAIN, interrupt).start()

    def __exit__(self, kind: Any, error: Any, _: Any) -> None:
        if _is_main_thread():
            signal.signal(signal.SIGINT, self._before)
            sys.unraisablehook = self._hook
        # Not what the command has ended with, as `working` does.
        if self._came and kind not in (None, Interruption, KeyboardInterrupt):
            raise KeyboardInterrupt from error


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def plain_warnings() -> Iterator[None]:
    """A warning is its text alone, on standard error."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: print(
            message, file=sys.stderr
        )
        yield


@contextlib.contextmanager
def working(interrupted: str = "Interrupted.") -> Iterator[None]:
    """The work of a command. What cannot be used is bad input, Ctrl-C ends it
    with this word, and a warning is its text alone."""
    with plain_warnings():
        try:
            yield
        except BrokenPipeError:
            raise
        except (ValueError, OSError) as error:
            raise InputError(str(error)) from error
        except KeyboardInterrupt:
            raise Interruption(interrupted) from None


@contextlib.contextmanager
def computing(
    interrupted: str = "Interrupted.", stderr: bool = False
) -> Iterator[ActivityDisplay]:
    """The `working` of a command by TensorFlow, which is imported; what goes
    on is shown, until the display is ended: on standard error where the
    output is for programs."""
    from rich.console import Console

    console = Console(stderr=stderr)
    with working(interrupted), shown_activity(console) as activity:
        tell_activity("importing TensorFlow")
        import_tensorflow()
        yield activity


def option(
    name: str, kind: Any, default: Any, description: str | None, panel: str
) -> inspect.Parameter:
    """An option of a command, under a heading of its `--help`."""
    shown = typer.Option(help=description, rich_help_panel=panel)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind, shown],
    )


def with_options(
    command: Callable[..., None], options: Iterable[inspect.Parameter]
) -> Callable[..., None]:
    """Gives a command these options, which it takes as `**keywords`."""
    signature = inspect.signature(command)
    own = [
        parameter
        for parameter in signature.parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    parameters = [*own, *options]
    command.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=parameters
    )
    command.__annotations__ = {
        parameter.name: parameter.annotation for parameter in parameters
    }
    return command


def named(options: Iterable[str]) -> dict[str, Any]:
    """Options NAME=VALUE by name; a value is JSON, or else a text."""
    values: dict[str, Any] = {}
    for text in options:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise InputError(
                "Invalid value for an option of a space, a strategy or an "
                f"evaluator. Expected NAME=VALUE. Received: {quoted(text)}."
            )
        if name in values:
            raise InputError(
                "Expected each option of a space, a strategy or an evaluator "
                f"once. Received: {quoted(name)} twice."
            )
        try:
            values[name] = parse_json(value)
        except ValueError:
            values[name] = value
    return values


def sentence(details: Any, parts: Collection[str] = ()) -> str:
    """One sentence for one of pydantic's errors.

    Args:
        details: Of `ValidationError.errors()`.
        parts: The names of what has several settings, which may disagree.
    """
    name = setting_name(details)
    message = details["msg"].removeprefix("Value error, ").rstrip(".")
    if details["type"] == "value_error" and (not name or name in parts):
        return f"The settings disagree. {message}."
    about = f"Invalid value for `{name}`." if name else "Invalid settings."
    if "Received: " in message:
        return f"{about} {message}."
    return f"{about} {message}. Received: {quoted(details['input'])}."


def setting_name(details: Any) -> str:
    """The setting that one of pydantic's errors is about, printable."""
    return printable(".".join(str(part) for part in details["loc"]))


def provenance() -> dict[str, Any]:
    """Where a run came from: its command, versions and processor."""
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "versions": {"python": platform.python_version(), **versions},
        "computing": computing_setting(),
    }


def check_computing(folder: Path, record: Mapping[str, Any]) -> None:
    """Compares the variables of the environment on which results depend with
    those of a run.

    Args:
        folder: The folder of the run.
        record: Its `provenance`, as it began.

    Raises:
        InputError: One of them is set otherwise.
    """
    for name, value in computing_variables().items():
        before = record["computing"].get(name, value)
        if before != value:
            raise InputError(
                f"Results in {folder} depend on the variable {name} of the "
                f"environment. Expected {quoted(before)}, as the run began. "
                f"Received: {quoted(value)}. Set it so, or choose another "
                "output."
            )


def complain(text: str) -> None:
    """Shows one sentence, whatever is in the names that it quotes; lines that
    are listed below it, after a colon, stay as they are."""
    first, colon, listed = text.partition(":\n")
    # Of what quotes without end, as packages do, the end is left out.
    words = [
        word if len(word) <= LONGEST_WORD else f"{word[: LONGEST_WORD - 3]}..."
        for word in first.split(" ")
    ]
    print(printable(" ".join(words)) + colon + listed, file=sys.stderr)


def import_tensorflow() -> None:
    """Imports TensorFlow quietly; it also warns of each child's graph, which
    are many by nature."""
    with _uninterrupted(), quiet_import():
        tensorflow = importlib.import_module("tensorflow")
    if _is_quiet():
        tensorflow.get_logger().setLevel("ERROR")


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Puts Ctrl-C off to the end of the block, in which compiled code would
    crash by it; the second time it ends the process at once."""
    if not _is_main_thread():
        yield
        return
    came: list[Any] = []

    def note(*signalled: Any) -> None:
        if came:
            os._exit(INTERRUPTED)
        came.append(signalled)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)


@contextlib.contextmanager
def quiet_import() -> Iterator[None]:
    """Closes standard error unless the user asked for TensorFlow's lines:
    what it writes while it is imported comes before it heeds the level."""
    if not _is_quiet():
        yield
        return
    standard_error = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(standard_error, 2)
        os.close(standard_error)


def _is_quiet() -> bool:
    return os.environ.get(LOG_LEVEL) == QUIET
