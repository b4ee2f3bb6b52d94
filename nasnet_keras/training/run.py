"""A training in a folder, which resumes after a kill: `run_training`.

config.json             the settings, versions, command, oneDNN, processor
history.json            the metrics of each epoch
phase_K.weights.h5      the state of the training, as long as it lasts
best.npz                the weights of the best epoch, likewise
model.keras             the trained network
lock                    held by the process that trains
"""

import dataclasses
import json
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pydantic

from nasnet_keras.console.activity import tell_activity
from nasnet_keras.console.command_line import (
    InputError,
    RunError,
    check_computing,
    provenance,
    sentence,
)
from nasnet_keras.files import (
    BEGINNING,
    check_free,
    check_path,
    locked,
    make_folder,
    sync,
    write_json,
)
from nasnet_keras.network.build import load_model, without_auxiliary_head
from nasnet_keras.quotation import system_reason
from nasnet_keras.strict_json import read_json
from nasnet_keras.training.checkpoint import (
    epochs_taken,
    restore_training,
    save_training,
)
from nasnet_keras.training.data.datasets import resolve_source
from nasnet_keras.training.data.holding import BY_MEMORY, Holding
from nasnet_keras.training.data.pipeline import (
    evaluation_batch,
    evaluation_pipeline,
    recipe_pipeline,
)
from nasnet_keras.training.data.readers.layout import check_outside
from nasnet_keras.training.data.sampling import balanced_weights
from nasnet_keras.training.data.streaming import unreadable_told
from nasnet_keras.training.process_state import kept_process_state
from nasnet_keras.training.progress import Progress
from nasnet_keras.training.recipes import Recipe, check_cutout
from nasnet_keras.training.replicas import create_strategy, synchronise
from nasnet_keras.training.settings import (
    TrainingData,
    TrainingSettings,
    build_model,
    load_data,
    with_channels,
)
from nasnet_keras.training.train import (
    compile_network,
    prepare_long_trainings,
    train,
)

SCHEMA_VERSION = 1  # of config.json

CLASSIFIER = "logits"  # the layer that learns in frozen epochs


@kept_process_state()
def run_training(
    folder: str | os.PathLike[str],
    settings: TrainingSettings,
    initialise: Callable[[keras.Model], None] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    progress: Progress | None = None,
    holding: Holding = BY_MEMORY,
    *,
    data: TrainingData | None = None,
    until: int | None = None,
) -> keras.Model:
    """Trains a network in a folder, or resumes a training after a kill.

    At most the current epoch is lost, and the result is that of an
    uninterrupted training.

    Args:
        folder: A new folder, or that of a run with the same settings.
        settings: What to train, on what, and how.
        initialise: Gives the network its first weights; random ones if None.
        callbacks: More Keras callbacks.
        progress: Shows how far it is.
        holding: Where the images are held. The network is the same with
            each, and a resumed training may have another.
        data: The images, where many trainings share them. Default: those of
            the settings, which are read.
        until: After how many epochs to stop, along the schedule of all; the
            same call with more resumes it. Default: all of the recipe's.

    Returns:
        The trained network, without its auxiliary head; stopped before the
        end, as it is.

    Raises:
        InputError: The folder holds something else, or another process trains
            there.
        ValueError: The data set or the network is not available.
        RunError: The training diverged.

    Example:

    >>> from dataclasses import replace
    >>> from nasnet_keras import NASNET_A
    >>> from nasnet_keras.architectures import find_kind, to_data
    >>> from nasnet_keras.training.recipes import RECIPES
    >>> settings = TrainingSettings(
    ...     dataset="digits",
    ...     network={
    ...         "architecture": to_data(find_kind("nasnet"), NASNET_A),
    ...         "input_shape": [8, 8, 1],
    ...         "repeats": 1,
    ...         "filters": 4,
    ...     },
    ...     recipe=replace(RECIPES["search-proxy"], epochs=1),
    ... )
    >>> model = run_training("runs/digits", settings)
    >>> model.output_shape
    (None, 10)
    """
    check_path("folder", folder)
    folder = Path(folder)
    prepare_long_trainings()
    new = not (folder / "config.json").exists()
    if new:
        check_free(folder, BEGINNING)
        images = settings.dataset
        check_outside(folder, images if data else resolve_source(images))
    elif not (folder / "model.keras").exists():
        check_computing(folder, read_record(folder))
    if data is None:
        tell_activity("reading the data")
        data = load_data(settings, holding)
    settings = with_channels(settings, data)
    if progress is not None:
        progress.tell(data.notes)
        progress.validation_images = len(data.validation or ())
    # A network that cannot be built, or given these weights, leaves no folder.
    run = _Training(folder, settings, data, callbacks, progress, until)
    if initialise is not None and not run.begun:
        initialise(run.model)
    if new:
        make_folder(folder)
    with locked(
        folder / "lock",
        f"Another process is training in {folder}. Wait for it to end.",
    ):
        if new:
            write_json(folder / "config.json", create_record(settings, data))
        else:
            check_settings(folder, settings)
            check_data(folder, data)
        try:
            return run.go_on()
        finally:
            if progress is not None:
                progress.end()


