"""The names of a classifier's classes, as a layer: `ClassNames`."""

from collections.abc import Sequence
from typing import Any

import keras


@keras.saving.register_keras_serializable(package="nasnet_keras")
class ClassNames(keras.layers.Layer):
    """Returns its input, and keeps the names of the classes with the model.

    The last layer of a classifier, so that whoever loads a saved one knows
    what its outputs are of.

    Args:
        class_names: A name for each class, in the order of the outputs.

    Input shape:
        `(batch_size, classes)`.

    Output shape:
        The same.

    Raises:
        ValueError: There are not as many names as outputs.

    Example:

    >>> layer = ClassNames(["cat", "dog"])
    >>> layer(keras.ops.ones((1, 2))).shape
    TensorShape([1, 2])
    """

    def __init__(self, class_names: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.class_names = tuple(map(str, class_names))

    def build(self, input_shape):
        if input_shape[-1] != len(self.class_names):
            raise ValueError(
                "Invalid value for argument `class_names`. Expected a name for "
                f"each of {input_shape[-1]} classes. Received: "
                f"{len(self.class_names)} names."
            )
        self.built = True

    def call(self, inputs):
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "class_names": list(self.class_names),
        }
