import collections
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.layers.cell import Cell
from nasnet_keras.network.build import build_network
from nasnet_keras.network.skeletons import plan_cells
from nasnet_keras.published import NASNET_A, NASNET_B
from nasnet_keras.training.recipes import RECIPES
from nasnet_keras.training.train import compile_network

# One with strided pools, so that padding matters, and dilation.
SMALL = Genotype(
    normal=CellSpec((Block((0, 1), ("sep_conv_3x3", "identity"), "concat"),)),
    reduction=CellSpec(
        (
            Block((0, 1), ("max_pool_5x5", "conv_1x7_7x1")),
            Block((1, 0), ("avg_pool_3x3", "dil_conv_3x3")),
        ),
        concat=(1, 2, 3),
    ),
)


def build(genotype=SMALL, *arguments, **keywords):
    return build_network(genotype, *arguments, repeats=1, **keywords)


def noise(*shape):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")


def cells_of(model):
    return [layer for layer in model.layers if isinstance(layer, Cell)]


def weight_shapes(model):
    """Names without the model's, which counts them."""
    return [(w.path, tuple(w.shape)) for w in model.weights]


# === The stack ===


@pytest.mark.parametrize(
    ("repeats", "filters", "stem", "size", "expected"),
    [
        (6, 32, "cifar", 32, [(32, 192), (16, 256), (16, 384), (8, 512)]),
        (4, 44, "imagenet", 111, [(28, 264), (14, 352), (14, 528), (7, 704)]),
        (6, 168, "imagenet", 165, [(42, 1008), (21, 1344), (21, 2016)]),
    ],
    ids=["cifar", "mobile", "large"],
)
def test_endpoint_shapes(repeats, filters, stem, size, expected):
    """Those of TF-slim's tests, from the shapes that cells compute; `size` is
    that of the stem's output."""
    shapes = [(None, size, size, 3 * filters)]
    seen = {}
    for place in plan_cells(repeats, filters, stem):
        cell = Cell(
            NASNET_A.reduction if place.reduction else NASNET_A.normal,
            place.filters,
            1 + place.reduction,
            place.input_strides,
        )
        shape = cell.compute_output_shape([shapes[n] for n in place.inputs])
        seen[shape[1:]] = None
        shapes.append(shape)
    stem_maps = 2 if stem == "imagenet" else 0
    if stem_maps:
        assert list(seen)[1] == (expected[0][0],) * 2 + (2 * filters,)
    ends = [(side, side, width) for side, width in expected]
    assert list(seen)[stem_maps : stem_maps + len(ends)] == ends
    assert shapes[-1][-1] == 24 * filters


def test_the_cells_are_wired_as_planned():
    """The normal cell straight after a reduction, with both conventions."""
    for skip, previous in ((False, "cell_1"), (True, "cell_0")):
        model = build_network(
            SMALL,
            (16, 16, 3),
            repeats=2,
            filters=4,
            skip_reduction_layer_input=skip,
        )
        names = [layer.name for layer in cells_of(model)]
        assert names == [
            *("cell_0", "cell_1", "reduction_cell_1"),
            *("cell_2", "cell_3", "reduction_cell_2"),
            *("cell_4", "cell_5"),
        ]
        outputs = {id(model.get_layer(n).output): n for n in names}
        sources = {
            name: [
                outputs.get(id(tensor), "stem")
                for tensor in model.get_layer(name).input
            ]
            for name in names[1:]
        }
        assert sources["cell_1"] == ["cell_0", "stem"]
        assert sources["reduction_cell_1"] == ["cell_1", "cell_0"]
        assert sources["cell_2"] == ["reduction_cell_1", previous]
        assert sources["cell_3"] == ["cell_2", "reduction_cell_1"]
        assert model.get_layer("cell_2").input_strides == (1, 2)


@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
def test_drop_path_grows_with_depth(stem):
    """TF-slim v3: (cell_num + 1) / total_cells, reduction and stem cells
    counted; the last cell has the whole rate."""
    model = build(
        input_shape=(32, 32, 3),
        filters=4,
        stem=stem,
        drop_path_rate=0.4,
        drop_path_steps=100,
    )
    cells = cells_of(model)
    assert len(cells) == (5 if stem == "cifar" else 7)
    for number, cell in enumerate(cells):
        rate = 0.4 * (number + 1) / len(cells)
        assert cell.drop_path.rate == pytest.approx(rate)
        assert cell.drop_path.total_steps == 100


def test_the_imagenet_stem():
    model = build(input_shape=(37, 32, 3), filters=8, stem="imagenet")
    assert model.get_layer("stem_convolution").output.shape[1:] == (18, 15, 32)
    assert [cell.filters for cell in cells_of(model)] == [2, 4, 8, 16, 16] + (
        [32, 32]
    )


