"""The command `nasnet-auto`: what it prints, and what programs read of it."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from nasnet_auto import auto
from nasnet_auto.commands import cli
from nasnet_keras.deployment.classifier import as_classifier

NAMES = ["ant", "bee"]


@pytest.fixture
def run(tmp_path):
    """A finished run, of a network that tells dark from bright."""
    images = keras.Input((8, 8, 3))
    brightness = keras.layers.GlobalAveragePooling2D()(images)
    network = keras.Model(
        images, keras.layers.Dense(2, activation="softmax")(brightness)
    )
    network.layers[-1].set_weights([np.array([[-5.0, 5.0]] * 3), np.zeros(2)])
    as_classifier(network, NAMES).save(tmp_path / "model.keras")
    board = {"rows": [], "chosen": "it", "class_names": NAMES}
    (tmp_path / "leaderboard.json").write_text(json.dumps(board))
    return tmp_path


@pytest.fixture
def photographs(tmp_path):
    paths = []
    for name, value in (("dark", 20), ("bright", 230)):
        paths.append(tmp_path / f"{name}.png")
        Image.fromarray(np.full((30, 20, 3), value, np.uint8)).save(paths[-1])
    return paths


def call(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["nasnet-auto", *map(str, arguments)])
    return cli.main()


@pytest.mark.large
def test_a_folder_becomes_a_file_that_names_photographs(
    photographs, tmp_path, monkeypatch, capsys
):
    """The whole command, and the script that it leaves."""
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(auto, "MOST_EPOCHS", 8)
    for name, path in zip(NAMES, photographs, strict=True):
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True)
        value = int(np.asarray(Image.open(path)).mean())
        for number in range(40):
            pixels = np.full((16, 16, 3), value + number % 20 - 10, np.uint8)
            pixels[number % 16] = number  # No two are the same.
            Image.fromarray(pixels).save(folder / f"{number}.png")
    arguments = (
        *("run", tmp_path / "images", "--hours", "0.2", "--no-pretrained"),
        *("--format", "onnx", "--max-latency", "1"),
        *("--output", tmp_path / "run"),
    )
    assert call(monkeypatch, *arguments) == 0
    shown = capsys.readouterr().out
    for said in (
        "80 training images of 2 classes: ant 40, bee 40.",
        "The plan, in minutes: plain network 1.2, tuning 10.2",
        "Training plain network.",
        "model.onnx, predict.py, report.html",
    ):
        assert said in shown
    heading = next(row for row in shown.splitlines() if "parameters" in row)
    assert heading.split()[-5:] == [
        *("parameters", "ms", "size", "epochs", "minutes")
    ]
    script = tmp_path / "run" / "predict.py"
    named = subprocess.run(
        [sys.executable, script, *photographs], capture_output=True, text=True
    ).stdout.splitlines()
    assert [line.split("\t")[1] for line in named[::2]] == NAMES


def test_photographs_are_named(run, photographs, monkeypatch, capsys):
    assert call(monkeypatch, "predict", run, *photographs, "--top", 1) == 0
    dark, bright = capsys.readouterr().out.splitlines()
    assert dark.startswith(f"{photographs[0]}\tant ")
    assert bright.startswith(f"{photographs[1]}\tbee ")


def test_a_program_reads_json_and_nothing_else(
    run, photographs, monkeypatch, capsys
):
    monkeypatch.setattr("nasnet_keras.console.activity.SECONDS_BEFORE", 0.0)
    assert call(monkeypatch, "predict", run, *photographs, "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["classes"][0]["name"] for row in rows] == NAMES
    assert rows[0]["image"] == str(photographs[0])


def test_a_class_has_a_line_whatever_its_name(
    run, photographs, monkeypatch, capsys
):
    model = keras.models.load_model(run / "model.keras")
    as_classifier(model.layers[-2], ["an\tt", "b\nee"]).save(
        run / "model.keras"
    )
    assert call(monkeypatch, "predict", run, photographs[0]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 and lines[0].count("\t") == 2


def test_what_is_no_photograph_is_a_sentence(
    run, photographs, monkeypatch, capsys
):
    others = [run / "leaderboard.json", run / "nowhere.png", run]
    assert call(monkeypatch, "predict", run, photographs[0], *others) == 2
    error = " ".join(capsys.readouterr().err.split())
    reasons = ("text", "not there", "a folder")
    for path, reason in zip(others, reasons, strict=True):
        assert f"{path} ({reason})" in error


def test_a_run_that_has_not_ended_is_a_sentence(
    run, photographs, monkeypatch, capsys
):
    (run / "leaderboard.json").unlink()
    assert call(monkeypatch, "predict", run, *photographs) == 2
    assert "Finish it by the command" in capsys.readouterr().err


def test_a_format_that_is_unknown_is_a_sentence(tmp_path, monkeypatch, capsys):
    arguments = ("run", "digits", "--hours", 1, "--output", tmp_path / "run")
    assert call(monkeypatch, *arguments, "--format", "exe") == 2
    assert "Expected one of openvino" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
