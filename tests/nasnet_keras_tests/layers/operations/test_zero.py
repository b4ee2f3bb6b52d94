import numpy as np
import pytest
import tensorflow as tf

from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.layers.operations import OPERATIONS
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.network.build import build_network
from nasnet_keras.network.complexity import genotype_complexity

NONE = OPERATIONS["none"]


@pytest.mark.parametrize("strides", [1, 2])
def test_zeros_whatever_the_state(strides):
    """Zero times infinity would be no number."""
    operation = NONE(4, strides)
    state = np.full((2, 5, 6, 3), np.inf, "float32")
    outputs = operation(state)
    assert outputs.shape == (2, *((5, 6) if strides == 1 else (3, 3)), 4)
    assert not np.any(outputs)
    assert NONE.plan(3, 4, strides, Conventions()) == ()
    assert operation.weights == []


def test_nothing_goes_back():
    operation = NONE(3)
    with tf.GradientTape() as tape:
        state = tf.ones((2, 5, 6, 3))
        tape.watch(state)
        loss = tf.reduce_sum(operation(state, training=True))
    assert tape.gradient(loss, state) is None


@pytest.mark.parametrize("filters", [2, 3])
def test_a_network_with_it_costs_what_the_others_cost(filters):
    def genotype(name):
        cell = CellSpec(
            (
                Block((0, 1), ("conv_3x3", name)),
                Block((2, 1), ("none", "max_pool_3x3")),
            )
        )
        return Genotype(cell, cell)

    arguments = {"input_shape": (9, 8, 3), "repeats": 1, "filters": filters}
    counted = genotype_complexity(genotype("none"), **arguments)
    model = build_network(genotype("none"), **arguments)
    assert counted.parameters == model.count_params()
    more = genotype_complexity(genotype("conv_1x1"), **arguments)
    assert more.multiply_adds > counted.multiply_adds