@pytest.mark.large
def test_separate_states_travel_one_by_one():
    """NASNet-B: output k of a cell is input k of the next, and the head reads
    all four as one."""
    model = build(NASNET_B, input_shape=(16, 16, 3), filters=4)
    first, *others = cells_of(model)
    for cell, following in zip([first, *others], others, strict=False):
        assert [id(t) for t in following.input] == [id(t) for t in cell.output]
        assert [t.shape[-1] for t in cell.output] == [cell.filters] * 4
    assert model.get_layer("features").output.shape == (None, 4, 4, 4 * 16)
    images = noise(2, 16, 16, 3)
    outputs = model(images)
    np.testing.assert_allclose(np.sum(outputs, -1), 1, rtol=1e-5)
    pyramid = build(
        NASNET_B,
        input_shape=(40, 32, 3),
        filters=4,
        stem="imagenet",
        features=True,
    )
    assert {name: t.shape[-1] for name, t in pyramid.output.items()} == {
        "P1": 32,
        "P2": 4,
        "P3": 16,
        "P4": 32,
        "P5": 64,
    }


# === Any size ===


@pytest.mark.parametrize(
    ("stem", "padding", "sizes"),
    [
        ("cifar", "zeros", [(8, 8), (9, 11)]),
        ("imagenet", "same", [(32, 32), (37, 45)]),
    ],
)
@pytest.mark.one_in(2)
def test_every_size_gives_the_same_network(stem, padding, sizes):
    arguments = {
        "filters": 4,
        "stem": stem,
        "conventions": {"pool_padding": padding},
    }
    unknown = build(input_shape=(None, None, 3), **arguments)
    for size in sizes:
        known = build(input_shape=(*size, 3), **arguments)
        assert weight_shapes(known) == weight_shapes(unknown)
        known.set_weights(unknown.get_weights())
        images = noise(2, *size, 3)
        predictions = unknown.predict(images, verbose=0)
        np.testing.assert_allclose(
            known(images), predictions, rtol=1e-4, atol=1e-6
        )
        np.testing.assert_allclose(predictions.sum(-1), 1, rtol=1e-5)


# === Activations ===


@pytest.mark.parametrize(
    "arguments",
    [{"auxiliary_head": True}, {"features": True, "stem": "imagenet"}],
    ids=str,
)
@pytest.mark.parametrize(
    ("activation", "operation"), [("relu6", "Relu6"), ("swish", "Sigmoid")]
)
@pytest.mark.one_in(3)
def test_another_activation_is_in_all_places(activation, operation, arguments):
    """By the operations of the graph: as many as there were ReLUs."""

    def counted(activation):
        model = build(
            input_shape=(64, 64, 3),
            filters=4,
            conventions={"activation": activation},
            classifier_activation="linear",
            **arguments,
        )
        call = tf.function(model).get_concrete_function(
            tf.TensorSpec((1, 64, 64, 3))
        )
        return collections.Counter(
            each.type for each in call.graph.get_operations()
        )

    relus, others = counted("relu"), counted(activation)
    assert relus["Relu"] == others[operation] > 10
    assert others["Relu"] == relus[operation] == 0


def test_a_network_of_another_activation_is_saved_with_it(tmp_path):
    model = build(filters=4, conventions={"activation": "swish"})
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    images = noise(2, 32, 32, 3)
    np.testing.assert_array_equal(again(images), model(images))


# === Heads ===


def test_heads():
    images = noise(2, 8, 8, 3)
    logits = build(
        input_shape=(8, 8, 3),
        filters=4,
        classifier_activation=None,
        dropout=0.5,
    )
    assert logits.get_layer("dropout").rate == 0.5
    for arguments, expected in (
        ({}, keras.ops.softmax(logits(images))),
        ({"include_top": False}, (2, 2, 2, 32)),
        ({"include_top": False, "pooling": "avg"}, (2, 32)),
        ({"include_top": False, "pooling": "max"}, (2, 32)),
    ):
        model = build(input_shape=(8, 8, 3), filters=4, **arguments)
        model.set_weights(logits.get_weights()[: len(model.weights)])
        outputs = model(images)
        if isinstance(expected, tuple):
            assert outputs.shape == expected
            assert np.min(outputs) >= 0  # behind a ReLU
        else:
            np.testing.assert_allclose(outputs, expected, rtol=1e-5)


def test_the_auxiliary_head():
    model = build(input_shape=(16, 16, 3), filters=4, auxiliary_head=True)
    head = model.get_layer("auxiliary_head")
    assert head.input is model.get_layer("cell_1").output
    outputs = model(noise(2, 16, 16, 3))
    assert {name: value.shape for name, value in outputs.items()} == {
        "predictions": (2, 10),
        "auxiliary_predictions": (2, 10),
    }
    larger = build(
        input_shape=(40, 40, 3),
        filters=4,
        auxiliary_head=True,
        nominal_size=(16, 16),
    )
    assert weight_shapes(larger) == weight_shapes(model)
    for shape in ((8, 8, 3), (None, None, 3)):
        with pytest.raises(ValueError, match="auxiliary head.*Received"):
            build(input_shape=shape, filters=4, auxiliary_head=True)


