"""Evaluation by training: a child's reward is its validation accuracy."""

import contextlib
import dataclasses
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import keras
import tensorflow as tf

from nasnet_keras.architectures import ArchitectureKind, check_size
from nasnet_keras.console.activity import tell_activity
from nasnet_keras.training.checkpoint import restore_training, save_training
from nasnet_keras.training.recipes import Recipe, check_supported
from nasnet_keras.training.settings import recipe_arguments
from nasnet_keras.training.train import compile_network, train
from search.evaluation.base import (
    CHILD_UNSUPPORTED,
    Child,
    ChildSettings,
    EvaluationError,
    Evaluator,
)
from search.evaluation.child_data import (
    ChildData,
    prepare_tensorflow,
    short_trainings,
)
from search.spaces.base import lacks
from search.trial import IMAGES, Evaluation

# A child that is killed in its training loses about so much of it.
CHECKPOINT_SECONDS = 60


class TrainingEvaluator(Evaluator):
    """Builds the child network of an architecture, trains it by a recipe, and
    measures it on validation images.

    The outcome is a function of the architecture, the seed, the data and the
    number of threads. The evaluator changes settings of the process and puts
    them back. Two settings stay: `threads`, and that TensorFlow takes only the
    GPU memory that it needs.

    Args:
        settings: How the children are made.

    Raises:
        ValueError: The space has no networks, the data set cannot be read or
            has too few images or too small ones, or a setting is out of
            range.
    """

    reward_metric: ClassVar[str] = "accuracy"

    def __init__(self, settings: ChildSettings) -> None:
        space, recipe = settings.space, settings.recipe
        if space.kind is None:
            raise ValueError(lacks(space, "network"))
        check_supported(recipe, CHILD_UNSUPPORTED)
        prepare_tensorflow(settings.threads)
        self.space = space
        self.kind: ArchitectureKind = space.kind
        self.data = ChildData(settings)
        self.notes = self.data.notes_on(recipe)
        self.recipe = dataclasses.replace(
            recipe, augmentation=recipe.augmentation or self.data.augmentation
        )
        # The arguments of a child's network; a run records them, so that its
        # children can be built again without its data.
        self.network: dict[str, Any] = {
            "input_shape": list(self.data.image_shape),
            "classes": len(self.data.class_names),
            **_scale(self.kind, settings),
            **recipe_arguments(
                self.recipe, recipe.epochs * self.steps_per_epoch, self.kind
            ),
        }
        # What no child can be built with is refused here, before the first.
        decisions = (0,) * len(space.decisions)
        check_size(
            self.kind.complexity(space.decode(decisions), **self.network)
        )

    @property
    def steps_per_epoch(self) -> int:
        return len(self.data.train_images) // self.recipe.batch_size

    def describe(self) -> dict[str, Any]:
        return {
            "network": self.network,
            "class_names": list(self.data.class_names),
            "train_images": len(self.data.train_images),
            "recipe": dataclasses.asdict(self.recipe),
            "data": self.data.fingerprint,
            "threads": tf.config.threading.get_intra_op_parallelism_threads(),
        }

    def costs(self, architecture: Any) -> dict[str, float]:
        with buildable():
            complexity = self.kind.complexity(architecture, **self.network)
        return {
            "parameters": complexity.parameters,
            "multiply_adds": complexity.multiply_adds,
        }

    def build(self, architecture: Any) -> keras.Model:
        return self.kind.build(architecture, **self.network)

    @short_trainings()
    def evaluate(self, child: Child) -> Evaluation:
        schedule = self._schedule(child)
        clock = _Clock()
        tell_activity("building a network")
        try:
            model = self._begun(child, schedule)
            clock.lap("build")
            metrics = self._train(model, child, schedule, clock)
            clock.lap("train")
            tell_activity("validating")
            result = self.validated(model)
            clock.lap("validate")
        except tf.errors.ResourceExhaustedError as error:
            raise EvaluationError(
                "The child ran out of memory: take fewer filters, or smaller "
                "images or batches."
            ) from error
        metrics = {
            **metrics,
            **result,
            **self.costs(child.architecture),
            IMAGES: len(self.data.validation_labels),
            "steps": int(model.optimizer.iterations),
        }
        # The last step may be the one that diverges.
        if not all(map(math.isfinite, metrics.values())):
            raise EvaluationError("The child diverged: its loss is not finite.")
        if child.weights is not None:
            save_training(model, child.weights, steps_in_all=schedule.steps)
            clock.lap("save")
        return Evaluation(
            reward=result[self.reward_metric],
            metrics=metrics,
            seconds=clock.seconds,
            budget=child.budget or schedule.epochs,
        )

    def validated(self, model: keras.Model) -> dict[str, float]:
        """The metrics of a trained child on the validation images."""
        return model.evaluate(self.data.validation, verbose=0, return_dict=True)

    def _begun(self, child: Child, schedule: "_Schedule") -> keras.Model:
        """The child as it is to be trained on: new, or from its file."""
        # Graphs and variables of the last child.
        keras.backend.clear_session()
        keras.utils.set_random_seed(child.seed)
        asked = recipe_arguments(schedule.recipe, schedule.steps, self.kind)
        with buildable():
            model = self.kind.build(
                child.architecture, **{**self.network, **asked}
            )
        compile_network(model, schedule.recipe, schedule.steps_per_epoch)
        if child.weights is not None and child.is_begun:
            try:
                restore_training(model, child.weights, schedule.steps)
            except (OSError, KeyError, ValueError):
                # Damaged, or of another budget. Anew it comes to the same.
                child.weights.unlink()
                return self._begun(child, schedule)
        return model

    def _train(
        self,
        model: keras.Model,
        child: Child,
        schedule: "_Schedule",
        clock: "_Clock",
    ) -> dict[str, float]:
        """Trains to the end of a schedule; returns the metrics of its last
        epoch, if there was one to train."""
        tell_activity("tracing the first step")
        callbacks = [
            _Steps(clock, schedule.steps),
            keras.callbacks.TerminateOnNaN(),
        ]
        if child.weights is not None:
            callbacks.append(_Checkpoint(child.weights, schedule.steps))
        done = int(model.optimizer.iterations)
        epoch, steps = divmod(done, self.steps_per_epoch)
        history = train(
            model,
            self.data.batches(self.recipe, child.seed, epoch).skip(steps),
            schedule.recipe,
            schedule.steps_per_epoch,
            callbacks,
            done // schedule.steps_per_epoch,
            schedule.epochs,
        )
        return {"train_loss": history["loss"][-1]} if history else {}

    def _schedule(self, child: Child) -> "_Schedule":
        last, budget = self.recipe.epochs, child.budget
        if child.anew and budget is not None:
            # As many epochs of equal length as make it up.
            epochs = math.ceil(budget)
            recipe = dataclasses.replace(self.recipe, epochs=epochs)
            steps = round(self.steps_per_epoch * budget / epochs)
            return _Schedule(recipe, max(1, steps), epochs)
        if budget is not None and round(budget) > last:
            raise ValueError(
                "Invalid value for argument `budget`. Expected at most the "
                f"{last} epochs of the recipe. Received: budget={budget}."
            )
        epochs = last if budget is None else max(1, round(budget))
        return _Schedule(self.recipe, self.steps_per_epoch, epochs)


