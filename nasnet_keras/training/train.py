"""Training a network by a recipe: `train`."""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nasnet_keras.optimization.losses import SmoothedCrossentropy, accuracy
from nasnet_keras.optimization.optimizer import Momentum, RMSProp
from nasnet_keras.training.process_state import REWRITING_OFF
from nasnet_keras.training.recipes import Recipe


def compile_network(
    model: keras.Model, recipe: Recipe, steps_per_epoch: int
) -> None:
    """Compiles a network with the optimizer and the losses of a recipe.

    All variables of the training are made here: Keras would make them within
    the first step, and trace that step twice.

    Args:
        model: What `build_network` returns.
        recipe: The recipe.
        steps_per_epoch: The number of batches of an epoch.
    """
    outputs = model.output if isinstance(model.output, dict) else {}
    loss: Any = "sparse_categorical_crossentropy"
    if recipe.label_smoothing or recipe.mixes:
        loss = SmoothedCrossentropy(recipe.label_smoothing)
    metrics: Any = [keras.metrics.SparseCategoricalAccuracy("accuracy")]
    if recipe.mixes:
        metrics = [keras.metrics.MeanMetricWrapper(accuracy, "accuracy")]
    loss_weights = None
    if outputs:
        loss = dict.fromkeys(outputs, loss)
        metrics = {"predictions": metrics}
        loss_weights = {
            "predictions": 1.0,
            "auxiliary_predictions": recipe.auxiliary_weight,
        }
    model.compile(
        optimizer=create_optimizer(recipe, steps_per_epoch),
        loss=loss,
        loss_weights=loss_weights,
        metrics=metrics,
        # XLA takes longer to compile these networks than it saves on CPUs.
        jit_compile=False,
    )
    model.optimizer.build(model.trainable_variables)
    labels: Any = tf.zeros((1,), tf.int32)
    probabilities: Any = tf.ones((1, _classes(model)))
    if outputs:
        labels = dict.fromkeys(outputs, labels)
        probabilities = dict.fromkeys(outputs, probabilities)
    model.compute_loss(None, labels, probabilities)
    model.compute_metrics(None, labels, probabilities)
    model.reset_metrics()
    if model.distribute_strategy.num_replicas_in_sync == 1:
        model.train_function = _train_function(model)


def _train_function(model: keras.Model) -> Callable[[Iterator[Any]], Any]:
    """A training step as one graph, until the model is compiled anew, or
    another way to run its steps is set on it, which is left to Keras.

    Keras makes two, one called by the other, for several steps at a time; all
    variables then go through both, which takes time to trace and to begin.
    """

    @tf.function(reduce_retracing=True, autograph=False)
    def step(batches: Any) -> Any:
        if isinstance(batches, tf.data.Iterator):
            batches = next(batches)
        return model.train_step(batches)

    def function(batches: Iterator[Any]) -> Any:
        settings = model.jit_compile, model.run_eagerly
        if any(settings) or model.steps_per_execution != 1:
            model.make_train_function(force=True)
            return model.train_function(batches)
        if isinstance(batches, tf.data.Iterator):
            return step(batches)
        return step(next(batches))  # of `train_on_batch`

    return function


def create_optimizer(
    recipe: Recipe, steps_per_epoch: int
) -> keras.optimizers.Optimizer:
    """The optimizer of a recipe, for `compile`.

    Args:
        recipe: The recipe.
        steps_per_epoch: The number of batches of an epoch.
    """
    settings: dict[str, Any] = {
        "learning_rate": _schedule(recipe, steps_per_epoch),
        "momentum": recipe.momentum,
        "l2": recipe.l2,
        "global_clipnorm": recipe.clip_norm,
    }
    if recipe.average_weights is not None:
        settings |= {"use_ema": True, "ema_momentum": recipe.average_weights}
    if recipe.optimizer == "rmsprop":
        return RMSProp(epsilon=recipe.epsilon, **settings)
    return Momentum(**settings)


