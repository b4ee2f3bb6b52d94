import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.network.build import build_network
from nasnet_keras.training.data.pipeline import (
    evaluation_pipeline,
    recipe_pipeline,
    training_pipeline,
)
from nasnet_keras.training.process_state import kept_process_state
from nasnet_keras.training.recipes import Recipe
from nasnet_keras.training.train import (
    compile_network,
    prepare_long_trainings,
    prepare_short_trainings,
    train,
)

CELL = CellSpec((Block((0, 1), ("conv_3x3", "identity")),))
STEPS = 6
RECIPE = Recipe(
    epochs=3,
    batch_size=16,
    learning_rate=0.1,
    l2=1e-4,
    clip_norm=5.0,
    auxiliary_weight=0.4,
)


def network(auxiliary_head=False, side=8, cell=CELL, **arguments):
    keras.utils.set_random_seed(0)
    return build_network(
        Genotype(cell, cell),
        (side, side, 1),
        classes=2,
        repeats=1,
        filters=4,
        auxiliary_head=auxiliary_head,
        **arguments,
    )


def bright_or_dark(side=8):
    """A problem that any network solves: batches without end."""
    rng = np.random.default_rng(0)
    labels = np.arange(STEPS * RECIPE.batch_size, dtype=np.int32) % 2
    images = rng.integers(0, 128, (len(labels), side, side, 1))
    images += 127 * labels[:, None, None, None]
    return training_pipeline(
        images.astype(np.uint8), labels, RECIPE.batch_size, augmentation="none"
    )


class Traces:
    """Counts how often a model's training step is traced."""

    def __init__(self, model):
        self.count = 0
        self.step = model.train_step
        model.train_step = self

    def __call__(self, data):
        self.count += 1
        return self.step(data)


@pytest.mark.large
@pytest.mark.parametrize("weights", [None, np.array([0.5, 1.5])])
def test_images_that_are_mixed_are_learnt_and_measured(weights):
    """With both heads, and validation on labels that are not mixed."""
    recipe = dataclasses.replace(RECIPE, epochs=2, mixup=0.2, cutmix=1.0)
    rng = np.random.default_rng(0)
    labels = np.arange(32, dtype=np.int32) % 2
    images = rng.integers(0, 256, (32, 16, 16, 1), np.uint8)
    batches = recipe_pipeline(recipe, "noise", images, labels, 0, 0)
    model = network(True, 16)
    compile_network(model, recipe, 2)
    history = train(
        model,
        batches,
        recipe,
        2,
        validation=evaluation_pipeline(images, labels),
        class_weights=weights,
    )
    assert np.isfinite([*history.values()]).all()
    found = model.predict(images / 127.5 - 1.0, verbose=0)["predictions"]
    expected = np.mean(found.argmax(1) == labels)
    assert history["val_predictions_accuracy"][-1] == pytest.approx(expected)


@pytest.mark.parametrize("auxiliary_head", [False, True])
@pytest.mark.one_in(2)
def test_the_loss_falls_and_the_step_is_traced_once(auxiliary_head):
    side = 16 if auxiliary_head else 8
    total = RECIPE.epochs * STEPS
    model = network(
        auxiliary_head, side, drop_path_rate=0.1, drop_path_steps=total
    )
    compile_network(model, RECIPE, STEPS)
    traces, epochs = Traces(model), []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: epochs.append(epoch)
    )
    history = train(model, bright_or_dark(side), RECIPE, STEPS, [callback])
    assert traces.count == 1
    assert epochs == [0, 1, 2]
    names = {"loss", "accuracy"}
    if auxiliary_head:
        names = {
            "loss",
            "predictions_loss",
            "auxiliary_predictions_loss",
            "predictions_accuracy",
        }
    assert set(history) == names
    assert {len(values) for values in history.values()} == {RECIPE.epochs}
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    if auxiliary_head:
        assert history["loss"][0] == pytest.approx(
            history["predictions_loss"][0]
            + RECIPE.auxiliary_weight
            * history["auxiliary_predictions_loss"][0],
            rel=1e-5,
        )
    # Along a half cosine to nothing.
    assert model.optimizer.iterations.numpy() == total
    assert model.get_layer("cell_0").drop_path.step.numpy() == total
    assert float(model.optimizer.learning_rate) == pytest.approx(0, abs=1e-6)


