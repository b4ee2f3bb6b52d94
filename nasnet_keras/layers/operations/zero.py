"""The operation that is none."""

import keras
from keras import ops

from nasnet_keras.layers.operations.base import Operation


@keras.saving.register_keras_serializable(package="nasnet_keras")
class Zero(Operation):
    """Zeros in the shape of an output, whatever the state: no connection
    (DARTS, `cnn/operations.py`).

    A block that reads a state so has read it: the cell does not concatenate
    it as one of the unused.

    Example:

    >>> float(keras.ops.max(Zero(8)(keras.ops.ones((2, 6, 6, 3)))))
    0.0
    """

    @classmethod
    def plan(cls, channels, filters, strides, conventions):
        return ()

    @property
    def reads_raw(self):
        return True

    def call(self, state, activated=None, training=None):
        shape = list(ops.shape(state))
        for axis in self.conventions.spatial_axes:
            shape[axis] = (shape[axis] + self.strides - 1) // self.strides
        shape[self.conventions.channel_axis] = self.filters
        return ops.zeros(shape, dtype=self.compute_dtype)
