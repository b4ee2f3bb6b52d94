import keras
import numpy as np
import pytest

from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.network.build import build_network
from nasnet_keras.training import checkpoint
from nasnet_keras.training.checkpoint import (
    epochs_taken,
    restore_training,
    save_training,
    steps_taken,
)
from nasnet_keras.training.data.pipeline import training_pipeline
from nasnet_keras.training.recipes import Recipe
from nasnet_keras.training.train import compile_network, train

CELL = CellSpec((Block((0, 1), ("sep_conv_3x3", "avg_pool_3x3")),))
RECIPE = Recipe(epochs=4, batch_size=8, learning_rate=0.1, l2=1e-3)
STEPS = 2
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (16, 8, 8, 3), np.uint8)
LABELS = RNG.integers(0, 3, 16)


def network(seed):
    keras.utils.set_random_seed(seed)
    model = build_network(
        Genotype(CELL, CELL),
        input_shape=(8, 8, 3),
        classes=3,
        repeats=1,
        filters=2,
        dropout=0.5,
        drop_path_rate=0.5,
        drop_path_steps=RECIPE.epochs * STEPS,
    )
    compile_network(model, RECIPE, STEPS)
    return model


def fit(model, first, epochs):
    batches = training_pipeline(IMAGES, LABELS, 8, seed=5, first_epoch=first)
    return train(model, batches, RECIPE, STEPS, (), first, epochs)["loss"]


@pytest.mark.large
def test_a_training_goes_on_as_if_it_had_never_stopped(tmp_path):
    """Weights, momenta, the schedules' clocks, what is dropped, and the
    batches: all are where they were."""
    path = tmp_path / "training.weights.h5"
    whole = network(seed=1)
    losses = fit(whole, 0, 4)
    parts = network(seed=1)
    fit(parts, 0, 2)
    save_training(parts, path, epochs=2)
    assert epochs_taken(path) == 2
    other = network(seed=2)
    restore_training(other, path)
    assert int(other.optimizer.iterations) == steps_taken(path) == 2 * STEPS
    assert fit(other, 2, 4) == losses[2:]
    for ours, theirs in zip(other.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_file_is_one_that_keras_reads(tmp_path):
    path = tmp_path / "training.weights.h5"
    saved = network(seed=1)
    save_training(saved, path)
    loaded = network(seed=2)
    loaded.load_weights(path)
    np.testing.assert_array_equal(loaded.weights[0], saved.weights[0])


def test_a_kill_while_it_is_written_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "training.weights.h5"
    model = network(seed=1)
    save_training(model, path)
    before = path.read_bytes()

    def killed(file):
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "sync", killed)
    model.optimizer.iterations.assign(9)
    with pytest.raises(KeyboardInterrupt):
        save_training(model, path)
    assert path.read_bytes() == before


def test_a_disk_that_is_too_full_is_noticed_before(tmp_path, monkeypatch):
    """HDF5's library would crash."""
    path = tmp_path / "training.weights.h5"
    asked = []
    monkeypatch.setattr(
        checkpoint, "check_room", lambda folder, size: asked.append(size)
    )
    save_training(network(seed=1), path)
    assert path.stat().st_size <= asked[0] < 3 * path.stat().st_size

    def full(folder, size):
        raise OSError("No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr(checkpoint, "check_room", full)
    with pytest.raises(OSError, match="No space left"):
        save_training(network(seed=2), path)
    assert path.read_bytes() == before
