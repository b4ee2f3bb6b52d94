"""The loss of a training, `SmoothedCrossentropy`, and `accuracy`: of labels
that are integers, or the shares of classes."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="nasnet_keras")
class SmoothedCrossentropy(keras.losses.Loss):
    """The cross entropy with label smoothing: a share of each label is spread
    evenly over all classes ([Rethinking the Inception Architecture](
    https://arxiv.org/abs/1512.00567), section 7).

    Args:
        label_smoothing: That share. Default 0.1 (paper A.7).

    Call arguments:
        y_true: Labels: integers, `[B]` or `[B, 1]`, or the share of each
            class, `[B, K]`, as of mixed images.
        y_pred: Probabilities, `[B, K]`.

    Example:

    >>> loss = SmoothedCrossentropy(0.1)
    >>> labels, probabilities = ops.array([0]), ops.array([[1.0, 0.0]])
    >>> float(loss(labels, probabilities)) > 0.5
    True
    """

    def __init__(
        self,
        label_smoothing: float = 0.1,
        name: str = "smoothed_crossentropy",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return keras.losses.categorical_crossentropy(
            _shares(y_true, y_pred),
            y_pred,
            label_smoothing=self.label_smoothing,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "label_smoothing": self.label_smoothing,
        }


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """Whether the most probable class is that of the label, 0 or 1, `[B]`: of
    a mixed image, that of the largest share.

    Args:
        y_true: See `SmoothedCrossentropy`.
        y_pred: See `SmoothedCrossentropy`.

    Example:

    >>> probabilities = ops.array([[0.2, 0.8]])
    >>> float(accuracy(ops.array([[0.6, 0.4]]), probabilities)[0])
    0.0
    >>> float(accuracy(ops.array([1]), probabilities)[0])
    1.0
    """
    return keras.metrics.categorical_accuracy(_shares(y_true, y_pred), y_pred)


def _shares(y_true: Any, y_pred: Any) -> Any:
    """Labels as the share of each class, `[B, K]`."""
    if y_true.shape[1:] == y_pred.shape[1:]:
        return ops.cast(y_true, y_pred.dtype)
    labels = ops.reshape(ops.cast(y_true, "int32"), (-1,))
    return ops.one_hot(labels, y_pred.shape[-1], dtype=y_pred.dtype)
