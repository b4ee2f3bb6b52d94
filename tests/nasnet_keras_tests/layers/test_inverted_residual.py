import keras
import numpy as np
import pytest
from keras import layers

from nasnet_keras.layers.inverted_residual import (
    InvertedResidual,
    ResidualConvolution,
)
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.network.complexity import units_complexity

EPSILON = 1e-3
CONVENTIONS = Conventions(bn_epsilon=EPSILON)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def randomise(layer):
    """Weights unlike their first values; all positive for the variances."""
    for number, weight in enumerate(layer.weights):
        if "int" not in weight.dtype:
            weight.assign(np.abs(noise(*weight.shape, seed=number)) / 2 + 0.1)
            if weight.path.endswith(("kernel", "bias")):
                weight.assign(weight - 0.5)


def stock(layer, channels, size):
    """The same computation in stock Keras layers."""
    inverted = isinstance(layer, InvertedResidual)
    image = keras.Input((*size, channels))
    strides, kernel = layer.strides, layer.kernel_size
    activate = layers.Activation(
        {"hard_swish": "hard_silu"}.get(layer.activation, layer.activation)
    )
    state = image
    many = channels * layer.expansion if inverted else layer.filters
    if inverted and layer.expansion > 1:
        state = layers.Conv2D(many, 1, use_bias=False)(state)
        state = activate(layers.BatchNormalization(epsilon=EPSILON)(state))
    if inverted:
        state = layers.DepthwiseConv2D(kernel, strides, "same", use_bias=False)(
            state
        )
    else:
        state = layers.Conv2D(many, kernel, strides, "same", use_bias=False)(
            state
        )
    state = activate(layers.BatchNormalization(epsilon=EPSILON)(state))
    if layer.squeeze_ratio:
        gate = layers.GlobalAveragePooling2D(keepdims=True)(state)
        gate = layers.Conv2D(int(channels * layer.squeeze_ratio), 1)(gate)
        gate = layers.Conv2D(many, 1, activation="sigmoid")(activate(gate))
        state = layers.Multiply()([state, gate])
    if inverted:
        state = layers.Conv2D(layer.filters, 1, use_bias=False)(state)
        state = layers.BatchNormalization(epsilon=EPSILON)(state)
    if channels == layer.filters and layer.skip == "pool":
        pool = layers.AveragePooling2D(3, strides, "same")(image)
        state = layers.Add()([pool, state])
    elif channels == layer.filters and strides == 1 and layer.skip != "none":
        state = layers.Add()([image, state])
    return keras.Model(image, state)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (ResidualConvolution, {}),
        (ResidualConvolution, {"squeeze_ratio": 0.5, "strides": 2}),
        (ResidualConvolution, {"filters": 5, "activation": "swish"}),
        (InvertedResidual, {}),
        (InvertedResidual, {"expansion": 1, "kernel_size": 5}),
        (InvertedResidual, {"expansion": 3, "strides": 2}),
        (InvertedResidual, {"squeeze_ratio": 0.5, "activation": "hard_swish"}),
        (InvertedResidual, {"filters": 5, "activation": "relu6"}),
        (InvertedResidual, {"skip": "none"}),
        (InvertedResidual, {"skip": "pool", "strides": 2}),
        (InvertedResidual, {"skip": "pool", "filters": 5}),
    ],
)
def test_it_computes_what_stock_layers_do(kind, options):
    layer = kind(
        **{"filters": 4, "conventions": CONVENTIONS.to_dict(), **options}
    )
    inputs = noise(2, 6, 7, 4)
    layer(inputs)
    randomise(layer)
    expected = stock(layer, 4, (6, 7))
    expected.set_weights(layer.get_weights())
    assert layer.compute_output_shape(inputs.shape) == tuple(
        [2, *expected.output_shape[1:]]
    )
    np.testing.assert_allclose(
        layer(inputs), expected(inputs), rtol=1e-4, atol=1e-4
    )
    # The plan counts what is built.
    inverted = kind is InvertedResidual
    extra = {"expansion": layer.expansion} if inverted else {}
    plan = kind.plan(
        4,
        layer.filters,
        layer.kernel_size,
        layer.strides,
        layer.squeeze_ratio,
        **extra,
    )
    cost = units_complexity(plan.units, 4, (6, 7))
    assert cost.parameters == layer.count_params()
    size = {1: 6 * 7, 2: 3 * 4}[layer.strides]
    products = 0
    for weight in layer.weights:
        if weight.path.endswith("kernel"):
            whole = 6 * 7 if "expansion" in weight.path else size
            excites = "squeeze" in weight.path or "excite" in weight.path
            products += np.prod(weight.shape) * (1 if excites else whole)
    assert cost.multiply_adds == products


