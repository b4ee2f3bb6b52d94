"""Batch normalisation by the backend's fused kernel."""

import keras
from keras import ops

from nasnet_keras import kernels


@keras.saving.register_keras_serializable(package="nasnet_keras")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` over the channels of images, in one
    graph operation where the stock layer takes a dozen.

    It freezes, saves and loads as the stock layer does, and is one for
    `isinstance`. The moving variance takes in the unbiased variance of each
    batch; see `nasnet_keras.kernels`.

    Input shape:
        A 4D tensor with shape `(batch_size, height, width, channels)`, or
        with the channels at `axis`.

    Output shape:
        The same.

    Example:

    >>> layer = BatchNormalization()
    >>> layer(keras.ops.ones((2, 4, 4, 3))).shape
    TensorShape([2, 4, 4, 3])
    """

    def call(self, inputs, training=None, mask=None):
        if (
            mask is not None
            or self.synchronized
            or self.renorm
            or self.gamma is None
            or self.beta is None
        ):
            return super().call(inputs, training=training, mask=mask)
        # Statistics of half-precision inputs are computed in float32.
        wide = keras.backend.result_type(inputs.dtype, "float32")
        parameters = {
            "offset": ops.cast(self.beta, wide),
            "scale": ops.cast(self.gamma, wide),
            "epsilon": self.epsilon,
            "axis": self.axis,
        }
        moving_mean = ops.cast(self.moving_mean, wide)
        moving_variance = ops.cast(self.moving_variance, wide)
        if not (training and self.trainable):
            return kernels.batch_normalization(
                inputs,
                mean=moving_mean,
                variance=moving_variance,
                **parameters,
            )
        outputs, mean, variance = kernels.batch_normalization_training(
            inputs,
            moving_mean=moving_mean,
            moving_variance=moving_variance,
            momentum=self.momentum,
            **parameters,
        )
        self.moving_mean.assign(mean)
        self.moving_variance.assign(variance)
        return outputs
