"""Ours against the NASNet of keras.applications, by the numbers.

Theirs is unrolled by hand. Its layers are found by their names, which say
cell, block and side, and their weights copied into the unit of ours that
stands there.
"""

import keras
import numpy as np
import pytest
from keras.src.applications.nasnet import NASNet

from nasnet_keras.cell import Cell
from nasnet_keras.factorized_reduction import FactorizedReduction
from nasnet_keras.network import build_network
from nasnet_keras.published import NASNET_A

# keras.applications gives two layers one block's name.
MISNAMED = {"reduction_left5": "reduction_left4"}


def their_cells(repeats):
    """What the names of their layers end with, in the order of our cells."""
    names = ["stem_1", "stem_2"]
    for stage in range(3):
        if stage:
            names.append(f"reduce_{stage * repeats}")
        first = stage * repeats + bool(stage)
        names += [str(first + repeat) for repeat in range(repeats)]
    return names


def cell_units(cell, end):
    """Each unit of a cell of ours and the names of the layers of theirs."""
    kind = "reduction" if cell.strides == 2 else "normal"
    yield cell.adjustments[0], [f"{kind}_conv_1_{end}", f"{kind}_bn_1_{end}"]
    for adjustment in cell.adjustments[1:]:
        if isinstance(adjustment, FactorizedReduction):
            names = ["adjust_conv_1", "adjust_conv_2", "adjust_bn"]
        else:
            names = ["adjust_conv_projection", "adjust_bn"]
        if adjustment is not None:
            yield adjustment, [f"{name}_{end}" for name in names]
    for number, block in enumerate(cell.blocks, start=1):
        for side, operation in zip(("left", "right"), block, strict=True):
            place = f"{kind}_{side}{number}"
            place = f"{MISNAMED.get(place, place)}_{end}"
            for repeat, unit in enumerate(operation.units, start=1):
                name = f"separable_conv_{repeat}"
                yield unit, [f"{name}_{place}", f"{name}_bn_{place}"]


def copy_weights(theirs, ours, repeats):
    pairs = [
        (ours.get_layer("stem_convolution"), ["stem_conv1"]),
        (ours.get_layer("stem_batch_norm"), ["stem_bn1"]),
        (ours.get_layer("logits"), ["predictions"]),
    ]
    cells = [layer for layer in ours.layers if isinstance(layer, Cell)]
    for cell, end in zip(cells, their_cells(repeats), strict=True):
        pairs += cell_units(cell, end)
    for unit, names in pairs:
        layers = [theirs.get_layer(name) for name in names]
        unit.set_weights([w for layer in layers for w in layer.get_weights()])
    copied = {name for _, names in pairs for name in names}
    assert copied == {layer.name for layer in theirs.layers if layer.weights}


def randomise_batch_norms(model):
    """Scales and offsets, means, and variances from 0.5 to 2: as they are
    made they are ones and zeros, and hide what is exchanged."""
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.gamma.shape
            layer.gamma.assign(rng.uniform(0.5, 1.5, shape))
            layer.beta.assign(rng.normal(0, 0.1, shape))
            layer.moving_mean.assign(rng.normal(0, 0.1, shape))
            layer.moving_variance.assign(rng.uniform(0.5, 2, shape))


def largest_difference(theirs, ours, repeats, size):
    """Of the logits, as a share of the largest."""
    randomise_batch_norms(theirs)
    copy_weights(theirs, ours, repeats)
    assert ours.count_params() == theirs.count_params()
    images = np.random.default_rng(1).uniform(-1, 1, (2, size, size, 3))
    images[0] *= 0.2
    expected = theirs(images).numpy()
    largest = np.abs(expected).max()
    # The images do make a difference.
    assert np.abs(expected[0] - expected[1]).max() > 0.01 * largest
    return np.abs(ours(images) - expected).max() / largest


CONVENTIONS = {
    "pool_padding": "zeros",
    "bn_momentum": 0.9997,
    "bn_epsilon": 1e-3,
}
# Float32, through all cells, with sums in another order: some 1e-6.
TOLERANCE = 1e-4


@pytest.mark.parametrize(("size", "skip"), [(64, True), (33, False)])
def test_a_small_one_gives_the_same_logits(size, skip):
    """With both conventions for the cell after a reduction."""
    keras.utils.set_random_seed(0)
    theirs = NASNet(
        (size, size, 3),
        penultimate_filters=24 * 8,
        num_blocks=1,
        stem_block_filters=6,
        skip_reduction=skip,
        weights=None,
        classes=5,
        classifier_activation=None,
    )
    ours = build_network(
        NASNET_A,
        (size, size, 3),
        classes=5,
        repeats=1,
        filters=8,
        stem="imagenet",
        stem_filters=6,
        skip_reduction_layer_input=skip,
        classifier_activation=None,
        conventions=CONVENTIONS,
    )
    assert largest_difference(theirs, ours, 1, size) < TOLERANCE


@pytest.mark.large
def test_mobile_gives_the_same_logits():
    keras.utils.set_random_seed(0)
    theirs = keras.applications.NASNetMobile(
        weights=None, classifier_activation=None
    )
    ours = build_network(
        NASNET_A,
        (224, 224, 3),
        classes=1000,
        repeats=4,
        filters=44,
        stem="imagenet",
        classifier_activation=None,
        conventions=CONVENTIONS,
    )
    assert largest_difference(theirs, ours, 4, 224) < TOLERANCE
