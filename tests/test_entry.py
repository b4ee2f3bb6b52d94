"""The commands as processes: how they begin, and how Ctrl-C ends them in
their first seconds."""

import os
import signal
import subprocess
import sys
import time

import pytest

COMMANDS = {
    "search": (
        "search.cli.entry:main",
        "run --dataset digits --output run --space-option blocks=1",
    ),
    "train": (
        "nasnet_auto.entry:train",
        "run --dataset digits --output run --model nasnet_a_cifar_nano",
    ),
    "deploy": (
        "zoo.entry:deploy",
        "nasnet_mobile --weights imagenet --format openvino --output x.xml",
    ),
    "auto": ("nasnet_auto.entry:main", "run digits --hours 1 --output run"),
}


def start(name, folder, arguments=None):
    place, usual = COMMANDS[name]
    module, function = place.split(":")
    program = f"import sys, {module}; sys.exit({module}.{function}())"
    arguments = usual.split() if arguments is None else arguments
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


@pytest.mark.large
@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.6, 0.8, 1.2, 2.0, 3.5])
@pytest.mark.parametrize("name", COMMANDS)
def test_ctrl_c_in_the_first_seconds_is_one_word(name, seconds, tmp_path):
    process = start(name, tmp_path)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    if process.returncode == 2 and name == "deploy":
        return  # Its weights are not here, and it has said so.
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert errors.startswith("Interrupted.")


def test_python_m_search_is_the_command(tmp_path):
    completed = subprocess.run(
        [sys.executable, "-m", "search", "--help"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert completed.returncode == 0, completed.stderr
    assert "nasnet-search" in completed.stdout


def test_closed_streams_are_no_files_of_the_command(tmp_path):
    program = "import sys; from search.cli.entry import main; sys.exit(main())"
    ended = subprocess.run(
        [
            *("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"),
            *(sys.executable, "-c", program, "status", "nowhere"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ended.returncode == 2


LONG = "n" * 300


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        *(("search", [c, LONG]) for c in ("status", "resume", "restore")),
        ("search", ["export", LONG, "--output", "x"]),
        ("search", ["retrain", LONG]),
        ("search", ["run", "--dataset", "digits", "--output", LONG]),
        ("search", ["report", LONG, "--output", "x"]),
        ("train", ["evaluate", LONG]),
        ("train", ["run", "--dataset", "digits", "--output", LONG]),
        ("deploy", [LONG, "--format", "onnx", "--output", "x.onnx"]),
    ],
)
@pytest.mark.one_in(3)
def test_a_name_that_is_too_long_is_a_sentence(name, arguments, tmp_path):
    process = start(name, tmp_path, arguments)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2, errors
    assert len(errors.splitlines()) == 1
    assert len(errors) < 500


def test_evaluate_looks_before_tensorflow_is_imported(tmp_path):
    # What is in the folder of a process is imported first.
    (tmp_path / "tensorflow.py").write_text("raise SystemExit('imported')")
    process = start("train", tmp_path, ["evaluate", "NOSUCH"])
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert errors.startswith("Expected the folder of a training. Received: NOS")