@pytest.mark.large
def test_a_step_is_that_of_keras():
    """As Keras would make its graph, and on a batch of arrays too."""
    images, labels = next(iter(bright_or_dark()))
    found = []
    for own in (True, False):
        model = network()
        compile_network(model, RECIPE, STEPS)
        if not own:
            model.train_function = None
        history = train(model, bright_or_dark(), RECIPE, STEPS, epochs=1)
        one = model.train_on_batch(np.array(images), np.array(labels))
        found.append([*history.values(), *one, *model.get_weights()])
    for ours, expected in zip(*found, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("setting", "value", "calls"),
    [("run_eagerly", True, STEPS), ("steps_per_execution", 2, STEPS / 2)],
)
@pytest.mark.one_in(2)
def test_what_is_set_after_compiling_is_kept(setting, value, calls):
    """Each call of the training function is then as Keras makes it."""
    model = network()
    compile_network(model, RECIPE, STEPS)
    ours, batches = model.train_function, []
    setattr(model, setting, value)
    callback = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: batches.append(batch)
    )
    train(model, bright_or_dark(), RECIPE, STEPS, [callback], epochs=1)
    assert model.train_function is not ours
    assert model.optimizer.iterations.numpy() == STEPS
    assert len(batches) == calls


@pytest.mark.large
def test_xla_may_be_set_after_compiling():
    model = network()
    compile_network(model, RECIPE, STEPS)
    ours = model.train_function
    model.jit_compile = True
    history = train(model, bright_or_dark(), RECIPE, STEPS)
    assert model.train_function is not ours
    assert history["loss"][-1] < history["loss"][0]


def test_the_optimizer_is_the_recipes():
    model = network()
    compile_network(model, RECIPE, STEPS)
    config = model.optimizer.get_config()
    assert config["momentum"] == RECIPE.momentum
    assert config["l2"] == RECIPE.l2
    assert config["global_clipnorm"] == RECIPE.clip_norm
    schedule = model.optimizer._learning_rate
    assert schedule.initial_learning_rate == RECIPE.learning_rate
    assert schedule.decay_steps == RECIPE.epochs * STEPS


@pytest.mark.large
def test_a_cell_that_reads_one_input_trains_without_a_word():
    """Whole cells are then without effect and have no gradient."""
    cell = CellSpec((Block((1, 1), ("sep_conv_3x3", "identity")),))
    model = network(cell=cell)
    compile_network(model, RECIPE, STEPS)
    history = train(model, bright_or_dark(), RECIPE, STEPS)
    assert history["loss"][-1] < history["loss"][0]


@pytest.mark.parametrize("auxiliary_head", [False, True])
@pytest.mark.large
def test_classes_have_weights(auxiliary_head):
    """Of both losses, and of nothing that is only measured."""
    side = 16 if auxiliary_head else 8
    recipe = dataclasses.replace(RECIPE, epochs=1, learning_rate=1e-9)
    model = network(auxiliary_head, side)
    found = []
    for weights in (None, [2.0, 0.0], [0.0, 2.0]):
        compile_network(model, recipe, STEPS)
        history = train(
            model,
            bright_or_dark(side),
            recipe,
            STEPS,
            class_weights=weights and np.array(weights),
        )
        found.append({name: value[0] for name, value in history.items()})
    alike, one, other = found
    for name in alike:
        if name.endswith("loss"):
            assert one[name] + other[name] == pytest.approx(2 * alike[name])
            assert one[name] != pytest.approx(alike[name], rel=1e-3)
        else:
            assert one[name] == alike[name]


class FakeGPUs:
    """Two GPUs, of which one cannot be set up any more."""

    def __init__(self, monkeypatch, refusals=(None, None)):
        self.grown = []
        self.refusals = dict(zip(("GPU:0", "GPU:1"), refusals, strict=True))
        config = tf.config
        monkeypatch.setattr(config, "list_physical_devices", self.devices)
        monkeypatch.setattr(config.experimental, "set_memory_growth", self.grow)

    def devices(self, kind=None):
        return list(self.refusals) if kind == "GPU" else []

    def grow(self, device, enable):
        if self.refusals[device]:
            raise self.refusals[device]
        self.grown.append((device, enable))


@pytest.mark.parametrize(
    "prepare", [prepare_long_trainings, prepare_short_trainings]
)
def test_trainings_take_of_a_gpu_what_they_need(monkeypatch, prepare):
    gpus = FakeGPUs(monkeypatch)
    with kept_process_state():
        prepare()
    assert gpus.grown == [("GPU:0", True), ("GPU:1", True)]


def test_gpus_that_work_or_are_divided_stay_as_they_are(monkeypatch):
    gpus = FakeGPUs(monkeypatch, (RuntimeError("begun"), None))
    prepare_short_trainings(False)
    assert gpus.grown == [("GPU:1", True)]
    gpus = FakeGPUs(monkeypatch, (ValueError("divided"), None))
    prepare_short_trainings(False)
    assert gpus.grown == [("GPU:1", True)]
