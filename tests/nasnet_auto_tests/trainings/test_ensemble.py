import numpy as np
import pytest

from nasnet_auto.trainings.ensemble import average
from nasnet_keras import NASNET_A, build_network
from nasnet_keras.deployment.classifier import as_classifier
from nasnet_keras.deployment.export import export


@pytest.fixture(scope="module")
def members():
    return [
        build_network(NASNET_A, (size, size, 3), 3, repeats=1, filters=2)
        for size in (32, 24)
    ]


def test_smaller_networks_get_smaller_images(members):
    ensemble = average(members)
    assert ensemble.input_shape == (None, 32, 32, 3)
    # Of one colour, an image is the same in each size.
    shades = np.linspace(-1, 1, 4, dtype="float32")[:, None, None, None]
    given = [np.broadcast_to(shades, (4, size, size, 3)) for size in (32, 24)]
    alone = [
        np.asarray(member(images))
        for member, images in zip(members, given, strict=True)
    ]
    np.testing.assert_allclose(
        ensemble(given[0]), np.mean(alone, axis=0), atol=1e-5
    )


@pytest.mark.large
@pytest.mark.parametrize("format", ["onnx", "litert"])
def test_it_is_exported_as_any_other(members, format, tmp_path):
    """`export` compares the file with the model."""
    classifier = as_classifier(average(members), ["a", "b", "c"])
    path = tmp_path / f"model.{'onnx' if format == 'onnx' else 'tflite'}"
    export(classifier, path, format)
    assert path.exists()
