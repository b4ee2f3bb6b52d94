"""Activities that a user waits for: the code that works reports them by
`tell_activity`, and a command shows them by `ActivityDisplay`.

Neither Keras nor TensorFlow is imported here.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from rich.console import Console

# Before an activity is said, and where no display is live also between its
# lines.
SECONDS_BEFORE, SECONDS_BETWEEN = 1.0, 30.0


class Activity(NamedTuple):
    """An activity that a user waits for.

    Attributes:
        what: A few words, such as `reading images`.
        done: How much of it is done, if that is counted.
        total: Of how much.

    Example:

    >>> str(Activity("reading images", 12_000, 100_000))
    'reading images, 12,000 of 100,000'
    """

    what: str
    done: int | None = None
    total: int | None = None

    def __str__(self) -> str:
        if self.total is None:
            return self.what
        return f"{self.what}, {self.done or 0:,} of {self.total:,}"


_listener: Callable[[Activity], object] | None = None


def tell_activity(
    what: str, done: int | None = None, total: int | None = None
) -> None:
    """Reports the activity that begins now to the listener, if any."""
    if _listener is not None:
        _listener(Activity(what, done, total))


@contextlib.contextmanager
def listening(listener: Callable[[Activity], object]) -> Iterator[None]:
    """Has a function hear of the activities while the block lasts."""
    global _listener
    before, _listener = _listener, listener
    try:
        yield
    finally:
        _listener = before


class ActivityDisplay:
    """Shows an activity after its first second: a bar on a terminal and in a
    notebook, elsewhere a line for each activity that lasts, and one every half
    a minute.

    Args:
        console: Where to.
    """

    def __init__(self, console: "Console") -> None:
        from nasnet_keras.console.live import is_live

        self._console = console
        self._in_place = is_live(console)
        self._activity: Activity | None = None
        self._began = 0.0
        self._said = -SECONDS_BETWEEN
        self._bar: Any = None
        self._live: Any = None
        self._paused = False
        self._ended = threading.Event()
        self._lock = threading.Lock()
        threading.Thread(target=self._watch, daemon=True).start()

    def __call__(self, activity: Activity) -> None:
        with self._lock:
            if self._paused:
                return
            if self._activity is None or activity.what != self._activity.what:
                self._began = time.monotonic()
                self._said = self._began - SECONDS_BETWEEN
            self._activity = activity

    def pause(self) -> None:
        """Leaves the place to others, until `resume`."""
        with self._lock:
            self._paused, self._activity = True, None
            if self._live is not None:
                self._live.stop()
                self._live = None

    def resume(self) -> None:
        """Shows the activities that are reported from now on."""
        with self._lock:
            self._paused = False

    def end(self) -> None:
        """Leaves the place to others for good."""
        self._ended.set()
        self.pause()

    def _watch(self) -> None:
        while not self._ended.wait(0.2):
            with self._lock:
                if self._activity is None:
                    continue
                now = time.monotonic()
                if now - self._began < SECONDS_BEFORE:
                    continue
                if self._in_place:
                    self._draw(self._activity)
                elif now - self._said >= SECONDS_BETWEEN:
                    self._said = now
                    self._console.print(
                        f"{self._activity} ...", highlight=False, markup=False
                    )

    def _draw(self, activity: Activity) -> None:
        from rich.progress import (
            BarColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
        )

        from nasnet_keras.console.live import create_live

        if self._live is None:
            self._bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TimeElapsedColumn(),
            )
            self._bar.add_task("")
        self._bar.update(
            self._bar.task_ids[0],
            description=str(activity),
            completed=activity.done or 0,
            total=activity.total,
        )
        if self._live is None:
            self._live = create_live(
                self._console, self._bar.get_renderable, transient=True
            )
            self._live.start()


@contextlib.contextmanager
def shown_activity(console: "Console") -> Iterator[ActivityDisplay]:
    """Shows the activities of the block, until `end`."""
    display = ActivityDisplay(console)
    try:
        with listening(display):
            yield display
    finally:
        display.end()
