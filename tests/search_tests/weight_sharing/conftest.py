import keras
import numpy as np
import pytest

from search.spaces.nasnet import NASNetSpace
from search.weight_sharing.layer_function import NormalizedClassifier
from search.weight_sharing.shared_network import SharedNetwork


@pytest.fixture(scope="session")
def shared_space():
    return NASNetSpace(blocks=2)


@pytest.fixture(scope="session")
def create_network(shared_space):
    """Small networks whose scales and offsets are no plain ones."""

    def create(space=None, **settings):
        network = SharedNetwork(
            space or shared_space,
            (8, 8, 3),
            classes=4,
            **{"filters": 2, **settings},
        )
        random = np.random.default_rng(0)
        for bank in network.variables:
            bank.assign_add(random.normal(scale=0.1, size=bank.shape))
        return network

    return create


@pytest.fixture(scope="session")
def as_trained():
    """Makes of a network built alone, and the subnetwork that has its weights,
    what that is in training: its classifier normalises."""

    def change(model, subnetwork, activation=None):
        bound = subnetwork.layers[-1]
        function = bound.weight_slice.function
        classifier = NormalizedClassifier(
            function.layer.dense.units, function.layer.width
        )
        logits = classifier(model.get_layer("logits").input)
        outputs = keras.layers.Activation(activation)(logits)
        classifier.dense.set_weights(function.unpack(bound.weights))
        classifier.batch_norm.set_weights(bound.moving)
        return keras.Model(model.input, outputs)

    return change