def create_record(
    settings: TrainingSettings, data: TrainingData
) -> dict[str, Any]:
    """What config.json of a training holds."""
    return {
        "schema": SCHEMA_VERSION,
        **provenance(),
        "data": data.fingerprint,
        "class_names": data.dataset.class_names,
        "settings": dataclasses.asdict(settings),
    }


class _Training:
    """The phases of a training, from wherever it stands."""

    def __init__(
        self,
        folder: Path,
        settings: TrainingSettings,
        data: TrainingData,
        callbacks: Sequence[keras.callbacks.Callback],
        progress: Progress | None,
        until: int | None,
    ) -> None:
        recipe = settings.recipe
        self.until = until or recipe.epochs
        self.folder, self.settings, self.data = folder, settings, data
        self.callbacks, self.progress = callbacks, progress
        self.steps = len(data.train) // recipe.batch_size
        if not self.steps:
            raise ValueError(
                "Invalid value for argument `batch_size`. Expected at most the "
                f"number of images to train on, {len(data.train)}. Received: "
                f"batch_size={recipe.batch_size}."
            )
        check_cutout(recipe, min(data.train.images.shape[1:3]))
        self.strategy = create_strategy(settings.replicas, recipe.batch_size)
        keras.utils.set_random_seed(settings.seed)
        tell_activity("building the network")
        with self.strategy.scope():
            self.model = build_model(
                settings, data.dataset.num_classes, recipe.epochs * self.steps
            )
        synchronise(self.model, settings.replicas > 1)
        self.trained = folder / "model.keras"
        self.files = [
            folder / f"phase_{number}.weights.h5"
            for number in range(len(recipe.phases))
        ]
        self.best = folder / "best.npz"

    @property
    def begun(self) -> bool:
        """Whether there is a state to resume from."""
        return any(map(Path.exists, [self.trained, *self.files]))

    def go_on(self) -> keras.Model:
        if self.trained.exists():
            self._tidy()  # which a kill may have kept from being done
            return load_model(self.trained)
        first_epoch = 0
        for number, phase in enumerate(self.settings.recipe.phases):
            if first_epoch >= self.until:
                break
            if not any(map(Path.exists, self.files[number + 1 :])):
                self._train(phase, number, first_epoch)
            first_epoch += phase.epochs
        if self.until < self.settings.recipe.epochs:
            return self.model
        synchronise(self.model, False)
        if self.settings.keep_best:
            with np.load(self.best) as weights:
                self.model.set_weights(list(weights.values()))
        # Not compiled, so that it loads without the recipe's loss.
        model = without_auxiliary_head(self.model)
        draft = self.folder / ".model.keras"
        model.save(draft, include_optimizer=False)
        sync(draft)
        draft.rename(self.trained)
        sync(self.folder)
        self._tidy()
        return model

    def _tidy(self) -> None:
        """Deletes what only a training that goes on needs."""
        for file in (*self.files, self.best):
            file.unlink(missing_ok=True)

    def _train(self, phase: Recipe, number: int, first_epoch: int) -> None:
        """One phase, whose first epoch has this number in the training."""
        files = self.files
        frozen = phase.frozen_epochs > 0
        for layer in self.model.layers:
            layer.trainable = layer.name == CLASSIFIER or not frozen
        with self.strategy.scope():
            compile_network(self.model, phase, self.steps)
        done = 0
        if files[number].exists():
            done = self._restore(files[number])
        keeper = _Keeper(
            self.folder,
            files,
            number,
            first_epoch,
            done,
            # A phase before the last is followed by another.
            self.settings.early_stopping if number + 1 == len(files) else None,
        )
        watching: list[keras.callbacks.Callback] = [keeper, *self.callbacks]
        train_images, validation = self.data.train, self.data.validation
        if self.progress is not None:
            self.progress.begin_at(first_epoch)
            watching.append(self.progress)
        class_weights = None
        if self.settings.class_weights is not None:
            class_weights = balanced_weights(
                train_images.labels, self.data.dataset.num_classes
            )
        if validation is not None and phase.average_weights is not None:
            watching.insert(0, keras.callbacks.SwapEMAWeights())
        if self.settings.keep_best:
            # First: the averages are still in place when it looks.
            watching.insert(0, _BestKeeper(self.best, keeper.history))
        last = max(done, min(phase.epochs, self.until - first_epoch))
        batches = recipe_pipeline(
            phase,
            self.settings.dataset,
            train_images.images,
            train_images.labels,
            self.settings.seed,
            first_epoch + done,
            self.data.dataset.class_names,
        )
        parts = [part for part in (train_images, validation) if part]
        with unreadable_told(*(part.images for part in parts)):
            train(
                self.model,
                batches,
                phase,
                self.steps,
                watching,
                done,
                epochs=done if keeper.is_over else last,
                validation=validation
                and evaluation_pipeline(
                    validation.images,
                    validation.labels,
                    evaluation_batch(validation.images, phase.batch_size),
                ),
                class_weights=class_weights,
            )

    def _restore(self, file: Path) -> int:
        """Takes the training up; returns the epochs that are done.

        Raises:
            InputError: The file is damaged.
        """
        try:
            restore_training(self.model, file)
            return epochs_taken(file)
        except (OSError, KeyError, ValueError) as error:
            reason = next(iter(str(error).splitlines()), "")
            reason = reason.rstrip(".") or type(error).__name__
            raise InputError(
                f"The state of the training, {file}, is damaged: {reason}. "
                "Begin another training in a new folder."
            ) from error


