import io
import time

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from rich.console import Console
from rich.text import Text

from nasnet_keras.console import live
from nasnet_keras.console.activity import shown_activity, tell_activity

NOTEBOOK = Console(file=io.StringIO(), force_jupyter=True)
TERMINAL = Console(file=io.StringIO(), force_terminal=True)
FILE = Console(file=io.StringIO(), force_jupyter=False)


@pytest.fixture
def outputs(monkeypatch):
    """What a cell of a notebook shows, each output and each change of one."""
    shell = InteractiveShell.instance()
    publisher = CapturingDisplayPublisher()
    monkeypatch.setattr(shell, "display_pub", publisher)
    yield publisher.outputs
    InteractiveShell.clear_instance()


def texts(outputs):
    return [output["data"]["text/plain"] for output in outputs]


@pytest.mark.parametrize(
    ("verbose", "shown"),
    [(None, [NOTEBOOK]), (True, [NOTEBOOK, TERMINAL, FILE]), (False, [])],
)
def test_notebooks_show_what_goes_on_by_default(verbose, shown):
    for console in (NOTEBOOK, TERMINAL, FILE):
        assert live.is_shown(verbose, console) == (console in shown)


def test_a_notebook_has_one_output_that_changes(outputs):
    words = ["first"]
    place = live.create_live(NOTEBOOK, lambda: Text(words[-1], "bold"))
    place.start()
    words.append("<second>")
    place.refresh()
    place.stop()
    assert texts(outputs) == ["first", "<second>", "<second>"]
    assert [output["update"] for output in outputs] == [False, True, True]
    assert len({output["transient"]["display_id"] for output in outputs}) == 1
    assert "&lt;second&gt;" in outputs[1]["data"]["text/html"]


def test_what_has_not_begun_may_end(outputs):
    place = live.create_live(NOTEBOOK, lambda: Text("unseen"))
    place.refresh()
    place.stop()
    assert outputs == []


def test_it_changes_by_itself_until_the_end(outputs, monkeypatch):
    monkeypatch.setattr(live, "SECONDS_BETWEEN", 0.01)
    numbers = iter(range(10**6))
    place = live.create_live(
        NOTEBOOK, lambda: Text(str(next(numbers))), transient=True
    )
    place.start()
    deadline = time.monotonic() + 20
    while len(outputs) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    place.stop()
    shown = texts(outputs)
    assert shown[:3] == ["0", "1", "2"]
    assert shown[-1] == ""
    time.sleep(0.05)
    assert texts(outputs) == shown


def test_an_activity_is_a_bar_in_a_notebook(outputs, monkeypatch):
    monkeypatch.setattr("nasnet_keras.console.activity.SECONDS_BEFORE", 0.0)
    with shown_activity(NOTEBOOK):
        tell_activity("reading images", 12_000, 100_000)
        deadline = time.monotonic() + 20
        while not outputs and time.monotonic() < deadline:
            time.sleep(0.01)
    first, last = texts(outputs)[0], texts(outputs)[-1]
    assert "reading images, 12,000 of 100,000" in first
    assert "━" in first
    assert last == ""
