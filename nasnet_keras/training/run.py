"""A training in a folder, which goes on by itself after a kill: `run_training`.

config.json             the settings, versions, the command
history.json            the metrics of each epoch
phase_K.weights.h5      the state of the training, as long as it lasts
model.keras             the trained network
lock                    held by the process that trains
"""

import dataclasses
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pydantic
import tensorflow as tf

from nasnet_keras.command import InputError, RunError, provenance
from nasnet_keras.files import check_free, locked, write_json
from nasnet_keras.genotype import Genotype
from nasnet_keras.network import build_network, dtype_policy, load_model
from nasnet_keras.training.checkpoint import (
    restore_training,
    save_training,
    steps_of,
)
from nasnet_keras.training.datasets import (
    ImageDataset,
    LabelledImages,
    load_dataset,
)
from nasnet_keras.training.pipeline import (
    default_augmentation,
    evaluation_pipeline,
    in_channels,
    training_pipeline,
)
from nasnet_keras.training.progress import Progress
from nasnet_keras.training.recipes import Recipe
from nasnet_keras.training.sampling import count_of, stratified
from nasnet_keras.training.splits import fingerprint, split, with_test
from nasnet_keras.training.train import compile_network, train

SCHEMA_VERSION = 1  # of config.json
EVALUATION_BATCH_SIZE = 250

CLASSIFIER = "logits"  # the layer that learns in frozen epochs


@pydantic.dataclasses.dataclass(
    frozen=True, kw_only=True, config=pydantic.ConfigDict(extra="forbid")
)
class TrainingSettings:
    """What a training is made of, as data.

    Attributes:
        dataset: A name, a folder or an `.npz` file, for `load_dataset`.
        network: Arguments of `build_network` as JSON data, without those that
            the recipe or the data set have. Its `input_shape` says to which
            size and channels the images are brought.
        recipe: How it is trained.
        train_images: How many training images, or which share of them; None
            for all that are left.
        validation_images: How many of the training images, or which share, to
            measure on after each epoch; None for none.
        weights: Where the network's first weights come from, for the record.
        dtype: A dtype or a dtype policy.
        seed: Fixes weights, batches, and what is dropped.
        replicas: How many devices train alike, each on its part of every
            batch: GPUs, or processors where there are none.
    """

    dataset: str
    network: dict[str, Any]
    recipe: Recipe
    train_images: int | float | None = None
    validation_images: int | float | None = None
    weights: str | None = None
    dtype: str = "float32"
    seed: int = 0
    replicas: int = 1

    @classmethod
    def load(cls, folder: Path) -> "TrainingSettings":
        """The settings of a run.

        Raises:
            InputError: The folder holds no run.
        """
        return cls(**read_record(folder)["settings"])


@dataclasses.dataclass(frozen=True)
class TrainingData:
    """The images of a training, brought to the form that the network takes.

    Attributes:
        train: What it learns from.
        validation: What it is measured on after each epoch, if anything.
        dataset: What they were taken from.
    """

    train: LabelledImages
    validation: LabelledImages | None
    dataset: ImageDataset

    @property
    def test(self) -> LabelledImages:
        """The test images; held out where the data set has none."""
        images: Any = self.dataset.test  # there are some, of `with_test`
        return _in_channels(images, self.train.images.shape[-1])


def load_data(settings: TrainingSettings) -> TrainingData:
    """Loads the images of a training.

    Raises:
        ValueError: The data set is missing or unusable, or has too few
            images.
    """
    height, width, channels = settings.network["input_shape"]
    if height != width:
        raise ValueError(
            "Invalid value for argument `input_shape`. Expected a height equal "
            f"to the width to train at. Received: {height} and {width}."
        )
    dataset = with_test(load_dataset(settings.dataset, image_size=height))
    validation = None
    if settings.validation_images is not None:
        parts = split(
            dataset,
            settings.validation_images,
            settings.train_images,
            settings.seed,
        )
        images, validation = parts.train, parts.validation
    else:
        images = dataset.train
        if settings.train_images is not None:
            count = count_of(settings.train_images, len(images), "train_images")
            images = images.take(
                stratified(images.labels, count, settings.seed)
            )
    return TrainingData(
        _in_channels(images, channels),
        validation and _in_channels(validation, channels),
        dataset,
    )


def _in_channels(images: LabelledImages, channels: int) -> LabelledImages:
    return LabelledImages(in_channels(images.images, channels), images.labels)


