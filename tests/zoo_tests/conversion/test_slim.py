"""TF-slim itself needs TensorFlow 1. The names and shapes that its code gives
the variables are worked out in conftest.py; what the variables compute is
compared with keras.applications, under TF-slim's names."""

import functools
import re

import numpy as np
import pytest
import tensorflow as tf

from nasnet_keras.network.build import build_network
from nasnet_keras.published import NASNET_A, PNASNET_5
from zoo.conversion import slim

# Our networks, and the arguments of the fixture `slim_variables`.
NETWORKS = {
    "cifar": (
        {"genotype": NASNET_A, "stem": "cifar", "stem_filters": 12},
        {"kind": "cifar", "cells": 3, "stem_filters": 12},
    ),
    "imagenet": (
        {"genotype": NASNET_A, "stem": "imagenet", "stem_filters": 6},
        {"kind": "imagenet", "cells": 3, "stem_filters": 6},
    ),
    "large": (
        {
            "genotype": NASNET_A,
            "stem": "imagenet",
            "stem_filters": 6,
            "skip_reduction_layer_input": True,
        },
        {"kind": "imagenet", "cells": 3, "stem_filters": 6, "skip": True},
    ),
    "pnasnet": (
        {
            "genotype": PNASNET_5,
            "stem": "imagenet",
            "stem_filters": 6,
            "frame": "pnasnet",
        },
        {"kind": "pnasnet", "cells": 3, "stem_filters": 6},
    ),
}


def write(path, variables):
    """A checkpoint, as tf.train.Saver writes it."""
    tf.raw_ops.SaveV2(
        prefix=str(path),
        tensor_names=list(variables),
        shape_and_slices=[""] * len(variables),
        tensors=[tf.constant(value) for value in variables.values()],
    )


def numbered(shapes):
    """Each variable filled with a number of its own."""
    return {
        name: np.full(shape, number, "float32")
        for number, (name, shape) in enumerate(shapes.items(), start=1)
    }


def size(name):
    return 32 if name == "cifar" else 160


@functools.cache
def our_network(name, auxiliary_head=True):
    return build_network(
        input_shape=(size(name), size(name), 3),
        classes=5,
        repeats=1,
        filters=8,
        auxiliary_head=auxiliary_head,
        **NETWORKS[name][0],
    )


@pytest.fixture
def variables_of(slim_variables):
    """Those of TF-slim's network."""

    def make(name):
        arguments = NETWORKS[name][1]
        return numbered(
            slim_variables(size=size(name), filters=8, classes=5, **arguments)
        )

    return make


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.one_in(2)
def test_every_variable_has_its_place(name, variables_of, tmp_path):
    """An error or a warning would say what is missing or left over."""
    model, variables = our_network(name), variables_of(name)
    write(tmp_path / "model.ckpt", variables)
    slim.load(model, tmp_path / "model.ckpt")
    loaded = {float(array.flat[0]) for array in model.get_weights()}
    assert loaded == set(range(1, len(variables) + 1))


def test_places_one_by_one(variables_of, tmp_path):
    model, variables = our_network("pnasnet"), variables_of("pnasnet")
    write(tmp_path / "model.ckpt", variables)
    slim.load(model, tmp_path / "model.ckpt")
    cell = model.get_layer("reduction_cell_1")  # theirs count it as a cell
    unit = cell.blocks[4][0].units[1]
    head = model.get_layer("auxiliary_head")
    for weight, name in (
        (cell.adjustments[0].kernel, "cell_1/1x1/weights"),
        (unit.pointwise_kernel, "separable_3x3_2/pointwise_weights"),
        (unit.batch_norm.gamma, "bn_sep_3x3_2/gamma"),
        (unit.batch_norm.moving_variance, "bn_sep_3x3_2/moving_variance"),
        (head.convolution.kernel, "aux_1/aux_logits/Conv/weights"),
        (model.get_layer("logits").bias, "final_layer/FC/biases"),
    ):
        if "3x3" in name:
            name = f"cell_1/comb_iter_4/left/{name}"
        np.testing.assert_array_equal(weight, variables[name], name)


def test_what_training_leaves_is_listed_and_averages_are_taken(
    variables_of, tmp_path
):
    model, variables = our_network("cifar", False), variables_of("cifar")
    name = "cell_0/1x1/weights"
    extra = {
        "global_step": np.int64(7),
        f"{name}/ExponentialMovingAverage": variables[name] + 0.5,
        f"{name}/RMSProp": variables[name],
        f"{name}/RMSProp_1": variables[name],
    }
    write(tmp_path / "model.ckpt", variables | extra)
    with pytest.warns(UserWarning) as said:
        slim.load(model, tmp_path / "model.ckpt.index")
    message = str(said[0].message)
    for line in (
        "since it counts the steps of training: global_step.",
        f"named after: {name}/RMSProp, {name}/RMSProp_1.",
        "Of 1 variables the exponential moving average was taken",
        "no such classifier: aux_1/aux_logits/",
    ):
        assert line in message
    kernel = model.get_layer("cell_0").adjustments[0].kernel
    np.testing.assert_array_equal(kernel, variables[name] + 0.5)


