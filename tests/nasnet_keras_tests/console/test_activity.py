import io
import time

import numpy as np
import pytest
from rich.console import Console

from nasnet_keras.console import activity
from nasnet_keras.console.activity import Activity, listening, tell_activity
from nasnet_keras.training.data.readers.source import resized


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(activity, "SECONDS_BEFORE", 0.1)


def shown(terminal, *told, seconds=0.8):
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=80)
    with activity.shown_activity(console):
        for each in told:
            tell_activity(*each)
            time.sleep(seconds)
    return text.getvalue()


def test_what_lasts_is_a_line(quick):
    assert shown(False, ("reading images", 12_000, 100_000), ("tracing",)) == (
        "reading images, 12,000 of 100,000 ...\ntracing ...\n"
    )


def test_what_is_soon_over_is_none():
    assert shown(False, ("reading images",), seconds=0.3) == ""


def test_a_terminal_shows_a_bar(quick):
    text = shown(True, ("reading images", 12_000, 100_000))
    assert "reading images, 12,000 of 100,000" in text
    assert "━" in text


def test_nobody_listens():
    tell_activity("reading images")


def test_reading_tells_how_far_it_is():
    heard = []
    with listening(heard.append):
        resized(np.zeros((3, 4, 4, 1), np.uint8), np.zeros(3, np.int32), 2)
    assert heard == [Activity("scaling images", row, 3) for row in range(3)]
