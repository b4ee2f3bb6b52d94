"""How fast a candidate trains on this machine: `Pace`."""

import time
from typing import Any

import keras
import numpy as np
from keras.callbacks import LambdaCallback

from nasnet_auto.candidates import Candidate
from nasnet_keras.training.data.pipeline import recipe_pipeline
from nasnet_keras.training.run import CLASSIFIER
from nasnet_keras.training.settings import build_model
from nasnet_keras.training.train import compile_network, train

STEPS = 6  # that are timed
FORWARD = 1 / 3  # of the time of a step, to go forward alone


class Pace:
    """The seconds of a candidate's training, by a few steps on noise.

    Attributes:
        start: The seconds until its first step has ended.
        step: The seconds of a step.
        batch_size: The images of a step.
    """

    def __init__(self, candidate: Candidate, classes: int) -> None:
        settings, recipe = candidate.training, candidate.recipe
        self.batch_size = recipe.batch_size
        rng = np.random.default_rng(0)
        count = self.batch_size * STEPS
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
        self.start = times[0] - began
        self.step = float(np.median(np.diff(times)))

    def epochs(self, seconds: float, images: int, validated: int) -> int:
        """How many epochs fit into so many seconds.

        Args:
            seconds: That there are.
            images: That are trained on in an epoch.
            validated: That are measured on after an epoch.
        """
        trained = max(1, images // self.batch_size)
        forward = FORWARD * validated / self.batch_size
        return int((seconds - self.start) / (self.step * (trained + forward)))
