import dataclasses
import io
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import ExifTags, Image
from rich.console import Console
from tensorflow.python.framework import config

from nasnet_keras.architectures import find_kind, to_data
from nasnet_keras.console.command_line import InputError, RunError
from nasnet_keras.files import locked
from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.network.build import load_model
from nasnet_keras.training import run
from nasnet_keras.training.data.holding import Holding
from nasnet_keras.training.progress import Progress
from nasnet_keras.training.recipes import Recipe
from nasnet_keras.training.run import (
    best_epoch,
    load_settings,
    read_history,
    run_training,
)
from nasnet_keras.training.settings import TrainingSettings, load_data

SCENARIO = Path(__file__).parent / "replicas_scenario.py"

CELL = CellSpec((Block((0, 1), ("conv_3x3", "identity")),))
PLAIN = Recipe(epochs=3, batch_size=8, learning_rate=0.05, dropout=0.5)
# A recipe, and in which epochs it is broken off, each counted from there.
BROKEN_OFF = {
    "momentum": (PLAIN, [2]),
    "two phases": (dataclasses.replace(PLAIN, frozen_epochs=1), [2, 2]),
    "averaged": (
        dataclasses.replace(
            PLAIN,
            optimizer="rmsprop",
            learning_rate=0.01,
            schedule="exponential",
            average_weights=0.9,
            label_smoothing=0.1,
        ),
        [3],
    ),
    "mixed": (
        dataclasses.replace(PLAIN, randaugment=2, mixup=0.2, cutmix=1.0),
        [2],
    ),
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Grey images that are bright or dark; no test images."""
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    images = (
        rng.integers(0, 128, (40, 8, 8, 1)) + 127 * labels[:, None, None, None]
    )
    path = tmp_path_factory.mktemp("data") / "images.npz"
    np.savez(path, x_train=images.astype(np.uint8), y_train=labels)
    return str(path)


@pytest.fixture
def settings(dataset):
    return TrainingSettings(
        dataset=dataset,
        network={
            "architecture": to_data(find_kind("nasnet"), Genotype(CELL, CELL)),
            "input_shape": [8, 8, 3],
            "repeats": 1,
            "filters": 2,
        },
        recipe=PLAIN,
        train_images=24,
        validation_images=8,
        seed=1,
    )


class Stop(keras.callbacks.Callback):
    """Breaks a training off when so many epochs have begun."""

    def __init__(self, epochs):
        super().__init__()
        self.left = epochs

    def on_train_batch_end(self, batch, logs=None):
        if not self.left:
            raise KeyboardInterrupt

    def on_epoch_begin(self, epoch, logs=None):
        self.left -= 1


def test_balanced_classes_count_alike(settings, tmp_path, monkeypatch):
    path, labels = tmp_path / "uneven.npz", np.arange(40) % 4 // 3
    np.savez(path, x=np.zeros((40, 8, 8, 1), np.uint8), y=labels)
    given = []

    def train(*arguments, class_weights, **keywords):
        given.append(class_weights)
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "train", train)
    for weights in ("balanced", None):
        chosen = dataclasses.replace(
            settings,
            dataset=str(path),
            class_weights=weights,
            train_images=None,
            validation_images=None,
        )
        with pytest.raises(KeyboardInterrupt):
            run_training(tmp_path / str(weights), chosen)
    # A tenth of each class is held out.
    np.testing.assert_allclose(given[0] * [27, 9], 18)
    assert given[1] is None


@pytest.fixture
def photographs(tmp_path):
    """Bright ones and dark ones of differing sizes, some turned by a note."""
    rng = np.random.default_rng(0)
    for number in range(40):
        folder = tmp_path / "photographs" / ("dark", "bright")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        sides = rng.integers(8, 20, 2)
        pixels = rng.integers(0, 128, (*sides, 3)) + 127 * (number % 2)
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = 1 + number % 8
        Image.fromarray(pixels.astype(np.uint8)).save(
            folder / f"{number}.jpg", exif=exif
        )
    return tmp_path / "photographs"


@pytest.mark.large
def test_images_that_are_streamed_give_the_same_network(
    settings, photographs, tmp_path
):
    """Also where a training in memory is broken off and goes on streamed."""
    settings = dataclasses.replace(settings, dataset=str(photographs))
    ways = {
        "memory": Holding(stream=False),
        "cache": Holding(cache=tmp_path / "cache"),
    }
    folder = tmp_path / "both"
    with pytest.raises(KeyboardInterrupt):
        run_training(folder, settings, callbacks=[Stop(2)])
    models = [run_training(folder, settings, holding=Holding(stream=True))]
    for name, holding in ways.items():
        models.append(run_training(tmp_path / name, settings, holding=holding))
        assert metrics(tmp_path / name) == metrics(folder)
    for weights in zip(*(model.weights for model in models), strict=True):
        for other in weights[1:]:
            np.testing.assert_array_equal(weights[0], other)


def test_an_image_that_breaks_is_named(settings, photographs, tmp_path):
    settings = dataclasses.replace(settings, dataset=str(photographs))
    file = photographs / "dark" / "0.jpg"
    content = file.read_bytes()
    file.write_bytes(content[:-40])  # its header is whole
    settings = dataclasses.replace(
        settings, train_images=None, validation_images=None
    )
    holding = Holding(stream=True)
    with pytest.raises(
        ValueError, match=r"'dark/0.jpg' \(cut short\); .*--skip-broken"
    ):
        run_training(tmp_path / "run", settings, holding=holding)
    file.write_bytes(content[:-1] + b"?")
    with pytest.raises(InputError, match="are not those that the training"):
        run_training(tmp_path / "run", settings, holding=holding)


def metrics(folder):
    return [
        {name: value for name, value in entry.items() if name != "seconds"}
        for entry in read_history(folder)
    ]


@pytest.mark.parametrize(
    "name",
    [
        "momentum",
        *(
            pytest.param(name, marks=pytest.mark.large)
            for name in BROKEN_OFF
            if name != "momentum"
        ),
    ],
)
def test_a_training_goes_on_as_if_it_had_never_stopped(
    name, settings, tmp_path
):
    recipe, breaks = BROKEN_OFF[name]
    settings = dataclasses.replace(settings, recipe=recipe)
    whole = run_training(tmp_path / "whole", settings)
    parts = tmp_path / "parts"
    for begun in breaks:
        with pytest.raises(KeyboardInterrupt):
            run_training(parts, settings, callbacks=[Stop(begun)])
        assert not (parts / "model.keras").exists()
    model = run_training(parts, settings)
    assert [entry["epoch"] for entry in metrics(parts)] == [1, 2, 3]
    assert metrics(parts) == metrics(tmp_path / "whole")
    for ours, theirs in zip(model.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    # And once more: nothing is left to do.
    again = run_training(parts, settings, callbacks=[Stop(0)])
    assert not again.compiled
    np.testing.assert_array_equal(again.weights[0], whole.weights[0])
    assert sorted(file.name for file in parts.iterdir()) == [
        "config.json",
        "history.json",
        "lock",
        "model.keras",
    ]


def script(monkeypatch, accuracies):
    """Has the epochs of a training measure these validation accuracies."""
    left = iter(accuracies)

    def accuracy(metrics, prefix=""):
        if prefix:  # of the history
            return accuracies[int(metrics["epoch"]) - 1]
        return next(left)

    monkeypatch.setattr(run, "_accuracy", accuracy)


@pytest.mark.large
@pytest.mark.parametrize("frozen_epochs", [0, 2])
def test_the_best_epoch_is_kept(frozen_epochs, settings, tmp_path, monkeypatch):
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(self.model.get_weights())

    script(monkeypatch, [0.5, 0.7, 0.7, 0.6])
    settings = dataclasses.replace(
        settings,
        keep_best=True,
        recipe=dataclasses.replace(
            PLAIN, epochs=4, frozen_epochs=frozen_epochs
        ),
    )
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        # In the second phase, if there are two, or after three epochs.
        stop = Stop(2 if frozen_epochs else 3)
        run_training(folder, settings, callbacks=[Watch(), stop])
    model = run_training(folder, settings, callbacks=[Watch()])
    assert len(seen) == 4 and not (folder / "best.npz").exists()
    for weight, best in zip(model.get_weights(), seen[1], strict=True):
        np.testing.assert_array_equal(weight, best)
    assert (seen[1][-1] != seen[3][-1]).any()
    assert best_epoch(read_history(folder)) == (2, 0.7)


@pytest.mark.large
def test_of_averaged_weights_the_averages_are_kept(
    settings, tmp_path, monkeypatch
):
    settings = dataclasses.replace(settings, recipe=BROKEN_OFF["averaged"][0])
    last = run_training(tmp_path / "last", settings)
    script(monkeypatch, [0.5, 0.6, 0.7])
    settings = dataclasses.replace(settings, keep_best=True)
    best = run_training(tmp_path / "best", settings)
    for one, other in zip(best.weights, last.weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.large
def test_a_training_that_gets_no_better_ends(settings, tmp_path, monkeypatch):
    class Break(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            raise KeyboardInterrupt

    script(monkeypatch, [0.5, 0.7, 0.6, 0.7, 0.9, 0.9])
    settings = dataclasses.replace(
        settings,
        early_stopping=2,
        recipe=dataclasses.replace(PLAIN, epochs=6),
    )
    folder = tmp_path / "run"
    # Also where it was killed after its last epoch.
    with pytest.raises(KeyboardInterrupt):
        run_training(folder, settings, callbacks=[Break()])
    for _ in range(2):
        run_training(folder, settings)
        assert len(read_history(folder)) == 4


@pytest.mark.parametrize("name", ["keep_best", "early_stopping"])
def test_what_goes_by_validation_needs_some(name, settings, tmp_path):
    settings = dataclasses.replace(
        settings, validation_images=None, **{name: 1}
    )
    with pytest.raises(ValueError, match=f"`{name}` needs .*`validation_im"):
        run_training(tmp_path / "run", settings)


@pytest.mark.large
def test_a_frozen_phase_teaches_the_classifier_alone(settings, tmp_path):
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append([np.array(weight) for weight in self.model.weights])

    def changed(before, after):
        return {
            weight.path.split("/")[0]
            for weight, old, new in zip(
                model.weights, before, after, strict=True
            )
            if (old != new).any()
        }

    recipe = dataclasses.replace(PLAIN, epochs=3, frozen_epochs=2)
    settings = dataclasses.replace(settings, recipe=recipe)
    first = []

    def initialise(model):
        first.extend(np.array(weight) for weight in model.weights)

    model = run_training(tmp_path / "run", settings, initialise, [Watch()])
    assert changed(first, seen[1]) == {"logits"}  # no moving statistics
    assert {"cell_0", "stem_convolution"} <= changed(seen[1], seen[2])
    assert all(layer.trainable for layer in model.layers)
    probe = dataclasses.replace(recipe, epochs=1, frozen_epochs=1)
    model = run_training(
        tmp_path / "probe",
        dataclasses.replace(settings, recipe=probe),
        initialise,
    )
    ends = [np.array(weight) for weight in model.weights]
    assert changed(first[-len(ends) :], ends) == {"logits"}


@pytest.mark.large
def test_averaged_weights_are_what_it_ends_with(settings, tmp_path):
    """Those of `keras.optimizers`: the first step's, then half the average
    and half the new."""
    steps = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            steps.append(np.array(self.model.get_layer("logits").kernel))

    recipe = dataclasses.replace(PLAIN, average_weights=0.5, epochs=1)
    settings = dataclasses.replace(settings, recipe=recipe)
    model = run_training(tmp_path / "run", settings, callbacks=[Watch()])
    average = steps[0]
    for kernel in steps[1:]:
        average = 0.5 * average + 0.5 * kernel
    np.testing.assert_allclose(
        model.get_layer("logits").kernel, average, rtol=1e-5, atol=1e-7
    )


def test_images_are_held_out_and_brought_into_colour(settings):
    data = load_data(settings)
    assert data.train.images.shape == (24, 8, 8, 3)
    assert data.validation.images.shape == (8, 8, 8, 3)
    assert data.test.images.shape == (4, 8, 8, 3)
    parts = [data.train, data.validation, data.test]
    distinct = {image.tobytes() for part in parts for image in part.images}
    assert len(distinct) == 36
    # Always the same, whatever else.
    other = load_data(
        dataclasses.replace(
            settings, seed=2, train_images=None, validation_images=None
        )
    )
    assert len(other.train) == 36
    np.testing.assert_array_equal(other.test.images, data.test.images)


@pytest.mark.large
def test_the_auxiliary_head_is_left_out_in_the_end(settings, tmp_path):
    settings = dataclasses.replace(
        settings,
        network={**settings.network, "input_shape": [16, 16, 3]},
        recipe=dataclasses.replace(PLAIN, epochs=1, auxiliary_weight=0.4),
    )
    model = run_training(tmp_path / "run", settings)
    assert model.output_shape == (None, 2)
    (entry,) = read_history(tmp_path / "run")
    assert "val_auxiliary_predictions_loss" in entry
    images = np.zeros((1, 16, 16, 3))
    np.testing.assert_array_equal(
        load_model(tmp_path / "run" / "model.keras")(images), model(images)
    )


def test_a_training_by_hand_computes_the_same_every_time(settings, tmp_path):
    during = []

    class Watch(Stop):
        def on_epoch_begin(self, epoch, logs=None):
            super().on_epoch_begin(epoch, logs)
            during.append(config.is_op_determinism_enabled())

    with pytest.raises(KeyboardInterrupt):
        run_training(tmp_path / "run", settings, callbacks=[Watch(1)])
    assert during == [True]
    assert not config.is_op_determinism_enabled()


@pytest.mark.large
def test_a_training_goes_on_as_tensorflow_computed_before(
    settings, tmp_path, monkeypatch
):
    with pytest.raises(KeyboardInterrupt):
        run_training(tmp_path / "run", settings, callbacks=[Stop(1)])
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "SSE41")
    with pytest.raises(InputError, match="as the run began. Received: 'SSE41'"):
        run_training(tmp_path / "run", settings)


@pytest.mark.large
def test_other_settings_are_refused(settings, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run_training(folder, settings, callbacks=[Stop(1)])
    other = dataclasses.replace(
        settings, seed=2, recipe=dataclasses.replace(PLAIN, epochs=4)
    )
    with pytest.raises(InputError, match="begun with other seed, epochs"):
        run_training(folder, other)
    record = json.loads((folder / "config.json").read_text())
    assert load_settings(folder) == settings
    record["data"] = "other"
    (folder / "config.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match="are not those that the training"):
        run_training(folder, settings)


def test_a_training_killed_before_its_record_goes_on(settings, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "lock").touch()
    (folder / ".config.json").write_text("{")
    (folder / "mine").touch()
    with pytest.raises(InputError, match="new or empty"):
        run_training(folder, settings, until=1)
    (folder / "mine").unlink()
    run_training(folder, settings, until=1)
    assert len(read_history(folder)) == 1


def test_what_a_kill_left_is_deleted(settings, tmp_path):
    folder = tmp_path / "run"
    settings = dataclasses.replace(
        settings, recipe=dataclasses.replace(PLAIN, epochs=1)
    )
    run_training(folder, settings)
    (folder / "phase_0.weights.h5").touch()
    run_training(folder, settings)
    assert not (folder / "phase_0.weights.h5").exists()


def test_nothing_is_left_of_images_that_are_cut_out(settings, tmp_path):
    recipe = dataclasses.replace(PLAIN, cutout=8)
    settings = dataclasses.replace(settings, recipe=recipe)
    with pytest.raises(ValueError, match="`cutout`. Expected less than 8"):
        run_training(tmp_path / "run", settings)
    assert not (tmp_path / "run").exists()


def test_one_process_at_a_time(settings, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run_training(folder, settings, callbacks=[Stop(1)])
    with locked(folder / "lock", ""):
        with pytest.raises(InputError, match="Another process is training"):
            run_training(folder, settings)


def test_the_display_ends_with_the_training_however_it_ends(settings, tmp_path):
    class Ended(Progress):
        count = 0

        def end(self):
            super().end()
            self.count += 1

    progress = Ended(3, Console(file=io.StringIO(), force_terminal=True))
    with pytest.raises(KeyboardInterrupt):
        run_training(tmp_path, settings, callbacks=[Stop(1)], progress=progress)
    assert progress.count == 1
    assert progress._bar is None


def test_images_may_be_held_out_by_a_seed_of_their_own(settings):
    first, second, third = (
        load_data(dataclasses.replace(settings, seed=seed, split_seed=split))
        for seed, split in ((0, None), (1, 0), (1, None))
    )
    assert first.fingerprint == second.fingerprint != third.fingerprint


def test_a_training_that_diverges_says_so(settings, tmp_path):
    recipe = dataclasses.replace(PLAIN, learning_rate=1e38)
    settings = dataclasses.replace(settings, recipe=recipe)
    with pytest.raises(RunError, match="diverged in epoch"):
        run_training(tmp_path / "run", settings)
    assert not (tmp_path / "run" / "model.keras").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_images": 4}, "at most the number of images to train on, 4"),
        ({"dataset": "nowhere"}, "Received: source='nowhere'"),
        ({"network": {"input_shape": [8, 16, 3]}}, "height equal"),
        ({"network": {"input_shape": [8, 8, 10**9]}}, "from 1 to 10,000"),
        ({"network": {"input_shape": "abc"}}, "from 1 to 10,000. .*'abc'"),
        ({"network": {"filters": 0}}, "`filters`"),
    ],
)
def test_what_cannot_be_trained_leaves_no_folder(
    change, message, settings, tmp_path
):
    if "network" in change:
        change = {"network": {**settings.network, **change["network"]}}
    with pytest.raises(ValueError, match=message):
        run_training(tmp_path / "run", dataclasses.replace(settings, **change))
    assert list(tmp_path.iterdir()) == []


def test_weights_that_do_not_fit_leave_no_folder(settings, tmp_path):
    def refuse(model):
        raise ValueError("another network")

    with pytest.raises(ValueError, match="another network"):
        run_training(tmp_path / "run", settings, refuse)
    assert list(tmp_path.iterdir()) == []


def test_an_output_within_the_images_is_refused(
    settings, photographs, tmp_path, monkeypatch
):
    monkeypatch.chdir(photographs.parent)
    settings = dataclasses.replace(settings, dataset=photographs.name)
    with pytest.raises(InputError, match="not in the folder of the images"):
        run_training(photographs / "run", settings)
    assert not (photographs / "run").exists()


def test_a_folder_that_cannot_be_made_is_a_sentence(settings, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="Cannot make the folder"):
        run_training(tmp_path / "file" / "run", settings)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"schema": 0}', '{"schema": 1, "settings": {"recipe": 1}}'],
)
def test_a_broken_record_is_a_sentence(text, tmp_path):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(InputError, match="config.json"):
        load_settings(tmp_path)
    with pytest.raises(InputError, match="has no config.json"):
        load_settings(tmp_path / "other")


@pytest.mark.large
def test_mixed_precision(settings, tmp_path):
    settings = dataclasses.replace(
        settings,
        dtype="mixed_bfloat16",
        recipe=dataclasses.replace(PLAIN, epochs=1),
    )
    model = run_training(tmp_path / "run", settings)
    assert model.get_layer("cell_0").compute_dtype == "bfloat16"
    assert tf.as_dtype(model(np.zeros((1, 8, 8, 3))).dtype) == tf.float32
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.large
def test_two_replicas_train_as_one(tmp_path):
    """Batch norms count the whole batch, the penalty counts once, and the
    norm that is clipped is that of the sum: within float32's rounding."""
    rng = np.random.default_rng(0)
    dataset = tmp_path / "noise.npz"
    images = rng.integers(0, 256, (40, 8, 8, 3), np.uint8)
    np.savez(dataset, x_train=images, y_train=np.arange(40) % 2)
    losses = []
    for replicas in (1, 2):
        folder = tmp_path / f"{replicas}"
        completed = subprocess.run(
            [sys.executable, SCENARIO, f"{replicas}", dataset, folder],
            capture_output=True,
            text=True,
            check=True,
        )
        losses.append(json.loads(completed.stdout.splitlines()[-1]))
    np.testing.assert_allclose(*losses, rtol=1e-5)
    assert load_model(tmp_path / "2" / "model.keras").output_shape == (None, 2)


def test_replicas_without_devices_are_refused(settings, tmp_path):
    settings = dataclasses.replace(settings, replicas=4)
    with pytest.raises(ValueError, match="of at most the number of devices, 1"):
        run_training(tmp_path / "run", settings)


@pytest.mark.parametrize(
    "text",
    [
        *("{", "{}", '""', '{"a": 1}'),
        *("[1]", "[{}]", '[{"seconds": "x"}]', "[[[["),
    ],
)
def test_a_damaged_history_is_a_sentence(text, tmp_path):
    assert read_history(tmp_path) == []
    (tmp_path / "history.json").write_text(text)
    with pytest.raises(InputError, match="history.json is no history") as error:
        read_history(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "damage", [b"junk", pytest.param(b"", marks=pytest.mark.large)]
)
def test_a_damaged_state_is_a_sentence(settings, tmp_path, damage):
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run_training(folder, settings, callbacks=[_BreakOff()])
    (folder / "phase_0.weights.h5").write_bytes(damage)
    with pytest.raises(InputError, match="phase_0.weights.h5, is damaged: "):
        run_training(folder, settings)


class _BreakOff(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise KeyboardInterrupt
