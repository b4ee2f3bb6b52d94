"""Weights that come with the package: `weights="cifar10"`."""

import socket

import keras
import numpy as np
import pytest

import zoo
from nasnet_keras.training.data.datasets import load_dataset
from nasnet_keras.training.evaluation.evaluate import evaluate_network
from zoo import weights

# On the 10,000 test images, as docs/training.md says.
ACCURACIES = {"nasnet_a_cifar_nano": 0.844}


@pytest.fixture(scope="module", params=weights.networks("cifar10"))
def preset(request):
    return request.param


@pytest.fixture(scope="module")
def model(preset):
    """Built without a way to the network."""

    def refuse(*arguments, **options):
        raise OSError("no network")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "socket", refuse)
        return zoo.create_model(preset, weights="cifar10")


def test_a_file_is_small(preset):
    assert weights.shipped(preset).stat().st_size < 4e6


@pytest.mark.large
def test_the_body_is_that_of_the_classifier(preset, model):
    body = zoo.create_model(
        preset, weights="cifar10", include_top=False, pooling="avg"
    )
    with pytest.warns(UserWarning, match="The classifier starts anew"):
        other = zoo.create_model(preset, weights="cifar10", classes=3)
    images = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 3))
    features = body.predict(images, verbose=0)
    before = keras.Model(model.inputs, model.get_layer("logits").input)
    np.testing.assert_allclose(
        before.predict(images, verbose=0), features, rtol=1e-4, atol=1e-5
    )
    assert other.predict(images, verbose=0).shape == (2, 3)


def test_another_activation_gets_a_new_classifier(preset, model):
    with pytest.warns(UserWarning, match="classifier starts anew"):
        other = zoo.create_model(
            preset, weights="cifar10", classifier_activation="sigmoid"
        )
    one, two = (each.get_layer("logits").kernel for each in (model, other))
    assert one.shape == two.shape
    assert np.mean(np.asarray(one) == np.asarray(two)) < 0.01


def test_other_networks_have_none():
    with pytest.raises(ValueError, match=r"`weights`.*nasnet_a_cifar_nano"):
        zoo.NASNetMobile(weights="cifar10")


@pytest.mark.large
def test_the_accuracy_is_the_stated_one(preset, model, cifar10_folder):
    data = load_dataset("cifar10", data_dir=cifar10_folder)
    assert data.class_names == zoo.CIFAR10_CLASSES
    evaluation = evaluate_network(
        model, data.test.images, data.test.labels, data.class_names
    )
    # Ten images, for other processors and the true PNGs.
    assert evaluation.accuracy == pytest.approx(ACCURACIES[preset], abs=1e-3)
