"""`kill -9` of `nasnet-train run` loses at most the epoch under way."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile

import h5py
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

EPOCHS = 6
COMMAND = (
    "run --model nasnet_a_cifar_nano --repeats 1 --filters 4 "
    f"--image-size 8 --train-images 64 --recipe cifar --epochs {EPOCHS} "
    "--batch-size 16 --cutout 2 --auxiliary-weight 0 --seed 3"
)
TIMEOUT = 300


@pytest.fixture
def photographs(tmp_path):
    """Handwritten digits as files."""
    digits = load_digits()
    for number, digit in enumerate(digits.images[:300]):
        folder = tmp_path / "photographs" / f"{digits.target[number]}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray((15 * digit).astype(np.uint8)).save(
            folder / f"{number}.png"
        )
    return tmp_path / "photographs"


def start(folder, data):
    script = "import sys; from zoo.train_cli import main; sys.exit(main())"
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            script,
            *COMMAND.split(),
            *data,
            "--output",
            folder,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
    )


def kill(process, folder, epochs):
    """Kills it as soon as so many epochs are recorded."""
    history = folder / "history.json"
    deadline = time.monotonic() + TIMEOUT
    while not history.exists() or len(json.loads(history.read_text())) < epochs:
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def finish(folder, data):
    process = start(folder, data)
    output, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, output
    history = json.loads((folder / "history.json").read_text())
    for epoch in history:
        del epoch["seconds"]
    return history, arrays(folder / "model.keras")


def arrays(path):
    found = {}
    with zipfile.ZipFile(path) as archive:
        with archive.open("model.weights.h5") as file, h5py.File(file) as data:
            data.visititems(
                lambda name, item: (
                    found.update({name: np.asarray(item)})
                    if isinstance(item, h5py.Dataset)
                    else None
                )
            )
    return found


@pytest.mark.large
@pytest.mark.parametrize("streamed", [False, True])
def test_a_killed_training_ends_as_one_that_was_not(
    streamed, tmp_path, photographs
):
    data, before = ["--dataset", "digits"], []
    if streamed:
        data, before = ["--dataset", photographs, "--stream"], ["--no-stream"]
    history, whole = finish(tmp_path / "whole", data + before)
    assert len(history) == EPOCHS
    killed = tmp_path / "killed"
    for epochs in (1, 3):
        kill(start(killed, data), killed, epochs)
        assert not (killed / "model.keras").exists()
        assert len(json.loads((killed / "history.json").read_text())) < EPOCHS
    again, weights = finish(killed, data)
    assert again == history
    assert weights.keys() == whole.keys()
    for name in whole:
        np.testing.assert_array_equal(weights[name], whole[name])
