"""How long a network takes for an image: `measure_latency`."""

import time
from collections.abc import Callable

import keras
import numpy as np

from nasnet_keras.deployment.export import as_input, exported, written
from nasnet_keras.deployment.formats import FORMATS
from nasnet_keras.deployment.latency.command import seconds_by_command
from nasnet_keras.deployment.timing import (
    forward_pass,
    image_shape,
    median_seconds,
    rewritten_graphs,
)
from nasnet_keras.quotation import quoted


def measure_latency(
    model: keras.Model,
    batch_size: int = 1,
    repeats: int = 30,
    warmup: int = 5,
    input_shape: tuple[int, ...] | None = None,
    clock: Callable[[], float] = time.perf_counter,
    runtime: str = "keras",
    command: str | None = None,
    int8: bool = False,
) -> float:
    """The median of the seconds of a forward pass on this machine, or what a
    command says of another one.

    The time is that of calling a `tf.function` of fixed shapes, in inference,
    on images that are in memory as a tensor. It holds all outputs of the model
    and the few microseconds of the call from Python. It does not hold the
    trace, the first calls and the reading of images. TensorFlow uses the
    threads that this process has set.

    Args:
        model: A Keras model with one input.
        batch_size: How many images in a pass. Default 1.
        repeats: How many passes are timed. Default 30.
        warmup: How many passes come before, untimed. Default 5.
        input_shape: The shape of an image, without the batch. Default: the
            model's; needed where the model's has a None.
        clock: Tells the seconds.
        runtime: `"keras"`, the default, or a format of `export`, in whose
            runtime the network is timed as it would be deployed, fused.
        command: A program and its arguments, which times the file of the
            network, of the format `runtime`: see `seconds_by_command`.
            It needs such a format. Default None: this process times it.
        int8: Whether the network is quantised before, for a runtime that has
            int8; by random images, since the seconds do not depend on the
            ranges. Default False.

    Raises:
        ValueError: The model has several inputs or takes another shape, the
            shape is not known, a number is out of range, or the runtime is
            unknown, not installed or, with `int8`, has none; or there is no
            such command.
        RunError: The command says nothing of use.
    """
    with rewritten_graphs():
        if runtime == "keras" and command is None:
            if int8:
                raise ValueError(
                    "The arguments `int8` and `runtime` disagree. Expected "
                    "int8=False in Keras, or a runtime that has int8, openvino "
                    "or litert. Received: int8=True, runtime='keras'."
                )
            function, images = forward_pass(model, batch_size, input_shape)
            return median_seconds(
                function, *images, repeats=repeats, warmup=warmup, clock=clock
            )
        if runtime not in FORMATS:
            raise ValueError(
                "Invalid value for argument `runtime`. Expected "
                + ("" if command else "keras, ")
                + f"{', '.join(FORMATS)}. Received: runtime={quoted(runtime)}."
            )
        calibration = _random_images(model, input_shape) if int8 else None
        options = runtime, batch_size, input_shape, calibration
        if command is not None:
            with written(model, *options) as (path, _):
                return seconds_by_command(command, path)
        with exported(model, *options) as call:
            return median_seconds(
                *call, repeats=repeats, warmup=warmup, clock=clock
            )


def _random_images(
    model: keras.Model, input_shape: tuple[int, ...] | None
) -> np.ndarray:
    shape = image_shape(model, input_shape)
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (8, *shape), np.uint8)
    return as_input(model, pixels)
