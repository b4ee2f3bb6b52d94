"""The loss of a training: `SmoothedCrossentropy`."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="nasnet_keras")
class SmoothedCrossentropy(keras.losses.Loss):
    """The cross entropy of integer labels with label smoothing: a share of
    each label is spread evenly over all classes ([Rethinking the Inception
    Architecture](https://arxiv.org/abs/1512.00567), section 7).

    Args:
        label_smoothing: That share. Default 0.1 (paper A.7).

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
        classes = y_pred.shape[-1]
        labels = ops.one_hot(
            ops.reshape(ops.cast(y_true, "int32"), (-1,)),
            classes,
            dtype=y_pred.dtype,
        )
        return keras.losses.categorical_crossentropy(
            labels, y_pred, label_smoothing=self.label_smoothing
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "label_smoothing": self.label_smoothing,
        }
