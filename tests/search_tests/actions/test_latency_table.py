from dataclasses import replace

import pytest

from nasnet_keras.kinds.latency_tables import load_table
from nasnet_keras.kinds.mobile.layer_table import placed_layers
from search.actions.latency_table import measure_table, random_architectures
from search.runs.config import create_configuration
from search.spaces import SPACES, create_space

SETTING = {"input_shape": (32, 32, 3), "classes": 10}
OF_LAYERS = [
    name
    for name in SPACES
    if create_space(name).kind_name == "mobile"
    and "latency-table" in create_space(name).capabilities
]


def test_spaces_of_mobile_networks_have_tables():
    assert {*OF_LAYERS} == {"mobile", "proxylessnas", "macro"}


@pytest.mark.parametrize("name", OF_LAYERS)
def test_all_layers_are_measured_but_for_their_channels(name):
    """Or without their skip; those of paths with their channels too."""
    space = create_space(name)
    covered = {
        place
        for decisions in space.covering()
        for place in placed_layers(space.decode(decisions), SETTING)
    }
    kinds = {place.configuration for place in covered}
    exact = "paths" in space.capabilities
    for architecture in random_architectures(space, 10):
        for place in placed_layers(architecture, SETTING):
            kind = place.configuration
            assert place in covered or not exact
            assert {kind, replace(kind, skip="none")} & kinds


@pytest.mark.large
def test_a_table_of_layers_is_measured_and_used(tmp_path):
    config = create_configuration(
        {
            "dataset": "digits",
            "space": "proxylessnas",
            "space_options": {"width": 0.25, "kernels": [3], "stages": 1},
        }
    )
    path = tmp_path / "table.json"
    measure_table(config, path)
    table = load_table(path)
    architectures = random_architectures(config.create_space(), 5)
    assert all(table.predict(each) > 0 for each in architectures)