def _schedule(recipe: Recipe, steps_per_epoch: int) -> Any:
    schedules = keras.optimizers.schedules
    if recipe.schedule == "cosine":
        return schedules.CosineDecay(
            recipe.learning_rate, recipe.epochs * steps_per_epoch
        )
    return schedules.ExponentialDecay(
        recipe.learning_rate,
        max(1, round(recipe.decay_epochs * steps_per_epoch)),
        recipe.decay_rate,
        staircase=True,
    )


def train(
    model: keras.Model,
    batches: tf.data.Dataset,
    recipe: Recipe,
    steps_per_epoch: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    first_epoch: int = 0,
    epochs: int | None = None,
    validation: tf.data.Dataset | None = None,
    class_weights: np.ndarray | None = None,
) -> dict[str, list[float]]:
    """Trains a compiled network by its recipe.

    Args:
        model: A network that `compile_network` has compiled.
        batches: Endless batches of images and labels, by
            `training_pipeline`, from `first_epoch` on.
        recipe: The recipe.
        steps_per_epoch: The number of batches of an epoch.
        callbacks: Keras callbacks.
        first_epoch: How many epochs the network has been trained for.
            Default 0.
        epochs: For how many it is to have been trained in the end. Default:
            all of the recipe's.
        validation: Batches to measure on after each epoch. Default None.
        class_weights: `[classes]`, what the losses of the images of a class
            are multiplied with, those of the auxiliary head too, for which
            the `class_weight` of Keras does not serve. Default None: 1.

    Returns:
        For each metric its value after each epoch.
    """
    if class_weights is not None:
        weights = tf.constant(class_weights, tf.float32)

        def weigh(images: Any, labels: Any) -> Any:
            if labels.dtype.is_floating:  # shares of the classes
                return images, labels, tf.linalg.matvec(labels, weights)
            return images, labels, tf.gather(weights, labels)

        batches = batches.map(weigh)
    if isinstance(model.output, dict):
        names = list(model.output)

        def for_each(images: Any, labels: Any, *weights: Any) -> Any:
            return images, dict.fromkeys(names, labels), *weights

        batches = batches.map(for_each)
        validation = validation and validation.map(for_each)
    with warnings.catch_warnings():
        # A cell that leaves an input unread leaves the cell before it
        # without effect: part of the space, and nothing to warn of.
        warnings.filterwarnings("ignore", "Gradients do not exist")
        history = model.fit(
            batches,
            initial_epoch=first_epoch,
            epochs=recipe.epochs if epochs is None else epochs,
            steps_per_epoch=steps_per_epoch,
            callbacks=list(callbacks),
            validation_data=validation,
            shuffle=False,
            verbose=0,
        )
    return history.history


def _classes(model: keras.Model) -> int:
    output = model.output
    if isinstance(output, dict):
        output = output["predictions"]
    return output.shape[-1]


def grow_gpu_memory() -> None:
    """Has a process take of the memory of GPUs what it needs, so that others
    share them; TensorFlow by itself takes all. GPUs that have begun work, or
    that the user has divided, stay as they are."""
    for gpu in tf.config.list_physical_devices("GPU"):
        with contextlib.suppress(RuntimeError, ValueError):
            tf.config.experimental.set_memory_growth(gpu, True)


@contextlib.contextmanager
def unrewritten_graphs() -> Iterator[None]:
    """Has TensorFlow rewrite no graphs, for a block or a function, so that it
    comes to the same wherever children are trained; see
    `prepare_short_trainings`."""
    before = tf.config.optimizer.get_experimental_options()
    prepare_short_trainings()
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options(
            {REWRITING_OFF: before.get(REWRITING_OFF, False)}
        )


def prepare_short_trainings(short: bool = True) -> None:
    """Tells TensorFlow whether trainings are so short that rewriting their
    graphs would take longer than it saves, as those of a search are; and
    calls `grow_gpu_memory`, as all trainings do."""
    grow_gpu_memory()
    tf.config.optimizer.set_experimental_options({REWRITING_OFF: short})


def prepare_long_trainings() -> None:
    """Has TensorFlow rewrite graphs, and compute the same every time, so that
    a resumed training ends as one that was never stopped."""
    prepare_short_trainings(False)
    tf.config.experimental.enable_op_determinism()
