"""The base of evaluators whose children share one network:
`OneNetworkEvaluator`."""

import abc
import functools
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nasnet_keras.console.command_line import RunError
from nasnet_keras.processor import usable_cores
from nasnet_keras.quotation import quoted
from nasnet_keras.training.checkpoint import save_weights
from nasnet_keras.training.data.pipeline import EVALUATION_BATCH_SIZE
from nasnet_keras.training.data.streaming import Images
from nasnet_keras.training.recipes import check_supported
from search.evaluation.base import (
    GRADIENT_UNSUPPORTED,
    SHARED_UNSUPPORTED,
    Child,
    ChildSettings,
    EvaluationError,
)
from search.evaluation.child_data import short_trainings
from search.evaluation.training import TrainingEvaluator
from search.storage.run_folder import SHARED_CHILDREN_FILE, SHARED_FILE
from search.strategies.argument_checks import check_number
from search.trial import IMAGES, Evaluation
from search.weight_sharing.gradients.expected_cost import (
    COST_WEIGHT,
    WeighedCost,
)
from search.weight_sharing.measurement import measure
from search.weight_sharing.training import SharedTraining

# What a recipe cannot do without, and the training of the shared network does
# otherwise.
OTHERWISE = dict.fromkeys(
    ("optimizer", "schedule", "decay_rate", "decay_epochs", "epsilon"),
    "a shared network is trained by momentum, with a cosine",
)

# Of a batch of small images to evaluate: each call of a layer costs the same.
PIXELS = 2**18


def no_more(what: str, number: int) -> RunError:
    """What ends a search that has evaluated all that there are."""
    return RunError(f"All {number} {what} were evaluated; there are no more.")


