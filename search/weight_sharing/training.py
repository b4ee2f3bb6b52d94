"""Trains a shared network: the interface `SharedTraining`, and `PathTraining`,
which trains one cell in each step."""

import abc
import math
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from nasnet_keras.console.command_line import RunError
from nasnet_keras.files import sync
from nasnet_keras.genotype import Genotype
from nasnet_keras.training.recipes import Recipe
from search.weight_sharing.momentum import SharedMomentum
from search.weight_sharing.shared_network import SharedNetwork
from search.weight_sharing.subnetwork import Subnetwork

CHECKPOINT_SECONDS = 60

# What reading a file that is no archive of arrays comes to.
DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
)


class SharedTraining(abc.ABC):
    """Trains a shared network by a recipe: its momentum, with a cosine.

    What comes of a training depends on the recipe and the batches alone, and
    on what a kind of training has besides: one that resumes from its file
    ends as one that was never stopped.

    Args:
        network: The shared network, with `variables`.
        recipe: The recipe: its batch size is that of the batches.
        steps_per_epoch: The number of batches of an epoch.
        batches: The arguments of `step`, without end, given the number of the
            step to begin with.

    Attributes:
        steps: How many steps the network has been trained for.
        watch: Called after each step with the number of steps so far, that
            of the last step, and the loss.
        optimizer_class: By what weights are changed: what is kept of each is
            in its `velocities`, by name.
    """

    optimizer_class: ClassVar[Any] = SharedMomentum

    def __init__(
        self,
        network: Any,
        recipe: Recipe,
        steps_per_epoch: int,
        batches: Callable[[int], tf.data.Dataset],
    ) -> None:
        self.network = network
        self.recipe = recipe
        self.steps_per_epoch = steps_per_epoch
        self.batches = batches
        self.steps = 0
        self.watch: Callable[[int, int, float], object] | None = None
        self.optimizer: Any = self.optimizer_class(
            network, recipe.momentum, recipe.l2, recipe.clip_norm
        )

    @abc.abstractmethod
    def update(self, *batch: Any) -> float:
        """Changes the network by a batch; returns the loss before."""

    def step(self, *batch: Any) -> float:
        """One step; returns the loss before."""
        loss = self.update(*batch)
        self.steps += 1
        return loss

    @property
    def last_step(self) -> int:
        return self.recipe.epochs * self.steps_per_epoch

    @property
    def share(self) -> float:
        """How much of the training is done."""
        return self.steps / self.last_step

    @property
    def learning_rate(self) -> float:
        """That of the next step."""
        cosine = (1 + math.cos(math.pi * self.share)) / 2
        return self.recipe.learning_rate * cosine

    def run(self, path: Path | None = None, until: int | None = None) -> None:
        """Trains on, from where the file left off if there is one.

        Args:
            path: The file, written at times and at the end; None for none.
            until: The step to end with; None for the recipe's last.

        Raises:
            RunError: The loss is not finite, or the file is damaged.
        """
        if path is not None and not self.steps and path.exists():
            self.restore(path)
        until = self.last_step if until is None else until
        if self.steps >= until:
            return
        saved = time.monotonic()
        for batch in self.batches(self.steps).take(until - self.steps):
            loss = self.step(*batch)
            if not math.isfinite(loss):
                raise RunError(
                    f"The shared network diverged at step {self.steps}: its "
                    "loss is not finite. Begin another run with a lower "
                    "learning rate."
                )
            if self.watch is not None:
                self.watch(self.steps, self.last_step, loss)
            if path is not None and (
                self.steps == until
                or time.monotonic() - saved > CHECKPOINT_SECONDS
            ):
                self.save(path)
                saved = time.monotonic()

    # === The file ===

    def save(self, path: Path) -> None:
        """Writes the weights and the state of the optimizer, an `.npz` file;
        after a kill it is the old one or the new one, in whole."""
        draft = path.with_name(f".{path.name}")
        arrays = {name: value.numpy() for name, value in self.variables()}
        np.savez(draft, steps=np.array(self.steps), **arrays)
        sync(draft)
        draft.rename(path)
        sync(path.parent)

    def restore(self, path: Path) -> None:
        """Takes up what `save` wrote.

        Raises:
            RunError: The file is damaged, or of another network.
        """
        variables = dict(self.variables())
        expected = {name: tuple(each.shape) for name, each in variables.items()}
        try:
            # Numpy leaves open what is no archive.
            with path.open("rb") as file, np.load(file) as archive:
                arrays = dict(archive)
        except DAMAGE:
            arrays = {}
        found = {name: array.shape for name, array in arrays.items()}
        if found != {**expected, "steps": ()}:
            raise RunError(
                f"{path} is damaged, or of another shared network. Delete it "
                "to train the shared network again."
            )
        for name, variable in variables.items():
            variable.assign(arrays[name])
        self.steps = int(arrays["steps"])

    def variables(self) -> list[tuple[str, tf.Variable]]:
        """All that a step changes, by name."""
        return [
            *(
                (f"weights/{table.path}", table.value)
                for table in self.network.variables
            ),
            *(
                (f"velocities/{name}", velocity)
                for name, velocity in self.optimizer.velocities.items()
            ),
        ]


class PathTraining(SharedTraining):
    """Trains one cell in each step, the one that is drawn for it: one-shot
    search and ENAS. The batches are of images and labels.

    Args:
        network, recipe, steps_per_epoch, batches: See `SharedTraining`.
        draw: The cell of a step, given the step's number from 0.
    """

    def __init__(
        self,
        network: SharedNetwork,
        recipe: Recipe,
        steps_per_epoch: int,
        batches: Callable[[int], tf.data.Dataset],
        draw: Callable[[int], Genotype],
    ) -> None:
        super().__init__(network, recipe, steps_per_epoch, batches)
        self.draw = draw

    def update(self, *batch: Any) -> float:
        images, labels = batch
        subnetwork = Subnetwork(self.network, self.draw(self.steps))
        weights = [layer.weights for layer in subnetwork.layers]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            logits = subnetwork(
                images,
                True,
                self.recipe.drop_path_rate * self.share,
                self.steps,
            )
            loss = cross_entropy(logits, labels)
        gradients = tape.gradient(loss, weights)
        self.optimizer.apply(subnetwork.layers, gradients, self.learning_rate)
        return float(loss)


def cross_entropy(logits: Any, labels: Any) -> Any:
    """The mean over a batch."""
    return tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    )