# === Keras ===


def test_channels_first_gives_the_same():
    last = build(input_shape=(9, 11, 3), filters=4)
    first = build(
        input_shape=(3, 9, 11),
        filters=4,
        conventions={"data_format": "channels_first"},
    )
    first.set_weights(last.get_weights())
    images = noise(2, 9, 11, 3)
    np.testing.assert_allclose(
        first(images.transpose(0, 3, 1, 2)), last(images), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_leaves_the_classifier_alone(policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = build(input_shape=(16, 16, 3), filters=4, auxiliary_head=True)
    finally:
        keras.config.set_dtype_policy("float32")
    outputs = model(noise(2, 16, 16, 3))
    assert {output.dtype.name for output in outputs.values()} == {"float32"}
    assert cells_of(model)[-1].compute_dtype == policy.removeprefix("mixed_")
    assert {weight.dtype for weight in model.trainable_weights} == {"float32"}


@pytest.mark.large
def test_a_saved_model_loads_where_nasnet_keras_alone_is_imported(tmp_path):
    """With every layer there is, and the optimizer of a trained network."""
    model = build(
        input_shape=(16, 16, 3),
        filters=4,
        auxiliary_head=True,
        dropout=0.5,
        drop_path_rate=0.4,
        drop_path_steps=10,
        conventions={"pool_padding": "zeros", "bn_epsilon": 1e-3},
    )
    compile_network(model, RECIPES["search-proxy"], 2)
    images = noise(2, 16, 16, 3)
    model(images, training=True)
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "images.npy", images)
    code = (
        "import sys, numpy, nasnet_keras\n"
        "model = nasnet_keras.load_model(sys.argv[1] + '/model.keras')\n"
        "outputs = model(numpy.load(sys.argv[1] + '/images.npy'))\n"
        "numpy.savez(sys.argv[1] + '/outputs.npz', **outputs)\n"
        "assert type(model.optimizer).__name__ == 'Momentum'\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=True, timeout=300
    )
    outputs = np.load(tmp_path / "outputs.npz")
    for name, expected in model(images).items():
        np.testing.assert_array_equal(outputs[name], expected)


# === Errors ===


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("genotype", None),
        ("genotype", NASNET_A.normal),
        ("genotype", NASNET_A.to_dict()),
        (
            "genotype",
            Genotype(*[CellSpec(NASNET_A.normal.blocks, inputs=3)] * 2),
        ),
        ("repeats", 0),
        ("repeats", 1.0),
        ("filters", 0),
        ("filters", True),
        ("classes", 0),
        ("classes", "10"),
        ("stem", "vgg"),
        ("stem", ["cifar"]),
        ("stem_filters", 0),
        ("pooling", "sum"),
        ("input_shape", None),
        ("input_shape", 32),
        ("input_shape", (32, 32)),
        ("input_shape", (32, 32, None)),
        ("input_shape", (32, 32, 0)),
        ("input_shape", (32, 7, 3)),
        ("input_shape", (32.0, 32, 3)),
        ("input_shape", ("32", 32, 3)),
        ("conventions", {"padding": "same"}),
        ("conventions", {"bn_momentum": "fast"}),
        ("drop_path_rate", 1.5),
        ("drop_path_rate", "half"),
        ("dropout", 1),
        ("dropout", None),
        ("drop_path_steps", 0),
        ("input_tensor", 5),
        ("input_tensor", np.zeros((1, 32, 32, 3))),
    ],
)
def test_errors_name_the_argument(argument, value):
    named = argument
    if argument == "conventions":
        named = "bn_momentum" if "bn_momentum" in value else "conventions"
    arguments = {"genotype": SMALL, "repeats": 1, "filters": 4}
    with pytest.raises(ValueError, match=f"`{named}`.*Received"):
        build_network(**{**arguments, argument: value})


@pytest.mark.parametrize(
    "others", [{"pooling": "avg"}, {"auxiliary_head": True}]
)
def test_features_go_without_what_would_not_be_there(others):
    with pytest.raises(ValueError, match="`features`.*Received"):
        build_network(SMALL, repeats=1, filters=4, features=True, **others)


def test_the_imagenet_stem_needs_more():
    for argument, value in (("filters", 3), ("input_shape", (31, 32, 3))):
        arguments = {"stem": "imagenet", "filters": 4, argument: value}
        with pytest.raises(ValueError, match=f"`{argument}`.*Received"):
            build(**{"input_shape": (32, 32, 3), **arguments})
