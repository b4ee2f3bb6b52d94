"""The identity operation."""

import keras

from nasnet_keras.layers.operations.base import Operation
from nasnet_keras.layers.parts.convolution_unit import UnitPlan


@keras.saving.register_keras_serializable(package="nasnet_keras")
class Identity(Operation):
    """Passes the state through. Where that cannot be, since the state has
    other channels or must be halved: ReLU, 1x1 convolution, batch norm
    (TF-slim, `nasnet_utils.py`). With the convention
    `strided_identity="factorized"` a factorized reduction halves it.

    Example:

    >>> Identity(8)(keras.ops.ones((2, 6, 6, 8))).shape
    TensorShape([2, 6, 6, 8])
    """

    @classmethod
    def plan(cls, channels, filters, strides, conventions):
        if strides == 1 and channels == filters:
            return ()
        factorized = conventions.strided_identity == "factorized"
        return (
            UnitPlan(
                filters,
                strides=(strides, strides),
                factorized=factorized and strides == 2,
            ),
        )

    @property
    def reads_raw(self):
        return not self.units

    def call(self, state, activated=None, training=None):
        if not self.units:
            return state
        return self._call_units(self._activated(state, activated), training)
