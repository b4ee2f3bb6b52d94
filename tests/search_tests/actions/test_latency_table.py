import functools
import math
from dataclasses import replace

import pytest

from nasnet_keras.kinds.latency_tables import load_table
from nasnet_keras.kinds.mobile.layer_table import LayerTable, placed_layers
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


def products(function, *states):
    """Multiply-adds of a graph as seconds: what adds up exactly."""
    graph, total = function.get_concrete_function().graph, 0
    axes = {"Conv2D": 3, "DepthwiseConv2dNative": 2, "MatMul": 1}
    for operation in graph.get_operations():
        if operation.type in axes:
            kernel = operation.inputs[1].shape[: axes[operation.type]]
            total += math.prod((*operation.outputs[0].shape, *kernel))
    return float(total)


def test_a_table_of_layers_is_measured_and_used(tmp_path, monkeypatch):
    """It predicts what each network costs, by a timer that adds up exactly."""
    monkeypatch.setattr("nasnet_keras.deployment.latency.chains.STEPS", 1)
    measure = functools.partial(LayerTable.measure, timer=products)
    monkeypatch.setattr(LayerTable, "measure", measure)
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
    space = config.create_space()
    others = random_architectures(space, 5, seed=1)
    expected = [
        space.kind.complexity(each, **table.setting).multiply_adds
        for each in others
    ]
    assert len({*expected}) > 1
    assert [table.predict(each) for each in others] == pytest.approx(expected)