def run_training(
    folder: Path,
    settings: TrainingSettings,
    initialise: Callable[[keras.Model], None] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    progress: Progress | None = None,
) -> keras.Model:
    """Trains a network in a folder, or goes on where a kill stopped it.

    At most the epoch under way is lost, and the end is that of an
    uninterrupted training.

    Args:
        folder: A new folder, or that of a run with the same settings.
        settings: What to train, on what, and how.
        initialise: Gives the network its first weights; random ones if None.
        callbacks: More Keras callbacks.
        progress: Shows how far it is.

    Returns:
        The trained network, without its auxiliary head.

    Raises:
        InputError: The folder holds something else, or another process trains
            there.
        ValueError: The data set or the network cannot be had.
        RunError: The training diverged.

    Example:

    >>> from nasnet_keras import NASNET_A
    >>> from nasnet_keras.training.recipes import RECIPES
    >>> settings = TrainingSettings(
    ...     dataset="digits",
    ...     network={
    ...         "genotype": NASNET_A.to_dict(),
    ...         "input_shape": [8, 8, 1],
    ...         "repeats": 1,
    ...         "filters": 8,
    ...     },
    ...     recipe=RECIPES["search-proxy"],
    ... )
    >>> model = run_training(Path("runs/digits"), settings)
    """
    new = not (folder / "config.json").exists()
    if new:
        check_free(folder)
    data = load_data(settings)
    record = {
        "schema": SCHEMA_VERSION,
        **provenance(),
        "data": fingerprint(data.train.images, data.train.labels),
        "class_names": data.dataset.class_names,
        "settings": dataclasses.asdict(settings),
    }
    # A network that cannot be built leaves no folder.
    run = _Training(folder, settings, data, callbacks, progress)
    if new:
        folder.mkdir(parents=True, exist_ok=True)
    with locked(
        folder / "lock",
        f"Another process is training in {folder}. Wait for it to end.",
    ):
        if new:
            write_json(folder / "config.json", record)
        else:
            _check_same(folder, record)
        return run.go_on(initialise)


class _Training:
    """The phases of a training, from wherever it stands."""

    def __init__(
        self,
        folder: Path,
        settings: TrainingSettings,
        data: TrainingData,
        callbacks: Sequence[keras.callbacks.Callback],
        progress: Progress | None,
    ) -> None:
        recipe = settings.recipe
        self.folder, self.settings, self.data = folder, settings, data
        self.callbacks, self.progress = callbacks, progress
        self.steps = len(data.train) // recipe.batch_size
        if not self.steps:
            raise ValueError(
                "Invalid value for argument `batch_size`. Expected at most the "
                f"number of images to train on, {len(data.train)}. Received: "
                f"batch_size={recipe.batch_size}."
            )
        self.strategy = _strategy(settings.replicas, recipe.batch_size)
        keras.utils.set_random_seed(settings.seed)
        with self.strategy.scope():
            self.model = build_model(
                settings, data.dataset.num_classes, recipe.epochs * self.steps
            )
        _synchronise(self.model, settings.replicas > 1)

    def go_on(
        self, initialise: Callable[[keras.Model], None] | None
    ) -> keras.Model:
        trained = self.folder / "model.keras"
        if trained.exists():
            return load_model(trained)
        if initialise is not None:
            initialise(self.model)
        first_epoch = 0
        phases = self.settings.recipe.phases
        files = [
            self.folder / f"phase_{number}.weights.h5"
            for number in range(len(phases))
        ]
        for number, phase in enumerate(phases):
            if not any(file.exists() for file in files[number + 1 :]):
                self._train(phase, number, first_epoch, files)
            first_epoch += phase.epochs
        _synchronise(self.model, False)
        model = without_auxiliary_head(self.model)
        draft = self.folder / ".model.keras"
        model.save(draft, include_optimizer=False)
        draft.rename(trained)
        for file in files:
            file.unlink(missing_ok=True)
        return model

    def _train(
        self,
        phase: Recipe,
        number: int,
        first_epoch: int,
        files: Sequence[Path],
    ) -> None:
        """One phase, whose first epoch has this number in the training."""
        images, labels = self.data.train.images, self.data.train.labels
        frozen = number < len(files) - 1
        for layer in self.model.layers:
            layer.trainable = layer.name == CLASSIFIER or not frozen
        with self.strategy.scope():
            compile_network(self.model, phase, self.steps)
        if files[number].exists():
            restore_training(self.model, files[number])
        done = steps_of(self.model) // self.steps
        keeper = _Keeper(self.folder, files, number, first_epoch, done)
        watching: list[keras.callbacks.Callback] = [keeper, *self.callbacks]
        if self.progress is not None:
            self.progress.begin_at(first_epoch)
            watching.append(self.progress)
        validation = self.data.validation
        if validation is not None and phase.average_weights is not None:
            watching.insert(0, keras.callbacks.SwapEMAWeights())
        train(
            self.model,
            training_pipeline(
                images,
                labels,
                phase.batch_size,
                augmentation=phase.augmentation
                or default_augmentation(self.settings.dataset),
                cutout=phase.cutout,
                seed=self.settings.seed,
                first_epoch=first_epoch + done,
            ),
            phase,
            self.steps,
            watching,
            done,
            validation=validation
            and evaluation_pipeline(
                validation.images, validation.labels, EVALUATION_BATCH_SIZE
            ),
        )


