import warnings

import keras
import pytest

from nasnet_keras.layers.inverted_residual import InvertedResidual
from nasnet_keras.layers.parts.convolution_unit import ConvolutionBatchNorm
from nasnet_keras.network import model_cost
from nasnet_keras.network.model_cost import known_multiply_adds, multiply_adds


@pytest.fixture(autouse=True)
def new_process():
    """In which no warning was given yet."""
    model_cost._warn_of.cache_clear()


class Weighted(keras.layers.Layer):
    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], 4))

    def call(self, inputs):
        return inputs @ self.kernel


def sequence(layer, *shape):
    return keras.Sequential([keras.Input(shape), layer])


def test_convolutions_and_dense_layers_of_any_model_are_counted():
    inner = keras.Sequential(
        [
            keras.layers.Input((8, 6, 3)),
            keras.layers.SeparableConv2D(4, 3, padding="same"),
            keras.layers.DepthwiseConv2D(5, padding="same"),
        ]
    )
    model = keras.Sequential(
        [
            keras.layers.Input((8, 6, 3)),
            inner,
            InvertedResidual(4, expansion=3, squeeze_ratio=0.5),
            ConvolutionBatchNorm(8, (3, 3), (2, 2)),
            keras.layers.Dense(5),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(7),
        ]
    )
    separable = 9 * 3 + 3 * 4
    inverted = 4 * 12 + 9 * 12 + 12 * 4
    expected = 48 * (separable + 25 * 4 + inverted) + 2 * 12 * 2
    expected += 12 * (9 * 4 * 8 + 8 * 5) + 5 * 7
    assert known_multiply_adds(model) == expected


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (keras.layers.Conv1D(4, 3, 2), (9, 5), 4 * 3 * 5 * 4),
        (keras.layers.DepthwiseConv1D(3), (9, 5), 7 * 3 * 5),
        (
            keras.layers.SeparableConv1D(4, 3, padding="same"),
            (9, 5),
            9 * (3 * 5 + 5 * 4),
        ),
        (keras.layers.Conv3D(2, 3), (4, 5, 6, 1), 2 * 3 * 4 * 27 * 2),
        # Each number that is read meets the whole kernel.
        (keras.layers.Conv1DTranspose(4, 3, 2), (9, 5), 9 * 3 * 5 * 4),
        (
            keras.layers.Conv2DTranspose(4, 3, 2, padding="same"),
            (6, 8, 5),
            6 * 8 * 9 * 5 * 4,
        ),
        (
            keras.layers.Conv2DTranspose(4, 3, 2, data_format="channels_first"),
            (5, 6, 8),
            6 * 8 * 9 * 5 * 4,
        ),
        (keras.layers.Dense(4), (6, 8, 5), 6 * 8 * 5 * 4),
        (
            keras.layers.EinsumDense("abc,cd->abd", (None, 4)),
            (6, 5),
            6 * 5 * 4,
        ),
        (
            keras.layers.EinsumDense("...x,xy->...y", 4),
            (6, 8, 5),
            6 * 8 * 5 * 4,
        ),
        (keras.layers.EinsumDense("abc,bcd->ad", 4), (6, 5), 6 * 5 * 4),
        (keras.layers.Embedding(9, 4), (6,), 0),
        (keras.layers.PReLU(), (6, 5), 0),
        (keras.layers.LayerNormalization((1, 2)), (6, 5), 0),
    ],
)
def test_layers_by_hand(layer, shape, expected):
    assert known_multiply_adds(sequence(layer, *shape)) == expected


def test_each_call_of_a_layer_counts():
    """At the size of what this call returns, in this model alone."""
    images = keras.Input((8, 8, 4))
    shared = keras.layers.Conv2D(4, 3, padding="same")
    inner = sequence(keras.layers.Dense(4), 4, 4, 4)
    large = shared(images)
    small = shared(keras.layers.AveragePooling2D(2)(large))
    first = keras.Model(images, large)
    outputs = keras.layers.Add()([inner(small), inner(inner(small))])
    kernel = 9 * 4 * 4
    assert known_multiply_adds(first) == 64 * kernel
    assert known_multiply_adds(keras.Model(images, outputs)) == (
        (64 + 16) * kernel + 3 * 16 * 4 * 4
    )


def test_what_is_not_known_is_named_once():
    attention = keras.layers.MultiHeadAttention(2, 3)
    images = keras.Input((6, 5))
    states = keras.layers.Dense(4)(attention(images, images))
    outputs = Weighted()(Weighted()(states))
    model = keras.Model(images, outputs)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert known_multiply_adds(model) == 6 * 5 * 4
        known_multiply_adds(model)
    assert sorted(str(each.message).split()[3] for each in told) == [
        "MultiHeadAttention",
        "Weighted",
    ]


def test_a_model_without_a_graph_is_not_known():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(4)

        def call(self, inputs):
            return self.dense(inputs)

    images = keras.Input((5,))
    model = keras.Model(images, keras.layers.Dense(3)(Own()(images)))
    with pytest.warns(UserWarning, match="The multiply-adds of Own layers"):
        assert known_multiply_adds(model) == 4 * 3
    with pytest.raises(ValueError, match="Received: .* a Own"):
        multiply_adds(model)


def test_a_network_of_other_layers_is_not_counted_in_silence():
    with pytest.raises(ValueError, match="Received: .* a Weighted"):
        multiply_adds(sequence(Weighted(), 8, 3))


def test_the_size_must_be_known():
    for layer in (keras.layers.Dense(4), keras.layers.Conv1D(4, 3)):
        with pytest.raises(ValueError, match="depend on the size"):
            known_multiply_adds(sequence(layer, None, 5))
