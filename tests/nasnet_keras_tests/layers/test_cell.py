import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from nasnet_keras.genotype import NASNET_OPERATIONS, Block, CellSpec
from nasnet_keras.layers.cell import Cell
from nasnet_keras.layers.operations import OPERATIONS
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.layers.parts.convolution_unit import ConvolutionBatchNorm
from nasnet_keras.layers.parts.factorized_reduction import FactorizedReduction
from nasnet_keras.published import NASNET_A

FILTERS = 4
TOLERANCE = {"rtol": 1e-3, "atol": 1e-4}


def noise(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape).astype("float32")


def randomise(layer, seed=1):
    for number, weight in enumerate(layer.weights):
        if weight.dtype == "float32":
            value = noise(*weight.shape, seed=seed + number)
            weight.assign(0.3 * np.abs(value) + 0.2)


def random_spec(seed, blocks=4, inputs=2):
    rng = random.Random(seed)
    spec = CellSpec(
        tuple(
            Block(
                (rng.randrange(inputs + n), rng.randrange(inputs + n)),
                (rng.choice(NASNET_OPERATIONS), rng.choice(NASNET_OPERATIONS)),
                rng.choice(("add", "concat")),
            )
            for n in range(blocks)
        ),
        inputs=inputs,
    )
    if seed % 2:
        states = rng.sample(range(spec.states), 3)
        spec = CellSpec(spec.blocks, tuple(states), inputs)
    return spec


def one_block(first, second=None, combiner="add", concat="unused"):
    second = first if second is None else second
    return CellSpec((Block((0, 1), (first, second), combiner),), concat)


# What may come in: shapes, and by how much each must still be halved.
FRAMES = {
    "equal": ([(6, 6, FILTERS)] * 2, (1, 1)),
    "other channels": ([(6, 5, 3), (6, 5, 7)], (1, 1)),
    "after a reduction": ([(3, 4, 8), (6, 7, 4)], (1, 2)),
    "odd": ([(4, 3, 8), (7, 5, 4)], (1, 2)),
    "first cell": ([(6, 5, 12)], (1,)),
}


def framed(spec, strides, frame, **arguments):
    """A cell with random weights, and states for it."""
    shapes, input_strides = FRAMES[frame]
    cell = Cell(spec, FILTERS, strides, input_strides, **arguments)
    states = [noise(2, *s, seed=n) for n, s in enumerate(shapes)]
    cell(states)
    randomise(cell)
    return cell, states


def reference(cell, inputs):
    """The cell of the paper, block by block: each operation by itself, with a
    ReLU of its own. Only the weights are the cell's."""
    spec = cell.spec

    def relu_first(layer, state):
        return layer(np.maximum(state, 0))

    states = [relu_first(cell.adjustments[0], inputs[0])]
    if len(inputs) == 1:
        states.append(inputs[0])
    elif cell.input_strides[1] == 2 or inputs[1].shape[-1] != cell.filters:
        states.append(relu_first(cell.adjustments[1], inputs[1]))
    else:
        states.append(inputs[1])
    for number, block in enumerate(spec.blocks):
        outputs = []
        for side, (state, name) in enumerate(
            zip(block.inputs, block.operations, strict=True)
        ):
            operation = OPERATIONS[name](
                cell.filters, cell.strides if state < 2 else 1
            )
            operation.build(states[state].shape)
            operation.set_weights(cell.blocks[number][side].get_weights())
            outputs.append(operation(states[state]))
        states.append(
            outputs[0] + outputs[1]
            if block.combiner == "add"
            else np.concatenate(outputs, -1)
        )
    outputs = []
    for state in spec.output_states:
        output = states[state]
        if state < 2 and (
            cell.strides == 2 or output.shape[-1] != cell.filters
        ):
            output = cell.output_adjustments[str(state)](output)
        outputs.append(output)
    return np.concatenate(outputs, -1)


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.one_in(3)
def test_random_cells_compute_what_their_spec_says(seed, strides, frame):
    cell, states = framed(random_spec(seed), strides, frame)
    outputs = cell(states)
    expected = reference(cell, states)
    assert outputs.shape == expected.shape
    assert outputs.shape == cell.compute_output_shape(
        [state.shape for state in states]
    )
    scale = np.abs(expected).max()
    np.testing.assert_allclose(outputs / scale, expected / scale, **TOLERANCE)


