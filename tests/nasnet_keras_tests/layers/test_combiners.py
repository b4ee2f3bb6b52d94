import numpy as np
import pytest

from nasnet_keras.genotype import COMBINER_NAMES
from nasnet_keras.layers.combiners import COMBINERS
from nasnet_keras.layers.parts.conventions import Conventions


def noise(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape).astype("float32")


def test_there_is_one_for_every_name():
    assert tuple(COMBINERS) == COMBINER_NAMES


def normalized(state, axes):
    """The mean 0 and the variance 1 over these axes, of each example."""
    mean = state.mean(axes, keepdims=True)
    return (state - mean) / np.sqrt(state.var(axes, keepdims=True) + 1e-5)


@pytest.mark.parametrize("name", COMBINERS)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_conformance(name, data_format):
    combiner = COMBINERS[name](conventions=Conventions(data_format=data_format))
    states = [noise(2, 3, 4, 5), noise(2, 3, 4, 5, seed=1)]
    outputs = combiner(states)
    axis = combiner.conventions.channel_axis
    spatial = combiner.conventions.spatial_axes
    expected = {
        "add": lambda: states[0] + states[1],
        "concat": lambda: np.concatenate(states, axis),
        "add_layer_norm": lambda: sum(normalized(s, (1, 2, 3)) for s in states),
        "add_instance_norm": lambda: sum(
            normalized(s, spatial) for s in states
        ),
    }[name]()
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)
    shape = combiner.compute_output_shape([(2, 3, 4, 5)] * 2)
    assert shape == outputs.shape
    assert COMBINERS[name].parameters(outputs.shape[axis]) == (
        combiner.count_params() if "norm" in name else 0
    )
    copy = COMBINERS[name].from_config(combiner.get_config())
    np.testing.assert_array_equal(copy(states), outputs)


@pytest.mark.parametrize("name", COMBINERS)
def test_states_of_two_shapes_are_refused(name):
    with pytest.raises(ValueError, match="one shape. Received: .*4.*5"):
        COMBINERS[name]()([noise(2, 3, 3, 4), noise(2, 3, 3, 5)])
