"""How fast a candidate trains on this machine: `timed`, `Epochs`."""

import dataclasses
import time
from typing import Any

import keras
import numpy as np
from keras.callbacks import Callback, LambdaCallback

from nasnet_auto.trainings.candidates import Candidate
from nasnet_keras.training.data.pipeline import recipe_pipeline
from nasnet_keras.training.run import CLASSIFIER
from nasnet_keras.training.settings import build_model
from nasnet_keras.training.train import compile_network, train

STEPS = 6  # that are timed
FORWARD = 1 / 3  # of the time of a step, to go forward alone


def timed(
    candidate: Candidate, classes: int, images: int, validated: int
) -> Candidate:
    """A candidate with the seconds of its training, by a few steps on noise.

    Args:
        candidate: The training.
        classes: The number of classes.
        images: How many images an epoch trains on.
        validated: How many images are measured on after an epoch.
    """
    settings, recipe = candidate.training, candidate.recipe
    batch_size = recipe.batch_size
    rng = np.random.default_rng(0)
    count = batch_size * STEPS
    shape = (count, *settings.network["input_shape"])
    began = time.monotonic()
    keras.backend.clear_session()
    model = build_model(settings, classes, STEPS)
    if recipe.frozen_epochs == recipe.epochs:
        for layer in model.layers:
            layer.trainable = layer.name == CLASSIFIER
    compile_network(model, recipe, STEPS)
    times: list[float] = []

    def note(batch: int, logs: Any = None) -> None:
        times.append(time.monotonic())

    train(
        model,
        recipe_pipeline(
            recipe,
            settings.dataset,
            rng.integers(0, 256, shape, np.uint8),
            rng.integers(0, classes, count, np.int32),
            0,
            0,
        ),
        recipe,
        STEPS,
        [LambdaCallback(on_train_batch_end=note)],
        epochs=1,
    )
    steps = max(1, images // batch_size) + FORWARD * validated / batch_size
    return dataclasses.replace(
        candidate,
        start_seconds=times[0] - began,
        epoch_seconds=float(np.median(np.diff(times))) * steps,
    )


class Epochs(Callback):
    """Counts the seconds of epochs in this process.

    Attributes:
        seconds: Of those that have ended.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seconds += time.monotonic() - self._began
