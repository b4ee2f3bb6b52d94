import io
import os
import signal
import sys
import time
from types import SimpleNamespace

import pytest
import typer

from nasnet_keras.console import activity, command_line
from nasnet_keras.console.command_line import (
    InputError,
    complain,
    computing,
    run_command,
    working,
)


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


@pytest.fixture
def command(monkeypatch):
    """A command that does this, with an output of its own."""

    def command(work, output):
        app = typer.Typer()
        app.command()(work)
        monkeypatch.setattr(sys, "argv", ["command"])
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", output)
            return run_command(app, "command")

    return command


def test_a_full_output_is_a_sentence(command, capsys):
    with open("/dev/full", "w") as full:
        assert command(lambda: print("text"), full) == 1
    said = capsys.readouterr().err
    assert said == (
        "Cannot write the output: No space left on device; make room, or "
        "choose another disk.\n"
    )


def test_who_reads_the_output_may_leave_off(command, capsys):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as output:
        assert command(lambda: print("text"), output) == 1

    def working_command():
        with working():
            print("text" * 10_000)

    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as output:
        assert command(working_command, output) == 1
    assert capsys.readouterr().err == ""


def test_names_that_are_no_text_are_printed(command):
    output = io.TextIOWrapper(io.BytesIO(), "utf-8")
    assert command(lambda: print("caf\udce9"), output) == 0
    assert output.buffer.getvalue() == b"caf\\udce9\n"


def test_a_lack_of_memory_is_a_sentence(command, capsys):
    def allocate():
        raise MemoryError

    assert command(allocate, io.StringIO()) == 1
    assert capsys.readouterr().err.startswith("There is not enough memory.")


def test_a_lack_of_the_devices_memory_is_a_sentence(command, capsys):
    class ResourceExhaustedError(Exception):
        """As TensorFlow's is called."""

    def allocate():
        raise ResourceExhaustedError("OOM when allocating tensor")

    assert command(allocate, io.StringIO()) == 1
    said = capsys.readouterr().err
    assert said.startswith("The memory of the device is not enough. Take smal")


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
    # Who starts the tests may have them ignore Ctrl-C, as a shell does.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            command_line.import_tensorflow()
    finally:
        signal.signal(signal.SIGINT, before)
    assert imported == ["tensorflow"]
