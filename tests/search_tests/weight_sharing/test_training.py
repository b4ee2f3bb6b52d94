import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from nasnet_keras.console.command_line import RunError
from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.network.build import build_network
from nasnet_keras.training.recipes import RECIPES
from nasnet_keras.training.train import compile_network
from search.spaces.nasnet import NASNetSpace
from search.weight_sharing.subnetwork import Subnetwork
from search.weight_sharing.training import PathTraining

RECIPE = dataclasses.replace(
    RECIPES["search-proxy"],
    epochs=3,
    batch_size=8,
    # Kernels of the depth of these gradients are clipped.
    clip_norm=0.5,
    drop_path_rate=0.0,
)
STEPS = 2  # of an epoch
SPACE = NASNetSpace(blocks=1, combiners=("add",))

# Reads both inputs, and a state of each combiner.
CELL = CellSpec(
    (
        Block((0, 1), ("sep_conv_3x3", "conv_3x3"), "concat"),
        Block((2, 0), ("avg_pool_3x3", "identity"), "add"),
    )
)
GENOTYPE = Genotype(CELL, CELL)
RNG = np.random.default_rng(3)
IMAGES = RNG.normal(size=(16, 8, 8, 3)).astype("float32")
LABELS = RNG.integers(4, size=16).astype("int32")


def batches(first_step):
    data = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS))
    return data.batch(8).repeat().skip(first_step)


def draw(step):
    return SPACE.decode(SPACE.sample(np.random.default_rng(step)))


@pytest.fixture
def create(create_network):
    """Trainings of the smallest network, which all begin as one."""

    def create(recipe=RECIPE):
        network = create_network(SPACE)
        return PathTraining(network, recipe, STEPS, batches, draw)

    return create


def values(training):
    return {name: np.array(variable) for name, variable in training.variables()}


@pytest.mark.large
def test_a_step_is_that_of_the_network_alone(create_network, as_trained):
    """Weights and momentum, over two steps of one cell."""
    network = create_network()
    training = PathTraining(
        network, RECIPE, STEPS, batches, lambda step: GENOTYPE
    )
    alone = build_network(GENOTYPE, (8, 8, 3), 4, repeats=1, filters=2)
    subnetwork = Subnetwork(network, GENOTYPE)
    subnetwork.copy_to(alone)
    model = as_trained(alone, subnetwork, "softmax")
    compile_network(model, RECIPE, STEPS)
    for images, labels in batches(0).take(2):
        loss = training.step(images, labels)
        expected = model.train_on_batch(images, labels, return_dict=True)
        model.reset_metrics()
        assert loss == pytest.approx(expected["loss"], rel=1e-5)
    subnetwork = Subnetwork(network, GENOTYPE)
    other = keras.models.clone_model(alone)
    subnetwork.copy_to(other)
    after = as_trained(other, subnetwork)
    for expected, found in zip(
        model.trainable_variables, after.trainable_variables, strict=True
    ):
        np.testing.assert_allclose(
            found, expected, rtol=1e-4, atol=1e-5, err_msg=expected.path
        )


def test_nothing_else_is_changed(create):
    training = create()
    before = values(training)
    images, labels = next(iter(batches(0)))
    training.step(images, labels)
    taken = {}
    for layer in Subnetwork(training.network, draw(0)).layers:
        for table, index in zip(
            layer.weight_slice.tables, layer.weight_slice.indices, strict=True
        ):
            taken.setdefault(table.path, []).append(np.atleast_1d(index))
    changed = 0
    for name, after in values(training).items():
        rows = taken.get(name.partition("/")[2], [np.array([], int)])
        others = np.setdiff1d(np.arange(len(after)), np.concatenate(rows))
        np.testing.assert_array_equal(after[others], before[name][others])
        changed += not np.array_equal(after, before[name])
    assert changed > 20


@pytest.mark.large
@pytest.mark.usefixtures("deterministic")
def test_a_training_goes_on_as_if_never_stopped(create, tmp_path, monkeypatch):
    recipe = dataclasses.replace(RECIPE, drop_path_rate=0.5)
    whole = create(recipe)
    whole.run()

    class Killed(BaseException):
        pass

    stopped = create(recipe)
    path = tmp_path / "shared.npz"
    monkeypatch.setattr("search.weight_sharing.training.CHECKPOINT_SECONDS", 0)
    step = stopped.step

    def killed(images, labels):
        if stopped.steps == 3:
            raise Killed
        return step(images, labels)

    stopped.step = killed
    with pytest.raises(Killed):
        stopped.run(path)
    resumed = create(recipe)
    resumed.run(path)
    assert resumed.steps == 6
    expected = values(whole)
    for name, value in values(resumed).items():
        np.testing.assert_array_equal(value, expected[name])


@pytest.mark.parametrize("damage", ["cut", "noise", "other"])
def test_a_damaged_file_is_a_sentence(create, tmp_path, damage):
    path = tmp_path / "shared.npz"
    training = create()
    training.save(path)
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "noise":
        path.write_bytes(RNG.bytes(1000))
    else:
        np.savez(path, steps=3)
    with pytest.raises(RunError, match=r"is damaged, or of another shared"):
        training.run(path)


def test_a_loss_that_is_no_number_ends_the_training(create):
    training = create()
    kernel, _ = training.network.classifier.tables
    kernel.assign(np.full(kernel.shape, np.nan))
    with pytest.raises(RunError, match="diverged at step 1"):
        training.run()
