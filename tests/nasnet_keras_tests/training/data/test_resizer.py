import numpy as np

from nasnet_keras.training.data.resizer import fit


def test_the_centred_square_is_scaled():
    """A wide image, black but for its middle, which is white."""
    image = np.zeros((40, 120, 3), np.uint8)
    image[:, 40:80] = 255
    scaled = fit(image, (4, 4, 3))
    assert scaled.shape == (4, 4, 3)
    assert (scaled[:, 1:3] == 255).all()
    assert (scaled > 200).all()  # the edges blend with what is beside them
