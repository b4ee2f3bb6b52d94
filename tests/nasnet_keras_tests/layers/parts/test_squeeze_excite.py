import keras
import numpy as np
import pytest

from nasnet_keras.layers.parts.squeeze_excite import SqueezeExcite


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def test_it_is_two_dense_layers_on_the_means():
    layer = SqueezeExcite(4, activation="swish")
    inputs = noise(2, 5, 7, 16)
    layer(inputs)
    weights = [noise(*w.shape, seed=n) for n, w in enumerate(layer.weights)]
    layer.set_weights(weights)
    first, first_bias, second, second_bias = weights
    means = inputs.mean((1, 2)) @ first[0, 0] + first_bias
    means = means / (1 + np.exp(-means))
    gates = 1 / (1 + np.exp(-(means @ second[0, 0] + second_bias)))
    np.testing.assert_allclose(
        layer(inputs), inputs * gates[:, None, None], rtol=1e-4, atol=1e-5
    )


def test_it_loads_as_it_was_saved():
    layer = SqueezeExcite(3, "relu6", {"data_format": "channels_first"})
    again = SqueezeExcite.from_config(layer.get_config())
    inputs = noise(2, 8, 5, 4)
    for each in (layer, again):
        assert each(inputs).shape == inputs.shape
        assert [tuple(w.shape) for w in each.weights] == [
            *((1, 1, 8, 3), (3,)),
            *((1, 1, 3, 8), (8,)),
        ]
    again.set_weights(layer.get_weights())
    np.testing.assert_allclose(again(inputs), layer(inputs))
    assert keras.saving.get_registered_object("nasnet_keras>SqueezeExcite")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((0,), "squeezed"), ((0.25,), "squeezed"), ((4, "elu"), "activation")],
)
def test_errors_name_the_argument(arguments, named):
    with pytest.raises(ValueError, match=f"`{named}`.*Received"):
        SqueezeExcite(*arguments)