class _Keeper(keras.callbacks.Callback):
    """Saves the training and its history after each epoch."""

    def __init__(
        self,
        folder: Path,
        files: Sequence[Path],
        number: int,
        first_epoch: int,
        done: int,
        patience: int | None,
    ) -> None:
        super().__init__()
        self._patience = patience
        self._folder, self._files, self._number = folder, files, number
        self._first_epoch = first_epoch
        # What was written before a kill, up to the state gone on from.
        self.history = read_history(folder)[: first_epoch + done]
        self._began = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether there were too many epochs since the best."""
        if self._patience is None or not self.history:
            return False
        best, _ = best_epoch(self.history)
        return self.history[-1]["epoch"] - best >= self._patience

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
        self.history.append(entry)
        write_json(self._folder / "history.json", self.history)
        save_training(self.model, self._files[self._number], epoch + 1)
        for file in self._files[: self._number]:
            file.unlink(missing_ok=True)
        if self.is_over:
            self.model.stop_training = True


class _BestKeeper(keras.callbacks.Callback):
    """Saves the weights of an epoch that is better than all before."""

    def __init__(self, file: Path, history: Sequence[dict[str, float]]) -> None:
        super().__init__()
        self._file, self._history = file, history

    def on_test_end(self, logs: Any = None) -> None:
        accuracy = _accuracy(logs)
        if self._history and accuracy <= best_epoch(self._history)[1]:
            return
        draft = self._file.with_name(f".{self._file.name}")
        np.savez(draft, *self.model.get_weights())
        sync(draft)
        draft.replace(self._file)


def best_epoch(
    history: Sequence[Mapping[str, float]],
) -> tuple[int, float]:
    """The number of the epoch with the highest validation accuracy, and this
    accuracy. Of equal epochs it is the first.

    Args:
        history: The history of a training with validation images, as
            `read_history` returns it.

    Example:

    >>> accuracies = 0.6, 0.7, 0.7
    >>> best_epoch(
    ...     [
    ...         {"epoch": number, "val_accuracy": accuracy}
    ...         for number, accuracy in enumerate(accuracies, start=1)
    ...     ]
    ... )
    (2, 0.7)
    """
    accuracies = [_accuracy(epoch, "val_") for epoch in history]
    best = max(accuracies)
    return int(history[accuracies.index(best)]["epoch"]), best


def _accuracy(metrics: Mapping[str, float], prefix: str = "") -> float:
    """What a network with an auxiliary head, and one without, call it."""
    one, other = f"{prefix}accuracy", f"{prefix}predictions_accuracy"
    return float(metrics[one if one in metrics else other])


def read_history(folder: Path) -> list[dict[str, float]]:
    """The metrics of each epoch that a run has recorded so far.

    Raises:
        InputError: The file is damaged.
    """
    file = folder / "history.json"
    try:
        history = read_json(file)
        if not isinstance(history, list):
            reason = "it is no list of epochs"
        elif all(epoch["seconds"] >= 0 for epoch in history):
            return history
        else:
            reason = "an epoch has no seconds"
    except FileNotFoundError:
        return []
    except OSError as error:
        reason = system_reason(error)
    except ValueError as error:
        reason = str(error)
    except (LookupError, TypeError):
        reason = "it is of another form"
    raise InputError(
        f"{file} is no history of a training: {reason}. Delete it to continue "
        "without the earlier epochs."
    )


def read_record(folder: Path) -> Mapping[str, Any]:
    """What config.json holds.

    Raises:
        InputError: It is not there, or of another form.
    """
    file = folder / "config.json"
    try:
        record = read_json(file)
    except OSError:
        raise InputError(
            f"Expected the folder of a training. Received: {folder}, which "
            "has no config.json."
        ) from None
    except ValueError as error:
        raise InputError(
            f"{file} is not valid JSON: {error}. Put back the file as the "
            "training wrote it, or train into a new folder."
        ) from None
    if (
        not isinstance(record, dict)
        or record.get("schema") != SCHEMA_VERSION
        or not isinstance(record.get("settings"), dict)
        or not isinstance(record.get("computing"), dict)
        or not {"data", "command"} <= set(record)
    ):
        raise InputError(
            f"{file} is not that of a training of this version of "
            "nasnet-keras. Expected the folder of a training."
        )
    return record


def load_settings(folder: Path) -> TrainingSettings:
    """The settings of the training in a folder.

    Raises:
        InputError: The folder holds none, or other ones.
    """
    recorded = read_record(folder)["settings"]
    try:
        return TrainingSettings(**recorded)
    except pydantic.ValidationError as error:
        raise InputError(
            f"{folder / 'config.json'} has other settings than a training of "
            f"this version. {sentence(error.errors()[0])}"
        ) from None


def check_settings(folder: Path, settings: TrainingSettings) -> None:
    """Raises:
    InputError: The training in the folder was begun with other settings.
    """
    before = _values(dataclasses.asdict(load_settings(folder)))
    now = _values(dataclasses.asdict(settings))
    changed = [name for name in now if before[name] != now[name]]
    if changed:
        raise InputError(
            f"{folder} holds a training that was begun with other "
            f"{', '.join(changed)}. To continue it, give the command that its "
            "config.json records; or choose another output."
        )


def _values(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the recipe beside the others, as JSON has them."""
    others = {name: settings[name] for name in settings if name != "recipe"}
    return json.loads(json.dumps({**others, **settings["recipe"]}))


def check_data(folder: Path, data: TrainingData) -> None:
    """Raises:
    InputError: The training in the folder was begun with other images.
    """
    if data.fingerprint != read_record(folder)["data"]:
        raise InputError(
            f"The images of {data.dataset.name} are not those that the "
            f"training in {folder} was begun with. Restore them, or train "
            "again."
        )
