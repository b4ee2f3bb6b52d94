import keras
import numpy as np
import pytest

from nasnet_keras.deployment.frozen import frozen_function
from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.network.build import build_network

CELL = CellSpec((Block((0, 1), ("conv_3x3", "avg_pool_3x3")),))


def build(**arguments):
    return build_network(
        Genotype(CELL, CELL), (8, 8, 3), repeats=1, filters=2, **arguments
    )


@pytest.mark.parametrize(("batch_size", "count"), [(2, 2), (None, 3)])
def test_the_weights_are_constants_of_the_graph(batch_size, count):
    model = build()
    function = frozen_function(model, batch_size)
    images = np.ones((count, 8, 8, 3), "float32")
    before = np.asarray(model(images, training=False))
    kinds = {each.type for each in function.graph.get_operations()}
    assert not function.captured_inputs and "ReadVariableOp" not in kinds
    assert function.inputs[0].shape.as_list() == [batch_size, 8, 8, 3]
    for weight in model.weights:
        weight.assign(weight * 0)
    (output,) = function(images=np.asarray(images)).values()
    np.testing.assert_allclose(output, before, atol=1e-6)


def test_outputs_have_the_names_of_the_model():
    assert list(frozen_function(build()).structured_outputs) == ["output"]
    pyramid = frozen_function(build(features=True))
    assert list(pyramid.structured_outputs) == ["P1", "P2"]


def test_an_open_size_must_be_given():
    model = build_network(
        Genotype(CELL, CELL), (None, None, 3), repeats=1, filters=2
    )
    with pytest.raises(ValueError, match="argument `input_shape`"):
        frozen_function(model)
    function = frozen_function(model, input_shape=(9, 8, 3))
    assert function.inputs[0].shape.as_list() == [1, 9, 8, 3]


def test_a_list_of_outputs_is_refused():
    model = build()
    several = keras.Model(model.input, [model.output, model.layers[-2].output])
    with pytest.raises(ValueError, match="a dict of them. Received: .* of 2"):
        frozen_function(several)
