"""Evaluation by training: a child's reward is its validation accuracy."""

import dataclasses
import math
import time
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from nasnet_keras.genotype import Genotype
from nasnet_keras.published import NASNET_A
from nasnet_keras.training.checkpoint import restore_training, save_training
from nasnet_keras.training.data.datasets import load_dataset
from nasnet_keras.training.data.pipeline import (
    EVALUATION_BATCH_SIZE,
    default_augmentation,
    evaluation_pipeline,
    recipe_pipeline,
)
from nasnet_keras.training.data.splits import split
from nasnet_keras.training.recipes import RECIPES, Augmentation
from nasnet_keras.training.train import (
    compile_network,
    prepare_short_trainings,
    train,
)
from search.evaluation.base import Child, EvaluationError, Evaluator
from search.spaces.nasnet_network import ChildNetwork
from search.trial import Evaluation

# A child that is killed in its training loses about so much of it.
CHECKPOINT_SECONDS = 60


class TrainingEvaluator(Evaluator):
    """Builds the child network of a genotype, trains it by the
    `search-proxy` recipe in small, and measures it on validation images.

    The outcome is a function of the genotype, the seed, the data and the
    number of threads.

    Args:
        dataset: A name, a folder or an `.npz` file, for `load_dataset`.
        seed: Divides the training images into those to train on and those
            to validate on. The test images are never read.
        repeats: N, the normal cells of each stage. Paper: 2. Default 1.
        filters: F, the filters of the first stage. Default 8.
        image_size: Height and width to train at, for `load_dataset`; None for
            the data's own.
        epochs: How often each image is seen. Paper: 20. Default 3.
        train_images: How many images to train on; None for all left.
        validation_images: How many to validate on; None for a tenth.
        batch_size: Images per step. Default 64.
        learning_rate: At the first step. Default 0.05.
        drop_path_rate: The final rate of ScheduledDropPath. Default 0.1.
        l2: L2 regularisation. Default 5e-4.
        augmentation: `"crop-flip"`, `"crop"` or `"none"`. Default: by the
            data set.
        threads: How many threads a child trains on; None for all.

    Raises:
        ValueError: The data set cannot be read, has too few images or too
            small ones, or an argument is out of range.
    """

    def __init__(
        self,
        dataset: str,
        seed: int = 0,
        repeats: int = 1,
        filters: int = 8,
        image_size: int | None = None,
        epochs: int = 3,
        train_images: int | None = None,
        validation_images: int | None = None,
        batch_size: int = 64,
        learning_rate: float = 0.05,
        drop_path_rate: float = 0.1,
        l2: float = 5e-4,
        augmentation: Augmentation | None = None,
        threads: int | None = None,
    ) -> None:
        _prepare_tensorflow(threads)
        data = load_dataset(dataset, image_size=image_size)
        parts = split(data, validation_images or 0.1, train_images, seed)
        if len(parts.train) < batch_size:
            raise ValueError(
                "The arguments `train_images` and `batch_size` disagree. "
                "Expected at least one batch of images to train on. "
                f"Received: {len(parts.train)} images, batch_size="
                f"{batch_size}."
            )
        self.recipe = dataclasses.replace(
            RECIPES["search-proxy"],
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            drop_path_rate=drop_path_rate,
            l2=l2,
            augmentation=augmentation or default_augmentation(dataset),
        )
        self.dataset = dataset
        self.fingerprint = parts.fingerprint
        self.train_images = parts.train.images
        self.train_labels = parts.train.labels
        self.validation_images = parts.validation.images
        self.validation_labels = parts.validation.labels
        self.network = ChildNetwork(
            input_shape=list(self.train_images.shape[1:]),
            classes=data.num_classes,
            repeats=repeats,
            filters=filters,
            drop_path_rate=drop_path_rate,
            drop_path_steps=epochs * self.steps_per_epoch,
        )
        # What no child can be built with is refused here, before the first.
        self.network.complexity(NASNET_A)
        self.validation = evaluation_pipeline(
            self.validation_images,
            self.validation_labels,
            min(EVALUATION_BATCH_SIZE, len(parts.validation)),
        ).cache()

    @property
    def steps_per_epoch(self) -> int:
        return len(self.train_images) // self.recipe.batch_size

    def describe(self) -> dict[str, Any]:
        return {
            "network": dataclasses.asdict(self.network),
            "train_images": len(self.train_images),
            "recipe": dataclasses.asdict(self.recipe),
            "data": self.fingerprint,
            "threads": tf.config.threading.get_intra_op_parallelism_threads(),
        }

    def costs(self, architecture: Genotype) -> dict[str, float]:
        complexity = self.network.complexity(architecture)
        return {
            "parameters": complexity.parameters,
            "multiply_adds": complexity.multiply_adds,
        }

    def build(self, architecture: Genotype) -> keras.Model:
        return self.network.build(architecture)

    def evaluate(self, child: Child) -> Evaluation:
        epochs = self._epochs(child.budget)
        # Graphs and variables of the last child.
        keras.backend.clear_session()
        keras.utils.set_random_seed(child.seed)
        clock = _Clock()
        try:
            model = self._begun(child)
            clock.lap("build")
            metrics = self._train(model, child, epochs, clock)
            clock.lap("train")
            result = model.evaluate(
                self.validation, verbose=0, return_dict=True
            )
            clock.lap("validate")
        except tf.errors.ResourceExhaustedError as error:
            raise EvaluationError(
                f"The child ran out of memory: {error.message}."
            ) from error
        metrics = {
            **metrics,
            **result,
            **self.costs(child.architecture),
            "steps": int(model.optimizer.iterations),
        }
        # The last step may be the one that diverges.
        if not all(map(math.isfinite, metrics.values())):
            raise EvaluationError("The child diverged: its loss is not finite.")
        if child.weights is not None:
            save_training(model, child.weights)
            clock.lap("save")
        return Evaluation(
            reward=result["accuracy"],
            metrics=metrics,
            seconds=clock.seconds,
            budget=epochs,
        )

    def _begun(self, child: Child) -> keras.Model:
        """The child as it is to be trained on: new, or from its file."""
        model = self.build(child.architecture)
        compile_network(model, self.recipe, self.steps_per_epoch)
        if child.weights is not None and child.is_begun:
            try:
                restore_training(model, child.weights)
            except (OSError, KeyError, ValueError):
                # Damaged. Anew it comes to the same.
                child.weights.unlink()
                return self._begun(child)
        return model

    def _train(
        self,
        model: keras.Model,
        child: Child,
        epochs: int,
        clock: "_Clock",
    ) -> dict[str, float]:
        """Trains to the end of so many epochs; returns the metrics of the
        last one, if there was one to train."""
        callbacks = [_FirstStep(clock), keras.callbacks.TerminateOnNaN()]
        if child.weights is not None:
            callbacks.append(_Checkpoint(child.weights))
        first_epoch = int(model.optimizer.iterations) // self.steps_per_epoch
        history = train(
            model,
            recipe_pipeline(
                self.recipe,
                self.dataset,
                self.train_images,
                self.train_labels,
                child.seed,
                first_epoch,
            ),
            self.recipe,
            self.steps_per_epoch,
            callbacks,
            first_epoch,
            epochs,
        )
        return {"train_loss": history["loss"][-1]} if history else {}

    def _epochs(self, budget: float | None) -> int:
        last = self.recipe.epochs
        if budget is not None and round(budget) > last:
            raise ValueError(
                "Invalid value for argument `budget`. Expected at most the "
                f"{last} epochs of the recipe. Received: budget={budget}."
            )
        return last if budget is None else max(1, round(budget))


class _Checkpoint(keras.callbacks.Callback):
    """Saves the training after an epoch, if the last time is long ago."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._saved = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if time.monotonic() - self._saved >= CHECKPOINT_SECONDS:
            save_training(self.model, self._path)
            self._saved = time.monotonic()


class _Clock:
    """The seconds of the parts of an evaluation."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, part: str) -> None:
        now = time.perf_counter()
        self.seconds[part] = now - self._last
        self._last = now


class _FirstStep(keras.callbacks.Callback):
    """Ends the `trace` part: the first step traces the training graph."""

    def __init__(self, clock: _Clock) -> None:
        super().__init__()
        self._clock = clock

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if "trace" not in self._clock.seconds:
            self._clock.lap("trace")


def _prepare_tensorflow(threads: int | None) -> None:
    """Prepares TensorFlow for many short trainings of small graphs."""
    tf.config.experimental.enable_op_determinism()
    prepare_short_trainings()
    if threads is None:
        return
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        raise ValueError(
            "Invalid value for argument `threads`. Expected None, since "
            "TensorFlow has begun work in this process. Received: "
            f"threads={threads}."
        ) from None
