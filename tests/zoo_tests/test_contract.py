"""What every published network does, cut down to few cells and filters."""

import numpy as np
import pytest

import zoo
from nasnet_keras import export
from nasnet_keras.deployment.formats import FORMATS
from nasnet_keras.deployment.fuse import fuse_for_inference
from zoo.presets import PRESETS

# The first preset of every architecture in every frame, with every stem.
DISTINCT = list(
    {
        (
            preset.architecture,
            preset.arguments.get("frame"),
            preset.classes,
        ): name
        for name, preset in reversed(PRESETS.items())
    }.values()
)
ONE_OF_A_KIND = list(
    {PRESETS[name].kind: name for name in reversed(DISTINCT)}.values()
)


@pytest.fixture(params=DISTINCT)
def small(request, shrunk, as_if_trained, monkeypatch):
    """What makes a network of five classes, small, as training might leave
    it."""
    name = request.param
    preset = PRESETS[name]
    if preset.kind == "multibranch":
        monkeypatch.setitem(PRESETS, name, shrunk(name, preset))
    imagenet = preset.classes == 1000
    least = {}
    if preset.kind == "nasnet":
        least["repeats"] = 3 if preset.arguments["frame"] == "darts" else 1
        least["filters"] = 8 if imagenet else 4

    def make(side=33 if imagenet else 9, dtype="float32", **options):
        model = zoo.create_model(
            name,
            (side, side, 3),
            classes=5,
            classifier_activation=None,
            dtype=dtype,
            **least,
            **options,
        )
        return as_if_trained(model)

    make.preset = preset
    return make


@pytest.mark.large
def test_fused_it_computes_the_same(small):
    # States of networks of units grow by these weights until roundings decide
    # on which side a sigmoid saturates: in single precision the network itself
    # is 2e-3 from what it is in double precision, in which they are compared.
    dtype, tolerance = "float32", 1e-4
    if small.preset.kind != "nasnet":
        # The logits are single all the same.
        dtype, tolerance = "float64", 1e-6
    model = small(dtype=dtype)
    images = np.random.default_rng(1).uniform(
        -1, 1, (2, *model.input_shape[1:])
    )
    images = images.astype(dtype)
    expected = np.asarray(model(images))
    outputs = np.asarray(fuse_for_inference(model)(images))
    largest = np.abs(expected).max()
    assert np.isfinite(largest)
    np.testing.assert_allclose(
        outputs, expected, atol=tolerance * largest, rtol=0
    )


@pytest.mark.large
def test_its_features_are_a_pyramid_that_ends_in_its_body(small):
    side = 64
    features = small(side, features=True)
    body = small(side, include_top=False)
    body.set_weights(features.get_weights())
    images = np.random.default_rng(1).uniform(-1, 1, (1, side, side, 3))
    maps = {name: np.asarray(map) for name, map in features(images).items()}
    assert list(maps) == [f"P{level + 1}" for level in range(len(maps))]
    for level, each in enumerate(maps.values(), start=1):
        # Some first convolutions pad nothing.
        assert abs(each.shape[1] - side / 2**level) <= 1, level
    last = list(maps.values())[-1]
    np.testing.assert_allclose(
        np.maximum(np.asarray(body(images)), 0), np.maximum(last, 0), rtol=1e-5
    )


@pytest.mark.large
def test_it_is_deployed(small, tmp_path):
    """`export` raises, and leaves no file, if the file computes other things
    than the network."""
    path = tmp_path / "network.onnx"
    export(small(), path, "onnx")
    assert path.is_file()


@pytest.mark.large
@pytest.mark.parametrize("form", sorted(FORMATS))
@pytest.mark.parametrize("small", ONE_OF_A_KIND, indirect=True)
def test_one_of_each_kind_is_deployed_in_every_format(small, form, tmp_path):
    try:
        FORMATS[form].check(False)
    except ValueError as error:
        pytest.skip(str(error))
    path = tmp_path / f"network{FORMATS[form].suffix}"
    assert export(small(), path, form).comparison.difference < 1e-4
