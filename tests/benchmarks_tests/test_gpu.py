"""benchmarks/gpu.py, in small on a processor."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import pytest
import tensorflow as tf

from nasnet_keras.layers.operations import OPERATIONS

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import gpu

    return gpu


class Noisy(keras.layers.Layer):
    """Computes something else each time."""

    def call(self, inputs, training=None):
        return inputs * tf.random.uniform(())


class Refused(keras.layers.Layer):
    """Has no such gradient."""

    def call(self, inputs, training=None):
        if training:
            raise tf.errors.UnimplementedError(None, None, "No such kernel.")
        return inputs


def test_gradients_that_differ_are_found(gpu):
    images = tf.ones((2, 8, 8, 4))
    differs = {
        "noisy": lambda: gpu.gradients_differ(Noisy(), images),
        "plain": lambda: gpu.gradients_differ(
            OPERATIONS["conv_1x1"](4), images
        ),
        "refused": lambda: gpu.gradients_differ(Refused(), images),
    }
    noisy, refused, count = gpu.all_the_same("gradients", differs)
    assert noisy.what == "gradients: noisy" and "differ" in noisy.error
    assert refused.what == "gradients: refused"
    assert "No such kernel." in refused.error
    assert count.value == "1 of 3"


def test_without_a_gpu_only_small_is_run(gpu):
    if gpu.has_gpu():
        pytest.skip("there is a GPU")
    with pytest.raises(RuntimeError, match="--small"):
        gpu.prepare(small=False)


@pytest.mark.large
def test_every_part_runs_in_small(gpu, tmp_path):
    output = tmp_path / "figures.jsonl"
    # In small, Large is the network that Mobile is.
    parts = [name for name in gpu.PARTS if not name.startswith("large")]
    done = subprocess.run(
        [
            *(sys.executable, BENCHMARKS / "gpu.py", "--small"),
            *("--seconds", "3000", "--output", output, "--only", *parts),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert [row for row in rows if row["error"]] == [], done.stderr
    assert done.returncode == 0
    assert {row["part"] for row in rows} == set(parts)
    figures = {(row["part"], row["what"]): row["value"] for row in rows}
    assert figures["machine", "TensorFlow"] == tf.__version__
    assert {("machine", "device"), ("machine", "driver")} <= figures.keys()
    for what in ("gradients, float32", "augmented images"):
        same, count = figures["operations", f"{what}, the same"].split(" of ")
        assert same == count
    rates = [row["value"] for row in rows if row["unit"] == "images/s"]
    assert len(rates) > 20 and min(rates) > 0