class OneNetworkEvaluator(TrainingEvaluator):
    """Trains one network for all children, keeps it in a file among them, and
    measures a child with the weights that it finds there.

    Args:
        settings: How the children are made; the recipe is that of the shared
            network.
        calibration_batches: How many training batches give the batch norms
            of a child their statistics.
        cost_weight: By how much a loss weighs a cost, where gradients choose
            the architecture and the reward weighs one.

    Raises:
        ValueError: See `TrainingEvaluator`; or an option is out of range.
    """

    def __init__(
        self,
        settings: ChildSettings,
        calibration_batches: int,
        cost_weight: float = COST_WEIGHT,
    ) -> None:
        check_supported(settings.recipe, SHARED_UNSUPPORTED | OTHERWISE)
        check_number(
            "calibration_batches", calibration_batches, least=1, integer=True
        )
        check_number("cost_weight", cost_weight, least=0)
        super().__init__(settings)
        batch_size = self.recipe.batch_size
        if batch_size < 2:
            raise ValueError(
                "Invalid value for argument `batch_size`. Expected 2 or more "
                "with shared weights, which normalise by the batch. Received: "
                f"batch_size={batch_size}."
            )
        self.seed = settings.seed
        self.calibration_batches = calibration_batches
        self._threads = settings.threads or usable_cores()
        self.shared_weights = self
        self._cost_weight = cost_weight
        self._weighed: WeighedCost | None = None
        self._training: SharedTraining | None = None
        self._trained: Callable[[int, int, float], object] | None = None
        self._best = (-1, -math.inf)  # of a round, the reward
        self._seconds = 0.0  # of training that is in no evaluation yet

    # === What a kind of sharing says ===

    @abc.abstractmethod
    def create_training(self) -> SharedTraining:
        """The training of a new shared network, as it begins."""

    @abc.abstractmethod
    def bound(self, training: SharedTraining, architecture: Any) -> Any:
        """A child with the weights as they are now: called for its logits,
        `calibrate(batches)` gives it statistics, `copy_to(model)` gives its
        weights to an ordinary model."""

    @abc.abstractmethod
    def learnt(self, training: SharedTraining, number: int) -> Any:
        """The architecture that gradients have found, the best first, or None
        where there are no more.

        Raises:
            ValueError: It learns no architectures.
        """

    def round_of(self, child: Child) -> int:
        """The number of the part of the training that comes before a child
        is evaluated. By default there is one part."""
        return 0

    def end(self, number: int) -> int:
        """The last step of a part of the training."""
        return self.recipe.epochs * self.steps_per_epoch

    # === What all do ===

    def weigh(self, cost: Callable[[Any], float], target: float) -> None:
        self._weighed = WeighedCost(cost, target, self._cost_weight)

    def _check_gradients(self) -> None:
        """Raises:
        ValueError: The recipe has what gradients do not follow, or there are
            too few validation images to learn from.
        """
        check_supported(self.recipe, GRADIENT_UNSUPPORTED)
        images, batch_size = self.data.validation_images, self.recipe.batch_size
        if len(images) < batch_size:
            raise ValueError(
                "Too few images to validate on. Expected, where gradients "
                f"choose, at least a batch of them, {batch_size}. Received: "
                f"{len(images)}; hold out more by `validation_images` "
                "(--validation-images), or give a smaller `batch_size` "
                "(--batch-size)."
            )

    def described_cost(self) -> Mapping[str, float]:
        """What of the cost an outcome depends on, besides the reward."""
        return (
            {"cost_weight": self._cost_weight, "target": self._weighed.target}
            if self._weighed
            else {}
        )

    @short_trainings()
    def evaluate(self, child: Child) -> Evaluation:
        seconds = {}
        began = time.perf_counter()
        training = self._shared_training(child.folder)
        current = self.round_of(child)
        if training.steps < self.end(current):
            training.run(
                child.folder and child.folder / SHARED_FILE, self.end(current)
            )
            self._seconds += time.perf_counter() - began
        if training.steps != self.end(current):
            raise RunError(
                f"{child.folder} holds a shared network of other children than "
                f"its {SHARED_CHILDREN_FILE}. Begin another run."
            )
        if self._seconds:
            seconds["train"], self._seconds = self._seconds, 0.0
        began = time.perf_counter()
        bound = self.bound(training, child.architecture)
        accuracy, loss = self.measure(bound)
        seconds["validate"] = time.perf_counter() - began
        if not math.isfinite(loss):
            raise EvaluationError("The child's loss is not finite.")
        if child.weights is not None and (current, accuracy) > self._best:
            # The others have theirs in the shared network.
            self._best = (current, accuracy)
            self._save(child.architecture, bound, child.weights)
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

    @short_trainings()
    def suggest(self, number: int, folder: Path) -> Any:
        began = time.perf_counter()
        training = self._shared_training(folder)
        if training.steps < training.last_step:
            training.run(folder / SHARED_FILE)
            self._seconds += time.perf_counter() - began
        return self.learnt(training, number)

    def _shared_training(self, folder: Path | None) -> SharedTraining:
        """The training, in a folder of children if there is one."""
        if self._training is None:
            self._training = self.create_training()
            self._training.watch = self._trained
        return self._training

    @short_trainings()
    def accuracy(self, architecture: Any, folder: Path) -> float:
        training = self._restored(folder)
        accuracy, _ = self.measure(self.bound(training, architecture))
        return accuracy

    @short_trainings()
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
        bound = self.bound(training, child.architecture)
        bound.calibrate(self._calibration)
        return self._extract(child.architecture, bound)

    def _restored(self, folder: Path) -> SharedTraining:
        """The training as it lies in a folder of children."""
        if self._training is None:
            training = self.create_training()
            training.restore(folder / SHARED_FILE)
            self._training = training
        return self._training

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

    def measure(self, bound: Any) -> tuple[float, float]:
        """Accuracy and mean loss on the validation images, after the batch
        norms of a child were given statistics of its own."""
        bound.calibrate(self._calibration)
        height, width, _ = self.data.image_shape
        images_at_once = max(EVALUATION_BATCH_SIZE, PIXELS // (height * width))
        return measure(
            bound,
            self.data.validation.rebatch(images_at_once),
            self._threads,
        )

    def _extract(self, architecture: Any, bound: Any) -> keras.Model:
        model = self.build(architecture)
        bound.copy_to(model)
        return model

    def _save(self, architecture: Any, bound: Any, weights: Path) -> None:
        draft = weights.with_name(f".{weights.name}")
        save_weights(self._extract(architecture, bound), draft)
        draft.replace(weights)
