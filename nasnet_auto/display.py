"""A run as it goes: `Display`, and that of terminals and notebooks."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from rich.console import Console

from nasnet_auto.trainings.candidates import Row
from nasnet_keras.console.activity import ActivityDisplay, shown_activity
from nasnet_keras.console.live import is_shown
from nasnet_keras.training.progress import Progress
from search.observers.display import Beginning
from search.observers.display import create_display as search_display


@dataclasses.dataclass(frozen=True)
class Display:
    """How a run is shown. By default nothing is shown.

    Attributes:
        tell: Called with sentences for the user.
        progress: Makes the display of a training, given its epochs.
        begin: Called with the name of the next network.
        end: Called with the row of its result.
        observers: Of a search.
    """

    tell: Callable[[Sequence[str]], None] = lambda lines: None
    progress: Callable[[int], Progress] | None = None
    begin: Callable[[str], None] = lambda name: None
    end: Callable[[Row], None] = lambda row: None
    observers: tuple[Any, ...] = ()


@contextlib.contextmanager
def shown(verbose: bool | None) -> Iterator[Display]:
    """The display of a run that is called from Python; see `is_shown`."""
    console = Console()
    if not is_shown(verbose, console):
        yield Display()
        return
    with shown_activity(console) as activity:
        yield create_display(console, activity)


def create_display(console: Console, activity: ActivityDisplay) -> Display:
    """Shows a run, line by line, and in place what goes on."""

    def tell(lines: Sequence[str]) -> None:
        for line in lines:
            console.print(line, markup=False, highlight=False, soft_wrap=True)

    def end(row: Row) -> None:
        tell([f"{row.name}: {row.reason or row.accuracy_text}"])

    return Display(
        tell=tell,
        progress=lambda epochs: _Quiet(epochs, console, activity),
        begin=lambda name: tell([f"Training {name}."]),
        end=end,
        observers=(Beginning(activity), search_display(console)),
    )


class _Quiet(Progress):
    """Shows the steps under way in place, and prints no line an epoch: there
    are hundreds in a run."""

    def tell(self, sentences: Iterable[str]) -> None:
        """The run has told what is to be known of the data."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._close()