class _Keeper(keras.callbacks.Callback):
    """Saves the training and its history after each epoch."""

    def __init__(
        self,
        folder: Path,
        files: Sequence[Path],
        number: int,
        first_epoch: int,
        done: int,
    ) -> None:
        super().__init__()
        self._folder, self._files, self._number = folder, files, number
        self._first_epoch = first_epoch
        # What was written before a kill, up to the state gone on from.
        self._history = read_history(folder)[: first_epoch + done]
        self._began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        number = self._first_epoch + epoch + 1
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        if not all(map(math.isfinite, metrics.values())):
            raise RunError(
                f"The training diverged in epoch {number}: its loss is not "
                "finite. Begin another run with a lower learning rate."
            )
        now = time.monotonic()
        optimizer: Any = self.model.optimizer
        entry = {
            "epoch": number,
            **metrics,
            "learning_rate": float(np.asarray(optimizer.learning_rate)),
            "seconds": now - self._began,
        }
        self._began = now
        self._history.append(entry)
        write_json(self._folder / "history.json", self._history)
        save_training(self.model, self._files[self._number])
        for file in self._files[: self._number]:
            file.unlink(missing_ok=True)


def build_model(
    settings: TrainingSettings, classes: int, steps: int
) -> keras.Model:
    """The network of a training of so many steps, untrained.

    Raises:
        ValueError: An argument of the network is out of range.
    """
    arguments = dict(settings.network)
    recipe = settings.recipe
    conventions = dict(arguments.pop("conventions", None) or {})
    if recipe.bn_momentum is not None:
        conventions["bn_momentum"] = recipe.bn_momentum
    with dtype_policy(settings.dtype):
        return build_network(
            Genotype.from_dict(arguments.pop("genotype")),
            input_shape=tuple(arguments.pop("input_shape")),
            **arguments,
            classes=classes,
            conventions=conventions,
            auxiliary_head=recipe.auxiliary_weight > 0,
            dropout=recipe.dropout,
            drop_path_rate=recipe.drop_path_rate,
            drop_path_steps=steps if recipe.drop_path_rate else None,
        )


def without_auxiliary_head(model: keras.Model) -> keras.Model:
    """The network as it is used: same layers, same weights, one output."""
    if not isinstance(model.output, dict):
        return model
    return keras.Model(
        model.input, model.output["predictions"], name=model.name
    )


def read_history(folder: Path) -> list[dict[str, float]]:
    """The metrics of each epoch that a run has recorded so far."""
    file = folder / "history.json"
    return json.loads(file.read_text()) if file.exists() else []


def prepare_long_trainings(replicas: int = 1) -> None:
    """Has TensorFlow compute the same every time, so that a training that
    goes on ends as one that was never stopped.

    Args:
        replicas: So many devices there are to be at least. Where there is no
            GPU, the processors are shared out among so many. Default 1.

    Raises:
        RuntimeError: TensorFlow has begun work in this process.
    """
    tf.config.experimental.enable_op_determinism()
    if replicas > 1 and not tf.config.list_physical_devices("GPU"):
        (processors,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(
            processors, [tf.config.LogicalDeviceConfiguration()] * replicas
        )


def _strategy(replicas: int, batch_size: int) -> tf.distribute.Strategy:
    """What has so many devices train alike."""
    if replicas == 1:
        return tf.distribute.get_strategy()
    found = tf.config.list_logical_devices
    devices = [device.name for device in found("GPU") or found("CPU")]
    if not 1 <= replicas <= len(devices) or batch_size % replicas:
        raise ValueError(
            "Invalid value for argument `replicas`. Expected a divisor of the "
            f"batch size, {batch_size}, of at most the number of devices, "
            f"{len(devices)}. Received: replicas={replicas}."
        )
    return tf.distribute.MirroredStrategy(devices[:replicas])


def _synchronise(model: keras.Model, synchronised: bool) -> None:
    """Has batch norms count the whole batch, or a replica's part of it."""
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = synchronised


def read_record(folder: Path) -> Mapping[str, Any]:
    """What config.json holds.

    Raises:
        InputError: It is not there, or of another form.
    """
    file = folder / "config.json"
    try:
        record = json.loads(file.read_text())
    except OSError:
        raise InputError(
            f"Expected the folder of a training. Received: {folder}, which "
            "has no config.json."
        ) from None
    except ValueError as error:
        raise InputError(f"{file} is not valid JSON: {error}.") from None
    if not isinstance(record, dict) or record.get("schema") != SCHEMA_VERSION:
        raise InputError(
            f"{file} is not that of a training of this version of "
            "nasnet-keras. Expected the folder of a training."
        )
    return record


def _check_same(folder: Path, record: Mapping[str, Any]) -> None:
    """Raises:
    InputError: A run was begun with other settings or other data.
    """
    before, now = read_record(folder), json.loads(json.dumps(record))
    for part in ("settings", "data"):
        if before[part] == now[part]:
            continue
        changed = part
        if part == "settings":
            changed = ", ".join(
                name
                for name in now[part]
                if before[part][name] != now[part][name]
            )
        raise InputError(
            f"{folder} holds a training that was begun with other {changed}. "
            "Give the command that its config.json records to go on with it, "
            "or choose another output."
        )
