"""The published networks fused, cut down to few cells and filters."""

import numpy as np
import pytest

import zoo
from nasnet_keras.deployment.fuse import fuse_for_inference
from zoo.presets import PRESETS

# The first preset of every pair of cells in every frame, with every stem.
DISTINCT = list(
    {
        (preset.architecture, preset.arguments["frame"], preset.classes): name
        for name, preset in reversed(PRESETS.items())
        if preset.kind == "nasnet"
    }.values()
)


@pytest.mark.large
@pytest.mark.parametrize("name", DISTINCT)
def test_each_computes_the_same(name):
    imagenet = PRESETS[name].classes == 1000
    side = 33 if imagenet else 9
    model = zoo.create_model(
        name,
        (side, side, 3),
        classes=5,
        classifier_activation=None,
        repeats=3 if PRESETS[name].arguments["frame"] == "darts" else 1,
        filters=8 if imagenet else 4,
    )
    random = np.random.default_rng(0)
    for weight in model.weights:
        if weight.path.endswith(("gamma", "moving_variance")):
            weight.assign(random.uniform(0.5, 2, weight.shape))
        elif weight.path.endswith(("beta", "moving_mean")):
            weight.assign(random.normal(size=weight.shape))
    images = random.uniform(-1, 1, (2, side, side, 3)).astype("float32")
    expected = np.asarray(model(images))
    outputs = np.asarray(fuse_for_inference(model)(images))
    largest = np.abs(expected).max()
    assert np.isfinite(largest)
    np.testing.assert_allclose(outputs, expected, atol=1e-4 * largest, rtol=0)
