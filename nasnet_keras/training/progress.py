"""A training as it goes, for the terminal: `Progress`."""

import time
from collections.abc import Iterable
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from nasnet_keras.console.accuracy import accuracy_text
from nasnet_keras.console.activity import ActivityDisplay, tell_activity


class Progress(keras.callbacks.Callback):
    """Prints a line an epoch, and on a terminal shows the steps under way.

    Args:
        epochs: Of the training in all, over all of its phases.
        console: Where to. Default: standard output.
        activity: What shows how the training is made ready, and pauses while
            this has the terminal. Default None.

    Attributes:
        validation_images: On how many images each epoch is measured; 0 where
            it is on none.
    """

    def __init__(
        self,
        epochs: int,
        console: Console | None = None,
        activity: ActivityDisplay | None = None,
    ) -> None:
        super().__init__()
        self._activity = activity
        self._epochs = epochs
        self._console = console or Console()
        self._first_epoch = 0
        self.validation_images = 0
        self._bar: Bar | None = None
        self._began = 0.0

    def tell(self, sentences: Iterable[str]) -> None:
        """Prints what the user should know before it begins."""
        for sentence in sentences:
            self._console.print(
                sentence, markup=False, highlight=False, soft_wrap=True
            )

    def begin_at(self, epoch: int) -> None:
        """The next phase begins after so many epochs."""
        self._first_epoch = epoch

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._began = time.monotonic()
        if self._activity is not None and self._console.is_terminal:
            self._activity.pause()
        if not self._console.is_terminal:
            return
        self._bar = Bar(
            TextColumn(f"epoch {self._first_epoch + epoch + 1}/{self._epochs}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[metrics]}"),
            console=self._console,
            transient=True,
        )
        self._bar.add_task("", total=self.params["steps"], metrics="")
        self._bar.start()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        tell_activity("training steps", batch + 1, self.params["steps"])
        if self._bar is not None:
            self._bar.update(
                self._bar.task_ids[0], advance=1, metrics=self._text(logs)
            )

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._close()
        self._console.print(
            f"epoch {self._first_epoch + epoch + 1}/{self._epochs}: "
            f"{self._text(logs)}, {time.monotonic() - self._began:.0f} s",
            highlight=False,
            soft_wrap=True,
        )

    def end(self) -> None:
        """Leaves the place to others, however the training has ended."""
        self._close()
        if self._activity is not None:
            self._activity.resume()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _text(self, logs: Any) -> str:
        """The metrics; of the accuracies those with a standard error that
        were measured on images for validation."""
        return ", ".join(
            f"{name.replace('_', ' ')} "
            + (
                accuracy_text(value, self.validation_images)
                if name.startswith("val_") and name.endswith("accuracy")
                else f"{value:.4f}"
            )
            for name, value in (logs or {}).items()
        )
