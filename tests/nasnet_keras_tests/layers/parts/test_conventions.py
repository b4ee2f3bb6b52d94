import keras
import pytest

from nasnet_keras.layers.parts.conventions import Conventions


@pytest.fixture
def channels_first():
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


def test_written_and_read_again():
    conventions = Conventions("bottleneck", "zeros", 0.5, 1e-3)
    assert Conventions.from_dict(conventions.to_dict()) == conventions
    assert Conventions.from_dict(conventions) is conventions
    assert Conventions.from_dict(None) == Conventions()
    assert Conventions.from_dict({"bn_momentum": 0.5}).bn_momentum == 0.5


def test_the_data_format_is_the_configured_one(channels_first):
    conventions = Conventions()
    assert conventions.data_format == "channels_first"
    assert conventions.channel_axis == 1
    assert conventions.spatial_axes == (2, 3)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("convolution_form", "wide"),
        ("convolution_form", ["plain"]),
        ("pool_padding", "valid"),
        ("data_format", None),
        ("strided_identity", "pool"),
        ("strided_padding", "valid"),
        ("activation", "elu"),
        ("activation", None),
        ("bn_momentum", 1.5),
        ("bn_epsilon", 0.0),
    ],
)
def test_errors_name_the_argument(argument, value):
    with pytest.raises(ValueError, match=f"`{argument}`.*Received"):
        Conventions(**{argument: value})


@pytest.mark.parametrize("data", [{"padding": "same"}, "same", 3, [1]])
def test_other_names_are_refused(data):
    with pytest.raises(ValueError, match="`conventions`.*Received"):
        Conventions.from_dict(data)