def test_another_network_is_refused(variables_of, tmp_path):
    write(tmp_path / "model.ckpt", variables_of("pnasnet"))
    with pytest.raises(ValueError) as error:
        slim.load(our_network("imagenet"), tmp_path / "model.ckpt")
    for line in (
        "fit: this is a file of another network",
        "more: only in the file",
    ):
        assert line in str(error.value)


@pytest.mark.parametrize(
    ("name", "checkpoint"),
    [
        ("model.ckpt", True),
        ("model.ckpt.index", True),
        ("model.ckpt.data-00000-of-00001", True),
        ("other", False),
    ],
)
def test_a_checkpoint_is_known_by_its_files(name, checkpoint, tmp_path):
    write(tmp_path / "model.ckpt", {"conv0/weights": np.zeros(1)})
    assert slim.is_checkpoint(tmp_path / name) is checkpoint
    assert slim.wrote(tmp_path / name) is checkpoint


def test_a_checkpoint_of_another_network_is_none_of_theirs(tmp_path):
    write(tmp_path / "model.ckpt", {"InceptionV1/weights": np.zeros(1)})
    assert not slim.wrote(tmp_path / "model.ckpt")


# === keras.applications under the names of TF-slim ===

ARRAYS = {
    "conv": ["weights"],
    "separable_conv": ["depthwise_weights", "pointwise_weights"],
    "bn": ["gamma", "beta", "moving_mean", "moving_variance"],
}
KERNELS = {
    "normal": {"left": "553-3", "right": "33---"},
    "reduction": {"left": "5---3", "right": "775--"},
}


def slim_scope(end, repeats=1):
    """What TF-slim calls the cell of a layer of keras.applications."""
    if end.startswith("stem_"):
        return f"cell_stem_{int(end[-1]) - 1}"
    if end.startswith("reduce_"):
        return f"reduction_cell_{int(end[7:]) // repeats - 1}"
    # The first reduction took the number `repeats`.
    return f"cell_{int(end) - (int(end) > repeats)}"


def slim_names(layer, cell):
    """TF-slim's names of the arrays of a layer of keras.applications.

    Args:
        layer: Its name without the cell's.
        cell: TF-slim's name of the cell.
    """
    adjust = {
        "adjust_conv_1": "path1_conv",
        "adjust_conv_2": "path2_conv",
        "adjust_conv_projection": "prev_1x1",
    }
    if layer in adjust:
        name, kind = adjust[layer], "conv"
    elif match := re.fullmatch(r"(normal|reduction)_(conv|bn)_1", layer):
        kind = match[2]
        name = {"conv": "1x1", "bn": "beginning_bn"}[kind]
    else:
        match = re.fullmatch(
            r"separable_conv_(\d)_(bn_)?(normal|reduction)_(left|right)(\d)",
            layer,
        )
        order, norm, cell_kind, side, block = match.groups()
        # The name of the fifth block's left side is the fourth's there.
        number = int(block) - 1
        if (cell_kind, side, number) == ("reduction", "left", 3):
            number = 4
        size = KERNELS[cell_kind][side][number]
        kind = "bn" if norm else "separable_conv"
        start = "bn_sep" if norm else "separable"
        name = f"comb_iter_{number}/{side}/{start}_{size}x{size}_{order}"
    return [f"{cell}/{name}/{array}" for array in ARRAYS[kind]]


def as_slim(model):
    """The arrays of a model of keras.applications by TF-slim's names."""
    outside = {
        "stem_conv1": ["conv0/weights"],
        "stem_bn1": [f"conv0_bn/{name}" for name in ARRAYS["bn"]],
        "predictions": ["final_layer/FC/weights", "final_layer/FC/biases"],
    }
    variables = {}
    for layer in model.layers:
        if not layer.weights:
            continue
        names = outside.get(layer.name)
        if names is None:
            start, end = re.fullmatch(
                r"(.*?)_((?:stem_|reduce_)?\d+)", layer.name
            ).groups()
            cell = slim_scope(end)
            if start == "adjust_bn":
                factorized = f"{cell}/path1_conv/weights" in variables
                name = "final_path_bn" if factorized else "prev_bn"
                names = [f"{cell}/{name}/{array}" for array in ARRAYS["bn"]]
            else:
                names = slim_names(start, cell)
        arrays = layer.get_weights()
        variables |= dict(zip(names, arrays, strict=True))
    return variables


@pytest.mark.large
def test_the_same_logits_as_keras_applications(
    theirs, our_model, difference, slim_variables, tmp_path
):
    variables = as_slim(theirs)
    shapes = slim_variables("imagenet", 40, 8, 3, 5, 6)
    assert {name: value.shape for name, value in variables.items()} == {
        name: shape
        for name, shape in shapes.items()
        if not name.startswith("aux_")
    }
    write(tmp_path / "model.ckpt", variables)
    ours = our_model()
    slim.load(ours, tmp_path / "model.ckpt")
    assert difference(theirs, ours, 40) < 1e-4
