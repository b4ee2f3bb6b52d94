"""The published networks fused, cut down to few cells and filters."""

import numpy as np
import pytest

import zoo
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


@pytest.mark.large
@pytest.mark.parametrize("name", DISTINCT)
def test_each_computes_the_same(name, shrunk, monkeypatch):
    preset = PRESETS[name]
    if preset.kind == "multibranch":
        monkeypatch.setitem(PRESETS, name, shrunk(name, preset))
    imagenet = preset.classes == 1000
    side = 33 if imagenet else 9
    least = {}
    if preset.kind == "nasnet":
        least["repeats"] = 3 if preset.arguments["frame"] == "darts" else 1
        least["filters"] = 8 if imagenet else 4
    # States of networks of units grow by these weights until roundings decide
    # on which side a sigmoid saturates: in single precision the network itself
    # is 2e-3 from what it is in double precision, in which they are compared.
    dtype, tolerance = "float32", 1e-4
    if preset.kind != "nasnet":
        dtype, tolerance = (
            "float64",
            1e-6,
        )  # The logits are single all the same.
    model = zoo.create_model(
        name,
        (side, side, 3),
        classes=5,
        classifier_activation=None,
        dtype=dtype,
        **least,
    )
    random = np.random.default_rng(0)
    for weight in model.weights:
        if weight.path.endswith(("gamma", "moving_variance")):
            weight.assign(random.uniform(0.5, 2, weight.shape))
        elif weight.path.endswith(("beta", "moving_mean")):
            weight.assign(random.normal(size=weight.shape))
    images = random.uniform(-1, 1, (2, side, side, 3)).astype(dtype)
    expected = np.asarray(model(images))
    outputs = np.asarray(fuse_for_inference(model)(images))
    largest = np.abs(expected).max()
    assert np.isfinite(largest)
    np.testing.assert_allclose(
        outputs, expected, atol=tolerance * largest, rtol=0
    )