@pytest.mark.parametrize("frame", FRAMES)
def test_inputs_are_adjusted_as_in_slim(frame):
    cell, states = framed(one_block("identity"), 1, frame)
    kinds = [type(adjustment) for adjustment in cell.adjustments]
    assert (
        kinds
        == {
            "equal": [ConvolutionBatchNorm, type(None)],
            "other channels": [ConvolutionBatchNorm, ConvolutionBatchNorm],
            "after a reduction": [ConvolutionBatchNorm, FactorizedReduction],
            "odd": [ConvolutionBatchNorm, FactorizedReduction],
            "first cell": [ConvolutionBatchNorm],
        }[frame]
    )


@pytest.mark.parametrize(
    ("frame", "strides", "kinds"),
    [
        ("equal", 1, {}),
        ("equal", 2, dict.fromkeys("01", FactorizedReduction)),
        # The raw stem has other channels than the filters.
        ("first cell", 1, {"1": ConvolutionBatchNorm}),
    ],
)
def test_concatenated_inputs_are_adjusted_without_a_relu(frame, strides, kinds):
    spec = one_block("avg_pool_3x3", concat=(0, 1, 2))
    cell, states = framed(spec, strides, frame)
    adjustments = cell.output_adjustments
    assert {key: type(layer) for key, layer in adjustments.items()} == kinds
    if "1" in adjustments:
        outputs = cell(states)[..., FILTERS : 2 * FILTERS]
        np.testing.assert_allclose(
            outputs, adjustments["1"](states[-1]), rtol=1e-5, atol=1e-6
        )


def test_only_operations_on_inputs_are_strided():
    cell = Cell(NASNET_A.reduction, FILTERS, strides=2)
    strides = [[side.strides for side in block] for block in cell.blocks]
    assert strides == [[2, 2], [2, 2], [2, 2], [1, 1], [1, 2]]


def test_a_concatenating_block_doubles_the_channels():
    """Its state is projected where an operation needs F channels, and goes to
    the output as it is."""
    spec = CellSpec(
        (
            Block((0, 1), ("conv_1x1", "conv_3x3"), "concat"),
            Block((2, 2), ("identity", "sep_conv_3x3")),
        ),
        concat=(1, 2, 3),
    )
    cell, states = framed(spec, 1, "equal")
    assert cell(states).shape == (2, 6, 6, 4 * FILTERS)
    assert len(cell.blocks[1][0].units) == 1


@pytest.mark.parametrize("inputs", [1, 3, 4])
def test_other_numbers_of_inputs(inputs):
    spec = random_spec(0, inputs=inputs)
    cell = Cell(spec, FILTERS, 2)
    states = [noise(2, 6, 5, 3, seed=n) for n in range(inputs)]
    outputs = cell(states)
    assert outputs.shape == (2, 3, 3, FILTERS * spec.output_multiple)
    assert outputs.shape == cell.compute_output_shape([(2, 6, 5, 3)] * inputs)


# === Drop path ===


@pytest.mark.parametrize("first", ["max_pool_3x3", "identity"])
def test_dropped_paths_are_zero_and_identities_never_are(first):
    """Pool + identity: without the pool the state itself is left."""
    names = sorted(["max_pool_3x3", "identity"], key=lambda n: n != first)
    spec = CellSpec((Block((1, 1), names),))
    states = [noise(64, 4, 4, FILTERS, seed=n) for n in range(2)]
    cell = Cell(spec, FILTERS, drop_path_rate=0.5)
    pooled = layers.MaxPooling2D(3, 1, "same")(states[1])
    outputs = cell(states, training=True)
    dropped, kept = (
        np.isclose(outputs, states[1] + factor * pooled, atol=1e-5).all(
            (1, 2, 3)
        )
        for factor in (0, 2)
    )
    assert (dropped ^ kept).all()
    assert 0.2 < dropped.mean() < 0.8
    np.testing.assert_allclose(cell(states), pooled + states[1], atol=1e-5)


def test_a_cell_of_identities_drops_nothing():
    states = [noise(8, 4, 4, FILTERS)] * 2
    spec = CellSpec((Block((1, 1), ("identity", "identity")),))
    cell = Cell(spec, FILTERS, drop_path_rate=0.9, drop_path_steps=5)
    np.testing.assert_array_equal(cell(states, training=True), 2 * states[0])


