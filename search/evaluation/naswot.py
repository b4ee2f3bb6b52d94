"""NASWOT, a score of untrained networks: https://arxiv.org/abs/2006.04647."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from search.evaluation.base import EvaluationError
from search.evaluation.score import FirstBatchEvaluator

# By which attributes layers hold kernels.
KERNELS = ("kernel", "depthwise_kernel", "path_kernels")


class NASWOTEvaluator(FirstBatchEvaluator):
    """Scores a network by how well its ReLUs tell images apart: the logarithm
    of the determinant of K, where K_ij is the number of units that are alike,
    on or off, for the images i and j.

    K has whole numbers and no negative eigenvalue, so the score is at least 0;
    it is 0 where K is singular, as of two images that no unit tells apart.

    A unit counts once for each convolution or dense layer that reads it, as
    in the authors' code, where each convolution has a ReLU of its own. Were
    it counted once for all that read it, cells would hardly differ. What is
    read and somewhere negative comes from no ReLU, and does not count. A
    network without ReLUs, of swish for instance, has no score.

    Reference:
        [Mellor et al. 2021](https://arxiv.org/abs/2006.04647), section 3.

    Args:
        settings: How the children are made.
        images: See `FirstBatchEvaluator`. Default 64.

    Raises:
        ValueError: See `FirstBatchEvaluator`.
    """

    name = "naswot"

    def look(self, model: keras.Model, images: Any) -> float:
        alike = np.zeros((len(images), len(images)))

        def read(units: Any) -> None:
            if float(tf.reduce_min(units)) < 0:
                return
            on = tf.cast(tf.reshape(units, (len(images), -1)) > 0, "float32")
            both = tf.matmul(on, on, transpose_b=True)
            neither = tf.matmul(1 - on, 1 - on, transpose_b=True)
            np.add(alike, (both + neither).numpy(), out=alike)

        for layer in model._flatten_layers():
            if any(hasattr(layer, name) for name in KERNELS):
                layer.call = _told(layer.call, read)
        model(images, training=True)
        if not alike.any():
            raise EvaluationError("The network has no ReLU to score.")
        sign, logarithm = np.linalg.slogdet(alike)
        return max(0.0, float(logarithm)) if sign > 0 else 0.0


def _told(
    call: Callable[..., Any], read: Callable[[Any], None]
) -> Callable[..., Any]:
    """A layer's `call` that tells what it reads."""

    @functools.wraps(call)
    def told(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        read(inputs)
        return call(inputs, *args, **kwargs)

    return told
