import numpy as np
import pytest

from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.layers.parts.factorized_reduction import FactorizedReduction


def noise(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape).astype("float32")


def built(filters, channels=3, **arguments):
    layer = FactorizedReduction(filters, **arguments)
    layer.build((None, None, None, channels))
    for number, weight in enumerate(layer.weights):
        weight.assign(np.abs(noise(*weight.shape, seed=number)) + 0.1)
    return layer


def reference(layer, images):
    """TF-slim's description in NumPy: every second position; the same of the
    images moved by one row and one column, zeros coming in; a product with
    each kernel; both side by side; batch norm."""
    moved = np.pad(images, ((0, 0), (0, 1), (0, 1), (0, 0)))[:, 1:, 1:]
    # Of a single filter the first path has none.
    inputs = [images, moved] if layer.filters > 1 else [moved]
    paths = [
        path[:, ::2, ::2] @ kernel.numpy()[0, 0]
        for path, kernel in zip(inputs, layer.path_kernels, strict=True)
    ]
    norm = layer.batch_norm
    scale = norm.gamma / np.sqrt(norm.moving_variance + norm.epsilon)
    return (np.concatenate(paths, -1) - norm.moving_mean) * scale + norm.beta


@pytest.mark.parametrize("size", [(6, 6), (7, 5), (4, 7), (1, 1), (2, 1)])
@pytest.mark.parametrize("filters", [1, 2, 5, 8])
def test_against_the_description(size, filters):
    layer = built(filters)
    images = noise(2, *size, 3, seed=9)
    outputs = layer(images)
    assert outputs.shape == layer.compute_output_shape(images.shape)
    assert outputs.shape == (2, -(-size[0] // 2), -(-size[1] // 2), filters)
    np.testing.assert_allclose(
        outputs, reference(layer, images), rtol=1e-4, atol=1e-5
    )


def test_the_second_path_has_the_odd_channel():
    assert [k.shape[-1] for k in built(5).path_kernels] == [2, 3]


def test_one_path_reads_the_even_positions_and_one_the_odd():
    layer = built(2, channels=1)
    nothing = layer(np.zeros((16, 4, 4, 1), "float32"))
    pixels = np.eye(16, dtype="float32").reshape(16, 4, 4, 1)
    changed = np.abs(layer(pixels) - nothing).sum((1, 2, 3)) > 0
    read = [(r % 2) == (c % 2) for r in range(4) for c in range(4)]
    np.testing.assert_array_equal(changed, read)


def test_channels_first_gives_the_same():
    last = built(5)
    first = FactorizedReduction(
        5, conventions=Conventions(data_format="channels_first")
    )
    first.build((None, 3, None, None))
    first.set_weights(last.get_weights())
    images = noise(2, 7, 6, 3)
    np.testing.assert_allclose(
        first(images.transpose(0, 3, 1, 2)),
        np.transpose(last(images), (0, 3, 1, 2)),
        rtol=1e-5,
        atol=1e-6,
    )


def test_written_and_read_again():
    layer = built(5, conventions=Conventions(bn_epsilon=0.5))
    copy = FactorizedReduction.from_config(layer.get_config())
    images = noise(2, 5, 5, 3)
    copy(images)
    copy.set_weights(layer.get_weights())
    np.testing.assert_array_equal(copy(images), layer(images))