def test_a_call_in_training_is_one_step():
    cell = Cell(NASNET_A.normal, 2, drop_path_rate=0.5, drop_path_steps=5)
    states = [noise(2, 4, 4, 2)] * 2
    for training in (False, True, True):
        cell(states, training=training)
    assert cell.drop_path.step.numpy() == 2


# === Keras ===


@pytest.mark.parametrize("frame", ["equal", "after a reduction", "first cell"])
@pytest.mark.one_in(3)
def test_written_and_read_again(frame):
    cell, states = framed(
        random_spec(3),
        2,
        frame,
        drop_path_rate=0.25,
        drop_path_steps=7,
        conventions=Conventions("bottleneck", "zeros", 0.5, 1e-3),
    )
    copy = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(cell)
    )
    assert copy.spec == cell.spec
    assert copy.get_config() == cell.get_config()
    copy(states)
    copy.set_weights(cell.get_weights())
    np.testing.assert_array_equal(copy(states), cell(states))


def test_unknown_sides_give_the_same_weights_and_outputs():
    cell, states = framed(random_spec(1), 2, "odd")
    unknown = Cell(cell.spec, FILTERS, 2, cell.input_strides)
    symbolic = unknown([keras.Input((None, None, s.shape[-1])) for s in states])
    assert symbolic.shape[:3] == (None, None, None)
    assert [(w.path.split("/", 1)[1], w.shape) for w in unknown.weights] == [
        (w.path.split("/", 1)[1], w.shape) for w in cell.weights
    ]
    unknown.set_weights(cell.get_weights())
    np.testing.assert_array_equal(unknown(states), cell(states))


@pytest.mark.parametrize("strides", [1, 2])
def test_channels_first_gives_the_same(strides):
    cell, states = framed(random_spec(1), strides, "odd")
    first = Cell(
        cell.spec,
        FILTERS,
        strides,
        cell.input_strides,
        conventions=Conventions(data_format="channels_first"),
    )
    transposed = [state.transpose(0, 3, 1, 2) for state in states]
    first(transposed)
    first.set_weights(cell.get_weights())
    np.testing.assert_allclose(
        np.transpose(first(transposed), (0, 2, 3, 1)), cell(states), **TOLERANCE
    )


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(policy):
    cell, states = framed(NASNET_A.reduction, 2, "odd", drop_path_rate=0.2)
    mixed, _ = framed(
        NASNET_A.reduction, 2, "odd", drop_path_rate=0.2, dtype=policy
    )
    mixed.set_weights(cell.get_weights())
    outputs = mixed(states)
    assert outputs.dtype == mixed.compute_dtype
    assert mixed(states, training=True).dtype == mixed.compute_dtype
    expected = cell(states).numpy()
    np.testing.assert_allclose(
        tf.cast(outputs, "float32"),
        expected,
        atol=0.05 * np.abs(expected).max(),
    )


def test_gradients_reach_every_weight():
    """Of NASNet-A, whose cells read both their inputs."""
    cell, states = framed(NASNET_A.normal, 1, "after a reduction")
    with tf.GradientTape() as tape:
        outputs = cell(states, training=True)
        loss = tf.reduce_sum(outputs * noise(*outputs.shape))
    variables = cell.trainable_variables
    gradients = tape.gradient(loss, [v.value for v in variables])
    for variable, gradient in zip(variables, gradients, strict=True):
        assert np.abs(gradient).max() > 0, variable.path


@pytest.mark.parametrize("input_strides", [(1, 3), (1, 1, 1), (0, 1)])
def test_input_strides_that_do_not_fit_are_refused(input_strides):
    spec = CellSpec((Block((0, 1), ("identity", "identity")),), inputs=2)
    with pytest.raises(ValueError, match="`input_strides`.*Received"):
        Cell(spec, FILTERS, 1, input_strides)


def test_the_wrong_number_of_inputs_is_refused():
    with pytest.raises(ValueError, match="takes 2 inputs. Received: 1"):
        Cell(NASNET_A.normal, FILTERS)([noise(1, 4, 4, 4)])


@pytest.mark.parametrize(
    "arguments",
    [
        {"filters": 0},
        {"filters": 4, "strides": 3},
        {"filters": 4, "projection": "Twice"},
        {"filters": 4, "drop_path_rate": 1.0},
        {"filters": 4, "drop_path_rate": 0.5, "drop_path_steps": 0},
    ],
)
def test_errors_show_the_value(arguments):
    with pytest.raises(ValueError, match="Received"):
        Cell(NASNET_A.normal, **arguments)
