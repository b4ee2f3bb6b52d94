"""What the commands that drive a search share: interruptions, and how they
end.

Neither Keras nor TensorFlow is imported here before it is needed.
"""

import contextlib
import shlex
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nasnet_keras.console.activity import shown_activity, tell_activity
from nasnet_keras.console.command_line import (
    Interruption,
    import_tensorflow,
    plain_warnings,
)
from search.runs.record import Run
from search.storage.run_folder import RunDirectory
from search.trial import Trial, ranked


@contextlib.contextmanager
def searching(
    folder: Path, interrupted: str | None = None
) -> Iterator[list[Any]]:
    """Offers the display, and says how to resume after an interruption by
    Ctrl-C or by SIGTERM."""
    from rich.console import Console

    from search.observers.display import Beginning, create_display

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console()
    try:
        with shown_activity(console) as activity, plain_warnings():
            tell_activity("importing TensorFlow")
            import_tensorflow()
            tell_activity("reading the data")
            yield [Beginning(activity), create_display(console)]
    except KeyboardInterrupt:
        directory = RunDirectory(folder)
        begun = directory.configuration.exists()
        go_on = f" Continue with {directory.resuming}." if begun else ""
        raise Interruption(interrupted or f"Interrupted.{go_on}") from None
    finally:
        signal.signal(signal.SIGTERM, before)


def show_end(run: Run) -> None:
    """Shows the best cell, and how to resume if the time was over."""
    trials = run.trials
    show_best(run, trials)
    if not run.is_over(trials):
        print(
            f"The time limit is over. Continue with {run.directory.resuming}."
        )


def show_best(run: Run, trials: Sequence[Trial]) -> None:
    from search.observers.text import done_text

    print(done_text(trials, run.total, run.stages))
    best = next(iter(ranked(trials)), None)
    if best is None:
        return
    print(f"Best: trial {best.number}, reward {best.reward_text}.")
    print(run.text(best))
    print(
        "Export it by `nasnet-search export "
        f"{shlex.quote(str(run.directory.path))} --output FOLDER`."
    )
