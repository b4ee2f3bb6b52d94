import signal
import time
from types import SimpleNamespace

import pytest

from nasnet_keras import activity, command_line
from nasnet_keras.command_line import InputError, complain, computing


def test_a_complaint_has_a_bounded_length(capsys):
    complain(f"Unknown: {'x' * 5000}. Take another.")
    said = capsys.readouterr().err
    assert len(said) < 250 and said.endswith("... Take another.\n")


def test_a_complaint_is_a_line_and_what_is_listed_below(capsys):
    complain("No folder: a\nb.")
    complain("These do not fit:\none\ntwo")
    assert capsys.readouterr().err == (
        "No folder: a\\nb.\nThese do not fit:\none\ntwo\n"
    )


def test_an_import_that_lasts_is_told(monkeypatch, capsys):
    monkeypatch.setattr(activity, "SECONDS_BEFORE", 0.1)
    monkeypatch.setattr(
        command_line, "import_tensorflow", lambda: time.sleep(0.8)
    )
    with pytest.raises(InputError, match="no images"), computing():
        raise ValueError("no images")
    assert capsys.readouterr().out == "importing TensorFlow ...\n"


def test_ctrl_c_waits_for_the_end_of_an_import(monkeypatch):
    """Compiled code that is interrupted while it is imported may crash."""
    imported = []

    def import_module(name):
        signal.raise_signal(signal.SIGINT)
        imported.append(name)
        return logging

    logging = SimpleNamespace(
        get_logger=lambda: SimpleNamespace(setLevel=lambda level: None)
    )
    monkeypatch.setattr(command_line.importlib, "import_module", import_module)
    with pytest.raises(KeyboardInterrupt):
        command_line.import_tensorflow()
    assert imported == ["tensorflow"]
