import os
import time
from pathlib import Path

import keras
import pytest

from nasnet_keras.console.command_line import RunError
from nasnet_keras.deployment.latency.command import (
    command_words,
    seconds_by_command,
)
from nasnet_keras.deployment.latency.measurement import measure_latency

# Of a program: something that would go on for long after it.
LATER = '(sleep 30; touch "$0 late") & echo $! > "$0 child";'


@pytest.fixture
def program(tmp_path):
    """Writes a program of a line of a shell's; returns its quoted path."""

    def program(line):
        path = tmp_path / "a program"
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)
        return f"'{path}'"

    return program


def test_the_path_goes_in_as_one_argument_and_seconds_come_out(
    program, tmp_path
):
    network = tmp_path / "net work;$(touch hit).tflite"
    network.write_text("12345")
    command = program(
        'test "$1" = --fast || exit 1; echo "to people" >&2\n'
        'printf "0.0%s\\n" $(wc -c < "$2")'
    )
    assert seconds_by_command(f"{command} --fast", network) == 0.05
    assert not (tmp_path / "hit").exists()


def test_no_shell_sees_the_command(program, tmp_path):
    command = program('echo $# > "$0 counted"; echo 1')
    seconds_by_command(f"{command} a; 'b c' $HOME", Path("n"))
    counted = (tmp_path / "a program counted").read_text()
    assert counted.strip() == "4"


@pytest.mark.parametrize(
    ("line", "received"),
    [
        ("exit 3", "the exit code 3"),
        ("true", "'', no such number"),
        ("echo 12 ms", "'12 ms', no such number"),
        ("echo -1", "'-1', no such number"),
        ("echo 0", "no such number"),
        ("echo nan", "no such number"),
        ("echo inf", "no such number"),
    ],
)
def test_what_says_nothing_of_use_is_a_sentence(program, line, received):
    with pytest.raises(RunError, match=f"^Expected of the.*{received}.$"):
        seconds_by_command(program(line), Path("n"))


def test_what_takes_too_long_is_ended_with_what_it_started(program, tmp_path):
    command = program(f"{LATER} wait")
    with pytest.raises(RunError, match="nothing in 0.5 seconds.$"):
        seconds_by_command(command, Path("n"), time_limit=0.5)
    assert not (tmp_path / "a program late").exists()
    wait_for_end(int((tmp_path / "a program child").read_text()))


def wait_for_end(process):
    deadline = time.monotonic() + 10
    while Path(f"/proc/{process}/cmdline").exists():
        # Ended, if nobody has asked for its exit code yet.
        if not Path(f"/proc/{process}/cmdline").read_bytes():
            break
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_it_leaves_behind_keeps_nobody_waiting(program, tmp_path):
    command = program(f"{LATER} echo 0.02")
    assert seconds_by_command(command, Path("n")) == 0.02
    assert not (tmp_path / "a program late").exists()
    wait_for_end(int((tmp_path / "a program child").read_text()))


@pytest.mark.parametrize(
    "command", ["", "no_such_program -x", "echo 'a", ["echo", "1"], 5]
)
def test_no_program_is_refused(command):
    with pytest.raises(ValueError, match="`latency_command`. Expected a prog"):
        command_words(command)


def test_a_program_that_cannot_be_run(program):
    path = program("echo 1").strip("'")
    Path(path).write_bytes(b"\0\1\2")
    os.chmod(path, 0o755)
    with pytest.raises(RunError, match="it cannot be run, "):
        seconds_by_command(f"'{path}'", Path("n"))


def test_a_network_is_exported_for_it(program):
    """A `saved_model` is a folder; the command sees it whole."""
    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.Conv2D(4, 3)(inputs)
    model = keras.Model(inputs, outputs)
    command = program('test -f "$1/saved_model.pb" && echo 0.25')
    found = measure_latency(model, runtime="saved_model", command=command)
    assert found == 0.25
