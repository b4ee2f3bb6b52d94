"""What changes in place, on a terminal or in a notebook: `create_live`,
`is_shown`."""

import io
import threading
from collections.abc import Callable
from typing import Any, Protocol

from rich.console import Console, RenderableType
from rich.live import Live

SECONDS_BETWEEN = 0.5  # two pictures
WIDTH = 80  # of a picture in a notebook, in characters
PICTURE = (
    '<pre style="white-space:pre;overflow-x:auto;line-height:normal;'
    "font-family:Menlo,'DejaVu Sans Mono',monospace\">{code}</pre>"
)


class InPlace(Protocol):
    """Something that is shown between `start` and `stop`."""

    def start(self) -> None: ...

    def refresh(self) -> None: ...

    def stop(self) -> None: ...


def is_live(console: Console) -> bool:
    """Whether something can change in place there."""
    return console.is_terminal or console.is_jupyter


def is_shown(verbose: bool | None, console: Console) -> bool:
    """Whether what is called from Python shows how far it is: as asked for, or
    else in notebooks alone."""
    return console.is_jupyter if verbose is None else verbose


def create_live(
    console: Console,
    render: Callable[[], RenderableType],
    transient: bool = False,
) -> InPlace:
    """Shows in place what a function returns, twice a second.

    Args:
        console: Where to; `is_live` of it is true.
        render: Returns what to show now.
        transient: Whether nothing is left of it at the end.
    """
    if console.is_jupyter:
        return _NotebookLive(render, transient)
    return Live(
        get_renderable=render,
        console=console,
        refresh_per_second=1 / SECONDS_BETWEEN,
        transient=transient,
    )


class _NotebookLive:
    """An output of the cell that is replaced again and again. The last one
    is kept with the notebook."""

    def __init__(
        self, render: Callable[[], RenderableType], transient: bool
    ) -> None:
        self._render = render
        self._transient = transient
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._handle: Any = None

    def start(self) -> None:
        from IPython.display import display

        self._handle = display(self._picture(), raw=True, display_id=True)
        threading.Thread(target=self._watch, daemon=True).start()

    def refresh(self) -> None:
        self._show(self._picture())

    def stop(self) -> None:
        if self._handle is None:  # It has not begun.
            return
        last = {"text/plain": ""} if self._transient else self._picture()
        with self._lock:  # After the last picture there is none.
            self._handle.update(last, raw=True)
            self._ended.set()

    def _watch(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN):
            self._show(self._picture())

    def _show(self, picture: dict[str, str]) -> None:
        with self._lock:
            if self._handle is not None and not self._ended.is_set():
                self._handle.update(picture, raw=True)

    def _picture(self) -> dict[str, str]:
        """What there is to see now, by its MIME type."""
        console = Console(
            file=io.StringIO(), width=WIDTH, record=True, force_jupyter=False
        )
        console.print(self._render())
        lines = console.export_text(clear=False).splitlines()
        return {
            "text/plain": "\n".join(map(str.rstrip, lines)),
            "text/html": console.export_html(
                code_format=PICTURE, inline_styles=True
            ),
        }
