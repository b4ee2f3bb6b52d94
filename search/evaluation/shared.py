"""Evaluation with shared weights: children are not trained, but the network
that holds them all is."""

import functools
import math
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import keras
import numpy as np
import tensorflow as tf

from nasnet_keras.console.command_line import RunError
from nasnet_keras.genotype import Genotype
from nasnet_keras.quotation import quoted
from nasnet_keras.training.checkpoint import save_weights
from nasnet_keras.training.data.pipeline import EVALUATION_BATCH_SIZE
from nasnet_keras.training.data.streaming import Images
from nasnet_keras.training.recipes import check_supported
from search.evaluation.base import (
    SHARED_UNSUPPORTED,
    Child,
    ChildSettings,
    EvaluationError,
)
from search.evaluation.training import TrainingEvaluator
from search.spaces.base import lacks
from search.storage.run_folder import SHARED_CHILDREN_FILE, SHARED_FILE
from search.strategies.argument_checks import check_flag, check_number
from search.trial import IMAGES, Evaluation
from search.weight_sharing.architecture_parameters import (
    ArchitectureParameters,
    warn_of_collapse,
)
from search.weight_sharing.child_log import ChildLog
from search.weight_sharing.mixture_training import MixtureTraining
from search.weight_sharing.shared_network import SharedNetwork
from search.weight_sharing.subnetwork import Subnetwork, measure
from search.weight_sharing.training import PathTraining, SharedTraining

# What a recipe cannot do without, and the training of the shared network does
# otherwise.
OTHERWISE = dict.fromkeys(
    ("optimizer", "schedule", "decay_rate", "decay_epochs", "epsilon"),
    "a shared network is trained by momentum, with a cosine",
)

# Of a batch of small images to evaluate: each call of a layer costs the same.
PIXELS = 2**18

# Sets the draws of the cells that are trained apart from those of strategies.
TRAINING_STREAM = 2


