"""A network as one graph without variables: `frozen_function`."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from nasnet_keras.deployment.timing import image_shape

INPUT, OUTPUT = "images", "output"


def frozen_function(
    model: keras.Model,
    batch_size: int | None = 1,
    input_shape: Sequence[int] | None = None,
) -> Any:
    """A network in inference as one traced function, weights as constants.

    Nothing has to be frozen after the trace, and what reads the graph finds a
    convolution, its kernel and its bias side by side.

    Args:
        model: A Keras model with one input.
        batch_size: How many images, None for any number. Default 1.
        input_shape: The shape of an image. Default: the model's.

    Returns:
        A concrete function of `images`, which returns a dict: the model's own,
        or its only output as `output`.

    Raises:
        ValueError: The model has several inputs, or a list of outputs, or the
            shape is not known or not the model's.
    """
    if isinstance(model.output, list | tuple):
        raise ValueError(
            "Invalid value for argument `model`. Expected one output or a dict "
            f"of them. Received: a list of {len(model.output)}."
        )
    values = [
        (each, keras.ops.convert_to_numpy(each)) for each in model.weights
    ]

    def call(images: tf.Tensor) -> dict[str, tf.Tensor]:
        constants = [(each, tf.constant(value)) for each, value in values]
        with keras.StatelessScope(state_mapping=constants):
            outputs = named(model(images, training=False))
        return {
            name: tf.identity(value, name) for name, value in outputs.items()
        }

    shape = tf.TensorShape([batch_size]).concatenate(
        image_shape(model, input_shape)
    )
    signature = tf.TensorSpec(shape, model.inputs[0].dtype, INPUT)
    return tf.function(
        call, input_signature=[signature], autograph=False
    ).get_concrete_function()


def named(outputs: Any) -> dict[str, Any]:
    """The outputs of a model by name, in alphabetical order."""
    if not isinstance(outputs, dict):
        return {OUTPUT: outputs}
    return {name: outputs[name] for name in sorted(outputs)}
