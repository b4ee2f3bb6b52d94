"""What the dashboard shows: `DashboardPage`.

Neither Keras nor TensorFlow is imported here.
"""

import functools
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import markupsafe

from nasnet_keras.console.command_line import InputError
from search.runs.record import Run
from search.views.dashboard.tables import Failures, RunWatch, Seconds
from search.views.report.choice_usage import PARTS
from search.views.report.page import (
    create_environment,
    pictures_of,
    rewards_chart,
    top_cells,
)
from search.views.report.tables import (
    RunSnapshot,
    differences,
    settings_of,
    snapshots_of,
)

GENERATOR = "nasnet-search dashboard"
# A template each, in this order.
SECTIONS = (
    *("problem", "summary", "underway", "rewards", "cells"),
    *("failures", "seconds"),
)
SECONDS_BETWEEN = 2.0
# Reading and rendering take a tenth of a core at most, so that they do not
# slow the search down.
PAUSE_PER_SECOND = 10.0
PICTURES_KEPT = 64


class DashboardPage:
    """A page about runs, as they are now. Any thread may ask for it.

    The runs are read when the page is asked for, and again two seconds later
    at the earliest; later if reading takes long.

    Args:
        runs: The runs.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = runs
        self._environment = create_environment()
        self._environment.filters["memory"] = _memory_text
        self._nonce = secrets.token_urlsafe()
        self._watches = {run: RunWatch(run.directory) for run in runs}
        self._draw = functools.lru_cache(PICTURES_KEPT)(pictures_of)
        self._lock = threading.Lock()
        self._due = 0.0
        self._subjects: list[RunSnapshot] = []
        self._sections: Mapping[str, str] = dict.fromkeys(SECTIONS, "")

    def sections(self) -> Mapping[str, str]:
        """The sections of the page as HTML, by their names."""
        with self._lock:
            if time.monotonic() >= self._due:
                began = time.thread_time()
                self._sections = self._read()
                took = time.thread_time() - began
                pause = max(SECONDS_BETWEEN, PAUSE_PER_SECOND * took)
                self._due = time.monotonic() + pause
            return self._sections

    def render(self) -> str:
        """The whole page as HTML."""
        sections = self.sections()
        return self._environment.get_template("dashboard.html").render(
            heading="Search dashboard",
            generator=GENERATOR,
            nonce=self._nonce,
            snapshots=self._subjects,
            sections={
                name: markupsafe.Markup(text) for name, text in sections.items()
            },
        )

    def _read(self) -> Mapping[str, str]:
        """The sections now. A run that cannot be read stays as it was, and
        the problem is among the sections."""
        problems: list[str] = []
        try:
            found = snapshots_of(self.runs, problems)
            known = {each.label: each for each in (*self._subjects, *found)}
            self._subjects = list(known.values())
            content = self._content(self._subjects, " ".join(problems))
        except (InputError, OSError) as error:
            problem = self._section("problem", {"problem": str(error)})
            return {**self._sections, "problem": problem}
        return {name: self._section(name, content) for name in SECTIONS}

    def _content(
        self, snapshots: Sequence[RunSnapshot], problem: str
    ) -> Mapping[str, Any]:
        """What the templates of the sections show."""
        return {
            "problem": problem,
            "snapshots": snapshots,
            "parts": PARTS,
            "differences": differences(settings_of(snapshots)),
            "underway": [
                self._watches[snapshot.run].look(snapshot)
                for snapshot in snapshots
            ],
            "rewards": rewards_chart(snapshots),
            "cells": top_cells(snapshots, self._draw),
            "failures": Failures.of(snapshots),
            "seconds": Seconds.of(snapshots),
        }

    def _section(self, name: str, content: Mapping[str, Any]) -> str:
        return self._environment.get_template(f"{name}.html").render(content)


def _memory_text(memory: int) -> str:
    return f"{memory / 2**20:,.0f} MiB"
