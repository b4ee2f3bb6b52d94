"""How long TensorFlow takes over a function: `median_seconds`,
`seconds_in_turns`."""

import functools
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nasnet_keras.processor import usable_cores

Call = tuple[Callable[..., Any], tuple[Any, ...]]  # a function, its arguments
Timer = Callable[..., float]  # of a function and its arguments, in seconds


def median_seconds(
    function: Callable[..., Any],
    *arguments: Any,
    repeats: int = 30,
    warmup: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """The median of the seconds of a call.

    Args:
        function: What to call.
        arguments: What to call it with.
        repeats: How many calls are timed. Default 30.
        warmup: How many calls come before, untimed: TensorFlow optimises a
            graph in its first. Default 5.
        clock: Tells the seconds.

    Raises:
        ValueError: `repeats` is not positive, or `warmup` negative.

    Example:

    >>> ticks = iter([0.0, 3.0, 10.0, 11.0, 20.0, 25.0])
    >>> median_seconds(int, repeats=3, clock=lambda: next(ticks))
    3.0
    """
    for argument, value, least in (
        ("repeats", repeats, 1),
        ("warmup", warmup, 0),
    ):
        if type(value) is not int or value < least:
            raise ValueError(
                f"Invalid value for argument `{argument}`. Expected an "
                f"integer of at least {least}. Received: {argument}={value!r}."
            )
    for _ in range(warmup):
        function(*arguments)
    seconds = []
    for _ in range(repeats):
        began = clock()
        function(*arguments)
        seconds.append(clock() - began)
    return statistics.median(seconds)


# For what is timed again and again.
briefly = functools.partial(median_seconds, repeats=10, warmup=3)


def seconds_in_turns(
    calls: Sequence[Call],
    rounds: int,
    timer: Timer = briefly,
    progress: Callable[[], None] = lambda: None,
) -> list[list[float]]:
    """The seconds of each call in each round. On a shared machine they change
    from minute to minute: take the median of a call over the rounds.

    Args:
        calls: What to call.
        rounds: How often all are timed, one after the other.
        timer: Takes a function and its arguments, returns the seconds of a
            call. Default `briefly`, the median of 10 calls after 3 others.
        progress: Called whenever one was timed.

    Example:

    >>> calls = [(abs, (-2,)), (abs, (3,))]
    >>> seconds_in_turns(calls, rounds=2, timer=lambda run, x: run(x))
    [[2, 2], [3, 3]]
    """
    seconds: list[list[float]] = [[] for _ in calls]
    with rewritten_graphs():
        for _ in range(rounds):
            for (function, arguments), row in zip(calls, seconds, strict=True):
                row.append(timer(function, *arguments))
                progress()
    return seconds


def traced(
    function: Callable[..., Any], *shapes: Any, dtype: str = "float32"
) -> Call:
    """A function as one graph of fixed shapes, and values to call it with.

    Args:
        function: Takes tensors, or lists of tensors.
        shapes: The `tf.TensorShape`, or the list of them, of each argument.
        dtype: Of all tensors.
    """
    random = np.random.default_rng(0)
    values = tf.nest.map_structure(
        lambda shape: tf.constant(random.normal(size=shape), dtype), shapes
    )
    signature = tf.nest.map_structure(tf.TensorSpec.from_tensor, values)
    graph = tf.function(function, input_signature=signature, autograph=False)
    graph.get_concrete_function()
    return graph, values


def forward_pass(
    model: keras.Model,
    batch_size: int = 1,
    input_shape: Sequence[int] | None = None,
) -> Call:
    """A model in inference as one graph, and images to call it with.

    Args:
        model: A Keras model with one input.
        batch_size: How many images.
        input_shape: The shape of an image. Default: the model's.

    Raises:
        ValueError: The model has several inputs, or the shape is not known or
            not the model's.
    """
    if type(batch_size) is not int or batch_size < 1:
        raise ValueError(
            "Invalid value for argument `batch_size`. Expected a positive "
            f"integer. Received: batch_size={batch_size!r}."
        )
    shape = image_shape(model, input_shape)
    return traced(
        lambda images: model(images, training=False),
        tf.TensorShape([batch_size]).concatenate(shape),
        dtype=model.inputs[0].dtype,
    )


def image_shape(
    model: keras.Model, input_shape: Sequence[int] | None = None
) -> tf.TensorShape:
    """The shape of an image for a model, without a None.

    Args:
        model: A Keras model with one input.
        input_shape: The shape. Default: the model's.

    Raises:
        ValueError: The model has several inputs, or the shape is not known or
            not the model's.
    """
    if len(model.inputs) != 1:
        raise ValueError(
            "Invalid value for argument `model`. Expected one input. "
            f"Received: {len(model.inputs)} inputs."
        )
    own = tf.TensorShape(model.inputs[0].shape[1:])
    shape = own if input_shape is None else tf.TensorShape(input_shape)
    if not shape.is_fully_defined() or not own.is_compatible_with(shape):
        raise ValueError(
            "Invalid value for argument `input_shape`. Expected the numbers "
            f"of an image of the model, whose own are {tuple(own)}. Received: "
            f"input_shape={input_shape!r}."
        )
    return shape


@contextmanager
def rewritten_graphs() -> Iterator[None]:
    """Has TensorFlow rewrite graphs as it does by default, though searches
    tell it not to (`prepare_short_trainings`): who uses a network calls it
    more than a few times."""
    option = "disable_meta_optimizer"
    before = tf.config.optimizer.get_experimental_options().get(option, False)
    tf.config.optimizer.set_experimental_options({option: False})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({option: before})


def versions() -> dict[str, str | int]:
    """Of what computes."""
    return {"tensorflow": tf.__version__, "keras": keras.__version__}


def machine_facts() -> dict[str, str | int]:
    """What of the machine and the process a latency depends on."""
    threads = tf.config.threading
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processors": usable_cores(),
        # 0: as many as there are processors.
        "intra_op_threads": threads.get_intra_op_parallelism_threads(),
        "inter_op_threads": threads.get_inter_op_parallelism_threads(),
    }
