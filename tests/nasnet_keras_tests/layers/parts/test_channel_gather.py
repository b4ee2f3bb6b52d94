import numpy as np

from nasnet_keras.layers.parts.channel_gather import ChannelGather


def test_numbers_of_channels_are_spread_and_not_trained():
    layer = ChannelGather(6, groups=3)
    images = np.arange(12.0, dtype="float32").reshape(1, 1, 1, 12)
    found = np.asarray(layer(images)).ravel()
    assert found.tolist() == [0, 6, 2, 8, 4, 10]
    assert not layer.trainable_weights