@pytest.mark.parametrize("kind", [ResidualConvolution, InvertedResidual])
def test_folded_weights_do_the_same_in_inference(kind):
    layer = kind(4, squeeze_ratio=0.5, conventions=CONVENTIONS)
    inputs = noise(2, 6, 7, 4)
    layer(inputs)
    randomise(layer)
    config = layer.get_config()
    config["conventions"]["normalization"] = "bias"
    folded = kind.from_config(config)
    folded.build(inputs.shape)
    folded.set_weights(layer.folded_weights())
    np.testing.assert_allclose(
        folded(inputs), layer(inputs), rtol=1e-4, atol=1e-4
    )


def test_the_path_beside_the_skip_is_dropped_in_training():
    layer = InvertedResidual(4, drop_path_rate=0.99)
    inputs = noise(8, 6, 6, 4)
    layer(inputs)
    randomise(layer)
    trained = np.asarray(layer(inputs, training=True))
    same = [np.array_equal(a, b) for a, b in zip(trained, inputs, strict=True)]
    assert any(same)
    assert not np.allclose(layer(inputs), inputs)
    assert InvertedResidual(5, drop_path_rate=0.5)(inputs).shape[-1] == 5


def test_it_trains_and_loads_as_it_was_saved(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            InvertedResidual(4, 5, 2, 0.25, "pool", "swish"),
            InvertedResidual(4, skip="identity"),
            ResidualConvolution(4),
            layers.GlobalAveragePooling2D(),
        ]
    )
    # Of small steps a weight of 1 would not show all.
    model.compile(keras.optimizers.SGD(1.0), "mse")
    inputs = noise(4, 6, 6, 3)
    before = model.get_weights()
    model.fit(inputs, noise(4, 4), verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        assert np.isfinite(new).all() and (old != new).any()
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again(inputs), model(inputs), rtol=1e-5)


def test_channels_may_come_first():
    last = InvertedResidual(4, 3, 2, 0.5, "pool")
    first = InvertedResidual(
        4, 3, 2, 0.5, "pool", conventions={"data_format": "channels_first"}
    )
    inputs = noise(2, 6, 7, 4)
    expected = last(inputs)
    first.build((None, 4, 6, 7))
    randomise(last)
    first.set_weights(last.get_weights())
    np.testing.assert_allclose(
        np.transpose(first(inputs.transpose(0, 3, 1, 2)), (0, 2, 3, 1)),
        last(inputs),
        rtol=1e-4,
        atol=1e-4,
    )
    assert expected.shape == (2, 3, 4, 4)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"filters": 0}, "filters"),
        ({"kernel_size": (3, 3)}, "kernel_size"),
        ({"strides": 0}, "strides"),
        ({"squeeze_ratio": -1}, "squeeze_ratio"),
        ({"skip": "dense"}, "skip"),
        ({"activation": "elu"}, "activation"),
        ({"expansion": 0}, "expansion"),
    ],
)
def test_errors_name_the_argument(arguments, named):
    with pytest.raises(ValueError, match=f"`{named}`.*Received"):
        InvertedResidual(**{"filters": 8, **arguments})