class SharedEvaluator(TrainingEvaluator):
    """A child's reward is its validation accuracy with the weights that it
    finds in a network which holds every cell of the space.

    One round, one-shot search: before the first child the network is trained,
    each step on a cell drawn at random. The outcome is a function of the
    genotype, the seed, the data and the number of threads, as with
    `TrainingEvaluator`.

    Several rounds, ENAS: the first part of the training comes before the first
    child, each further one when so many children were evaluated, each step on
    one of those of the round before. Then the outcome is also a function of
    the children before; its budget is the epochs that the network has been
    trained for, so that the best children are those of the last round.

    By gradients, DARTS: the mixture of all cells is trained before the first
    child, its weights on training images and what it learns of the
    architecture on validation images; `suggest` then says which cells these
    are.

    The batch norms of a child normalise by statistics of its own, those of
    some batches of training images: moving ones would be of all children
    together.

    References:
        [Bender et al. 2018](
        https://proceedings.mlr.press/v80/bender18a.html);
        [Pham et al. 2018](https://arxiv.org/abs/1802.03268);
        [Liu et al. 2019](https://arxiv.org/abs/1806.09055).

    Args:
        settings: How the children are made; the recipe is that of the shared
            network.
        in_turns: Whether the network is trained in as many rounds as the
            recipe has epochs, where `rounds` is not given. Default False.
        rounds: How many parts the training has. Default 1.
        round_cells: How many children are evaluated after each part but the
            last; in a run by default an even share of its trials. ENAS,
            authors' code: 300.
        calibration_batches: How many training batches give a child its
            statistics. Default 4.
        order: 1 or 2: train the mixture of all cells, by `MixtureTraining` of
            that order; 2 takes the next step of the weights into account, for
            some three times the work. None, the default: train one cell in
            each step.

    Raises:
        ValueError: As of `TrainingEvaluator`; or an option is out of range.
    """

    def __init__(
        self,
        settings: ChildSettings,
        in_turns: bool = False,
        rounds: int | None = None,
        round_cells: int | None = None,
        calibration_batches: int = 4,
        order: int | None = None,
    ) -> None:
        if "shared-weights" not in settings.space.capabilities:
            raise ValueError(lacks(settings.space, "shared-weights"))
        check_supported(settings.recipe, SHARED_UNSUPPORTED | OTHERWISE)
        rounds = _rounds(in_turns, rounds, settings.recipe.epochs)
        if round_cells is not None:
            check_number("round_cells", round_cells, least=1, integer=True)
        check_number(
            "calibration_batches", calibration_batches, least=1, integer=True
        )
        mixed = type(order) is int and order in (1, 2) and rounds == 1
        if order is not None and not mixed:
            raise ValueError(
                "Invalid value for argument `order`. Expected 1, 2 or none, "
                f"and one round with it. Received: order={quoted(order)}, "
                f"rounds={rounds}."
            )
        if order is not None and "mixture" not in settings.space.capabilities:
            raise ValueError(lacks(settings.space, "mixture"))
        super().__init__(settings)
        batch_size = self.recipe.batch_size
        images = self.data.validation_images
        if batch_size < 2:
            raise ValueError(
                "Invalid value for argument `batch_size`. Expected 2 or more "
                "with shared weights, whose classifier normalises by the "
                f"batch. Received: batch_size={batch_size}."
            )
        if order is not None and len(images) < batch_size:
            raise ValueError(
                "Too few images to validate on. Expected, with an `order`, at "
                f"least a batch of them, {batch_size}. Received: {len(images)}"
                "; hold out more by `validation_images` (--validation-images), "
                "or give a smaller `batch_size` (--batch-size)."
            )
        self.seed = settings.seed
        self._threads = settings.threads or os.cpu_count() or 1
        self.shared_weights = self
        # What the capability promises: a `NASNetSpace`.
        self._cells = cast(Any, settings.space)
        self.rounds = rounds
        self.round_cells = round_cells or 1
        self.calibration_batches = calibration_batches
        self.order = order
        self._architecture = ArchitectureParameters(self._cells)
        self._training: SharedTraining | None = None
        self._trained: Callable[[int, int, float], object] | None = None
        self._children = ChildLog(self._cells)
        self._best = (-1, -math.inf)  # of a round, the reward
        self._seconds = 0.0  # of training that is in no evaluation yet

    @classmethod
    def settled(
        cls, options: Mapping[str, Any], trials: int, epochs: int
    ) -> Mapping[str, Any]:
        rounds = _rounds(
            options.get("in_turns", False), options.get("rounds"), epochs
        )
        if rounds == 1 or "round_cells" in options:
            return options
        return {**options, "round_cells": max(1, trials // rounds)}

    def describe(self) -> dict[str, Any]:
        return {
            **super().describe(),
            "shared": {
                "space": self.space.describe(),
                "rounds": self.rounds,
                "round_cells": self.round_cells,
                "calibration_batches": self.calibration_batches,
                "order": self.order,
            },
        }

    def evaluate(self, child: Child) -> Evaluation:
        seconds = {}
        began = time.perf_counter()
        training = self._shared_training(child.folder)
        number = self._children.add(child.number, child.architecture)
        current = min(number // self.round_cells, self.rounds - 1)
        if training.steps < self._end(current):
            training.run(
                child.folder and child.folder / SHARED_FILE, self._end(current)
            )
            self._seconds += time.perf_counter() - began
        if training.steps != self._end(current):
            raise RunError(
                f"{child.folder} holds a shared network of other children than "
                f"its {SHARED_CHILDREN_FILE}. Begin another run."
            )
        if self._seconds:
            seconds["train"], self._seconds = self._seconds, 0.0
        began = time.perf_counter()
        subnetwork = Subnetwork(training.network, child.architecture)
        accuracy, loss = self.measure(subnetwork)
        seconds["validate"] = time.perf_counter() - began
        if not math.isfinite(loss):
            raise EvaluationError("The child's loss is not finite.")
        if child.weights is not None and (current, accuracy) > self._best:
            # The others have theirs in the shared network.
            self._best = (current, accuracy)
            self._save(child.architecture, subnetwork, child.weights)
        return Evaluation(
            reward=accuracy,
            metrics={
                "accuracy": accuracy,
                "loss": loss,
                IMAGES: len(self.data.validation_labels),
                **self.costs(child.architecture),
            },
            seconds=seconds,
            budget=training.steps / self.steps_per_epoch,
        )

    def watch(self, trained: Callable[[int, int, float], object]) -> None:
        self._trained = trained

    def suggest(self, number: int, folder: Path) -> Genotype:
        if self.order is None:
            raise ValueError(
                "Expected an evaluator that learns architectures by "
                "gradients. Received: one of `order` None, which does not."
            )
        began = time.perf_counter()
        training = self._shared_training(folder)
        if training.steps < training.last_step:
            training.run(folder / SHARED_FILE)
            self._seconds += time.perf_counter() - began
        genotypes = self._architecture.strongest(number + 1)
        if len(genotypes) <= number:
            raise ValueError(f"There are {len(genotypes)} cells, and no more.")
        if number == 0:
            warn_of_collapse(genotypes[0])
        return genotypes[number]

    def _shared_training(self, folder: Path | None) -> SharedTraining:
        """The training, in a folder of children if there is one."""
        if self._training is None:
            if folder is not None and self.rounds > 1:
                self._children.open(folder / SHARED_CHILDREN_FILE)
            self._training = self.create_training(self.create_network())
            self._training.watch = self._trained
        return self._training

    def create_training(self, network: SharedNetwork) -> SharedTraining:
        """The training of a shared network, as it begins."""
        if self.order is None:
            return PathTraining(
                network,
                self.recipe,
                self.steps_per_epoch,
                self.batches,
                self.draw,
            )
        return MixtureTraining(
            network,
            self.recipe,
            self.steps_per_epoch,
            self._batch_pairs,
            self._architecture,
            self.order,
        )

    def _end(self, number: int) -> int:
        """The last step of a round."""
        steps = self.recipe.epochs * self.steps_per_epoch
        return steps * (number + 1) // self.rounds

    def accuracy(self, architecture: Genotype, folder: Path) -> float:
        network = self._restored(folder).network
        accuracy, _ = self.measure(Subnetwork(network, architecture))
        return accuracy

    def extract_child(self, child: Child) -> keras.Model:
        if child.folder is None or child.budget is None:
            raise ValueError(
                "Invalid value for argument `child`. Expected a `folder` and a "
                f"`budget`. Received: child={quoted(child)}."
            )
        training = self._restored(child.folder)
        if training.steps != round(child.budget * self.steps_per_epoch):
            raise ValueError(
                "The shared network has been trained on since that child was "
                "evaluated, and its weights of then are gone. Expected a child "
                "of the last round."
            )
        subnetwork = Subnetwork(training.network, child.architecture)
        subnetwork.calibrate(self._calibration)
        return self._extract(child.architecture, subnetwork)

    def _restored(self, folder: Path) -> SharedTraining:
        """The training as it lies in a folder of children."""
        if self._training is None:
            training = self.create_training(self.create_network())
            training.restore(folder / SHARED_FILE)
            self._training = training
        return self._training

    def create_network(self) -> SharedNetwork:
        """The shared network as it begins."""
        return SharedNetwork(
            self._cells,
            self.network["input_shape"],
            self.network["classes"],
            self.network["repeats"],
            self.network["filters"],
            self.seed,
        )

    def draw(self, step: int) -> Genotype:
        """The cell that the shared network is trained on in a step."""
        rng = np.random.default_rng((self.seed, step, TRAINING_STREAM))
        number = next(n for n in range(self.rounds) if step < self._end(n))
        if number == 0:
            return self.space.decode(self.space.sample(rng))
        first = (number - 1) * self.round_cells
        return self._children[first + int(rng.integers(self.round_cells))]

    @functools.cached_property
    def _calibration(self) -> list[Any]:
        batches = self.batches(0).take(self.calibration_batches)
        return [images for images, _ in batches]

    def batches(self, first_step: int) -> tf.data.Dataset:
        """Training images and labels without end."""
        return self._batches(
            self.data.train_images, self.data.train_labels, first_step
        )

    def _batch_pairs(self, first_step: int) -> tf.data.Dataset:
        """Training images and validation images, with their labels."""
        return tf.data.Dataset.zip(
            self.batches(first_step),
            self._batches(
                self.data.validation_images,
                self.data.validation_labels,
                first_step,
            ),
        )

    def _batches(
        self, images: Images, labels: np.ndarray, first_step: int
    ) -> tf.data.Dataset:
        epoch, first = divmod(first_step, len(images) // self.recipe.batch_size)
        return self.data.as_batches(
            self.recipe, images, labels, self.seed, epoch
        ).skip(first)

    def measure(self, subnetwork: Subnetwork) -> tuple[float, float]:
        """Accuracy and mean loss on the validation images, after the batch
        norms of the subnetwork were given statistics of its own."""
        subnetwork.calibrate(self._calibration)
        height, width, _ = self.data.image_shape
        images_at_once = max(EVALUATION_BATCH_SIZE, PIXELS // (height * width))
        return measure(
            subnetwork,
            self.data.validation.rebatch(images_at_once),
            self._threads,
        )

    def _extract(self, cells: Genotype, child: Subnetwork) -> keras.Model:
        model = self.build(cells)
        child.copy_to(model)
        return model

    def _save(
        self, architecture: Genotype, subnetwork: Subnetwork, weights: Path
    ) -> None:
        draft = weights.with_name(f".{weights.name}")
        save_weights(self._extract(architecture, subnetwork), draft)
        draft.replace(weights)


def _rounds(in_turns: bool, rounds: int | None, epochs: int) -> int:
    """Raises:
    ValueError: An argument is no flag, or no number of rounds.
    """
    check_flag("in_turns", in_turns)
    if rounds is None:
        return epochs if in_turns else 1
    check_number("rounds", rounds, least=1, most=epochs, integer=True)
    return rounds
