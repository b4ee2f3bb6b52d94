"""ScheduledDropPath drops whole paths: more in later cells, and more at later
steps."""

from typing import Any

import keras
from keras import ops

from nasnet_keras.quotation import quoted


@keras.saving.register_keras_serializable(package="nasnet_keras")
class DropPath(keras.layers.Layer):
    """Drops paths of each example at random while training.

    With probability p a path is set to zero, else it is divided by 1 - p, so
    that its expectation stays. Over the training p rises linearly from 0 to
    `rate`:

        p = rate * min(1, step / total_steps)

    which with `rate` proportional to a cell's depth is version 3 of TF-slim's
    schedule (`nasnet_utils.py`). The step is a variable of the layer that
    each forward pass in training increments, so it is right in custom loops
    and is saved with the weights.

    Args:
        rate: The final probability with which a path is dropped, from 0 up
            to but not including 1.
        total_steps: Over how many steps the probability rises. None, the
            default: it is `rate` from the start (TF-slim's version 2).
        seed: Fixes what is dropped. Default: the global Keras seed.

    Call arguments:
        inputs: A tensor, or a list of tensors: the paths.
        training: Whether to drop anything.

    Input shape:
        Tensors with shape `(batch_size, ...)`, all of one rank.

    Output shape:
        The same.

    Raises:
        ValueError: `rate` or `total_steps` is out of range.

    Example:

    >>> layer = DropPath(0.5)
    >>> layer(keras.ops.ones((2, 4, 4, 3)), training=True).shape
    TensorShape([2, 4, 4, 3])
    """

    def __init__(
        self,
        rate: float,
        total_steps: int | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(
                "Invalid value for argument `rate`. Expected a probability "
                "from 0 up to but not including 1. Received: "
                f"rate={quoted(rate)}."
            )
        if total_steps is not None and total_steps < 1:
            raise ValueError(
                "Invalid value for argument `total_steps`. Expected a "
                "positive number of steps or None. Received: "
                f"total_steps={quoted(total_steps)}."
            )
        self.rate = rate
        self.total_steps = total_steps
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.step = self.add_weight(
            name="step",
            shape=(),
            dtype="int32",
            initializer="zeros",
            trainable=False,
            autocast=False,
        )
        self.built = True

    def call(self, inputs, training=None):
        if not training or self.rate == 0:
            return inputs
        paths = inputs if isinstance(inputs, list) else [inputs]
        masks = self.masks(paths[0], len(paths))
        outputs = [path * mask for path, mask in zip(paths, masks, strict=True)]
        return outputs if isinstance(inputs, list) else outputs[0]

    def masks(self, like: Any, paths: int) -> list[Any]:
        """One training step's factors for a number of paths, to multiply
        with: tensors `[batch_size, 1, ...]` of the rank and type of `like`.

        A cell draws those of all its paths at once.
        """
        keep = 1.0 - self.rate * self._progress()
        shape = (paths, ops.shape(like)[0]) + (1,) * (len(like.shape) - 1)
        draws = keras.random.uniform(shape, seed=self.seed_generator)
        return list(ops.unstack(path_factors(draws, keep, like.dtype), paths))

    def _progress(self) -> Any:
        if self.total_steps is None:
            return 1.0
        step = ops.cast(self.step, "float32")
        self.step.assign_add(1)
        return ops.minimum(1.0, step / self.total_steps)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "rate": self.rate,
            "total_steps": self.total_steps,
            "seed": self.seed,
        }


def path_factors(draws: Any, keep: Any, dtype: Any) -> Any:
    """What paths are multiplied with, given uniform draws from 0 to 1: 0
    where they are dropped, and 1 / keep elsewhere."""
    return ops.cast(ops.floor(keep + draws) / keep, dtype)
