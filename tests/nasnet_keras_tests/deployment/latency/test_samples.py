import pytest

from nasnet_keras.deployment.latency.network_arguments import (
    complete_setting,
    network_plan,
)
from nasnet_keras.deployment.latency.samples import (
    covering_genotypes,
    random_genotypes,
)
from nasnet_keras.genotype import NASNET_COMBINERS, NASNET_OPERATIONS
from nasnet_keras.layers.combiners import COMBINERS
from nasnet_keras.layers.operations import OPERATIONS
from nasnet_keras.network.placed_operations import network_operations

SETTINGS = {
    "cifar": {"repeats": 2, "filters": 4},
    "imagenet": {
        "input_shape": (35, 33, 3),
        "repeats": 2,
        "filters": 8,
        "stem": "imagenet",
        "skip_reduction_layer_input": True,
    },
    "enas": {"repeats": 2, "filters": 4, "frame": "enas"},
    "darts": {"repeats": 8, "filters": 4, "frame": "darts"},
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("combiners", [NASNET_COMBINERS, ("add",)])
def test_the_covering_genotypes_place_whatever_random_ones_do(name, combiners):
    """Operations and combiners exactly; outputs and what reads them between
    the fewest and the most channels."""
    setting = complete_setting(SETTINGS[name])
    space = (4, NASNET_OPERATIONS, combiners)

    def places(genotypes):
        return {
            place
            for genotype in genotypes
            for place in network_operations(network_plan(genotype, setting))
        }

    covered = places(covering_genotypes(*space))
    channels = {}
    for p in covered:
        key = (p.name, p.height, p.width, p.filters, p.strides)
        channels.setdefault(key, []).append(p.channels)
    for p in places(random_genotypes(30, *space)):
        if p.name in OPERATIONS or p.name in COMBINERS:
            assert p in covered
        known = channels[p.name, p.height, p.width, p.filters, p.strides]
        assert min(known) <= p.channels <= max(known)


def test_random_genotypes_follow_their_seed():
    space = (2, ("identity", "conv_3x3"), ("add",))
    first = random_genotypes(5, *space, seed=1)
    assert first == random_genotypes(5, *space, seed=1)
    assert first != random_genotypes(5, *space, seed=2)