class _Schedule(NamedTuple):
    """The training of a child: a recipe, how long its epochs are, and to
    which of them it goes."""

    recipe: Recipe
    steps_per_epoch: int
    epochs: int

    @property
    def steps(self) -> int:
        """Those at whose end the learning rate ends."""
        return self.recipe.epochs * self.steps_per_epoch


class _Checkpoint(keras.callbacks.Callback):
    """Saves the training after an epoch, if the last time is long ago."""

    def __init__(self, path: Path, steps_in_all: int) -> None:
        super().__init__()
        self._path, self._steps_in_all = path, steps_in_all
        self._saved = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if time.monotonic() - self._saved >= CHECKPOINT_SECONDS:
            save_training(
                self.model, self._path, steps_in_all=self._steps_in_all
            )
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


class _Steps(keras.callbacks.Callback):
    """Ends the `trace` part: the first step traces the training graph; and
    says how many steps are done, of so many."""

    def __init__(self, clock: _Clock, total: int) -> None:
        super().__init__()
        self._clock = clock
        self._total = total
        self._done = 0

    def on_train_begin(self, logs: Any = None) -> None:
        self._done = int(self.model.optimizer.iterations)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if "trace" not in self._clock.seconds:
            self._clock.lap("trace")
        self._done += 1
        tell_activity("training steps", self._done, self._total)


@contextlib.contextmanager
def buildable() -> Iterator[None]:
    """A child that cannot be built fails, and the search continues."""
    try:
        yield
    except ValueError as error:
        raise EvaluationError(
            f"The child cannot be built: {str(error).rstrip('.')}."
        ) from error


def _scale(kind: ArchitectureKind, settings: ChildSettings) -> dict[str, int]:
    """The size of the networks: the kind's, but for what is given."""
    unknown = [name for name in settings.scale if name not in kind.scale]
    if unknown:
        raise ValueError(
            f"Invalid value for `{unknown[0]}`. Expected none: networks of "
            f"the space {settings.space.name!r} are scaled by "
            f"{', '.join(kind.scale) or 'nothing'}. Received: "
            f"{settings.scale[unknown[0]]}."
        )
    return {**kind.scale, **settings.scale}
