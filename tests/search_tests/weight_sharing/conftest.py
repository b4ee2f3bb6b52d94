import numpy as np
import pytest

from search.space import NASNetSpace
from search.weight_sharing.shared_network import SharedNetwork


@pytest.fixture(scope="session")
def shared_space():
    return NASNetSpace(blocks=2)


@pytest.fixture(scope="session")
def create_network():
    """Small networks whose scales and offsets are no plain ones."""

    def create(**settings):
        network = SharedNetwork(
            (8, 8, 3), classes=4, **{"blocks": 2, "filters": 2, **settings}
        )
        random = np.random.default_rng(0)
        for bank in network.variables:
            bank.assign_add(random.normal(scale=0.1, size=bank.shape))
        return network

    return create
