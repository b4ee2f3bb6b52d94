"""Tables of latencies, for each space that has them."""

import functools
import itertools

import numpy as np
import pytest

from nasnet_keras.deployment.latency import chains
from nasnet_keras.deployment.latency.latency_table import (
    LatencyTable,
    part_class,
)
from nasnet_keras.deployment.timing import forward_pass
from search.actions.latency_table import measure_table, random_architectures
from search.runs.config import create_configuration
from search.spaces import SPACES, create_space

# By space, options that make it small. Of a space whose classifier reads more
# or fewer channels, the line says only a mean of it.
SMALL = {
    "nasnet": {"blocks": 2, "operations": ["identity", "conv_3x3"]},
    "pnasnet": {},
    "enas": {},
    "darts": {},
    "amoebanet": {},
    "layerwise": {"layers": 2, "filters": [2, 4]},
    "mobile": {"width": 0.1, "blocks": 1, "kernels": [3]},
    "proxylessnas": {"width": 0.25, "kernels": [3], "stages": 1},
    "macro": {},
    "nasbench101": {"vertices": 4},
    "nasbench201": {"nodes": 3},
    "hierarchical": {"motifs": 1, "motif_nodes": 3, "cell_nodes": 2},
}
# Those of which other spaces are subspaces, and the largest, are enough.
MEASURED = sorted({*SMALL} - {"pnasnet", "enas", "darts", "amoebanet", "macro"})
SETTING = {"input_shape": [32, 32, 3], "classes": 10}
SUMMED = {"Conv2D": 3, "DepthwiseConv2dNative": 2}


def test_each_space_with_tables_is_here():
    with_tables = {
        name
        for name in SPACES
        if name != "recipe"
        and "latency-table" in create_space(name).capabilities
    }
    assert with_tables == {*SMALL}


def setting_of(space):
    return {**SETTING, **space.kind.scale}


# Options under which spaces have other parts.
OTHERS = [
    *((name, {}) for name in SMALL),
    ("nasnet", {"blocks": 1}),
    ("nasnet", {"cells": 1, "concat": "all", "combiners": ["concat"]}),
    ("layerwise", {"layers": 1, "filters": [8]}),
    ("mobile", {"reference": "proxylessnas_gpu", "stem": "imagenet"}),
    ("mobile", {"reference": "mnasnet_a1", "kernels": [5, 7], "width": 0.3}),
    ("nasbench101", {"vertices": 3}),
    ("nasbench101", {"vertices": 5}),
    ("nasbench201", {"nodes": 2, "operations": ["none", "nor_conv_1x1"]}),
    ("hierarchical", {"motifs": 2, "motif_nodes": 5, "cell_nodes": 3}),
    ("hierarchical", {"motif_nodes": 2, "cell_nodes": 2}),
]


@pytest.mark.parametrize(("name", "options"), OTHERS)
def test_all_parts_are_measured_but_for_their_channels(name, options):
    """Those of paths with their channels too; of others most have no more
    work than the most of their like, and no less than the least."""
    space = create_space(name, options)
    parts = functools.partial(
        part_class(space.kind).of_network, space.kind, setting=setting_of(space)
    )
    covered = {
        part
        for decisions in space.covering()
        for part in parts(space.decode(decisions))
    }
    works = {}
    for part in covered:
        works.setdefault(part.alike[0], []).append(part.work)
    met, inside = 0, 0
    for architecture in random_architectures(space, 10):
        for part in parts(architecture):
            key = next((key for key in part.alike if key in works), None)
            assert key is not None, part
            assert part.work > 0
            met += 1
            inside += min(works[key]) <= part.work <= max(works[key])
            if "paths" in space.capabilities:
                assert part in covered
    # Mobile networks have too many layers to measure each with more filters.
    assert inside >= 0.95 * met or name == "mobile"


def products(function, *arguments):
    """In the place of seconds the products of convolutions: they add up."""
    total = 0
    for each in function.get_concrete_function().graph.get_operations():
        if each.type in SUMMED:
            kernel = each.inputs[1].shape.as_list()[: SUMMED[each.type]]
            total += np.prod(each.outputs[0].shape.as_list()) * np.prod(kernel)
    return float(total)


@pytest.mark.large
@pytest.mark.parametrize("name", MEASURED)
def test_a_table_predicts_what_adds_up_exactly(name, monkeypatch, tmp_path):
    """Products do, and rise with the channels along a line, by which they are
    interpolated; also after the table was written and read."""
    monkeypatch.setattr(chains, "STEPS", 1)
    space = create_space(name, SMALL[name])
    setting = setting_of(space)
    table = LatencyTable.measure(
        space.kind,
        [space.decode(decisions) for decisions in space.covering()],
        random_architectures(space, 4),
        timer=products,
        **setting,
    )
    table.save(tmp_path / "table.json")
    table = LatencyTable.load(tmp_path / "table.json")
    for architecture in random_architectures(space, 5, seed=1):
        model = space.kind.build(architecture, **setting)
        expected = products(*forward_pass(model))
        assert table.predict(architecture) == pytest.approx(expected)


def test_searched_strides_have_no_table():
    space = create_space("layerwise", {"strides": "searched"})
    assert "latency-table" not in space.capabilities
    for decisions in itertools.islice(space.covering(), 3):
        space.check(decisions)


def test_a_table_is_measured_and_used(tmp_path, monkeypatch):
    monkeypatch.setattr(chains, "STEPS", 1)
    measure = functools.partial(LatencyTable.measure, timer=products)
    monkeypatch.setattr(LatencyTable, "measure", measure)
    config = create_configuration(
        {
            "dataset": "digits",
            "space": "nasbench201",
            "space_options": {
                "nodes": 2,
                "operations": ["nor_conv_1x1", "nor_conv_3x3", "skip_connect"],
            },
        }
    )
    path = tmp_path / "table.json"
    measure_table(config, path)
    table = LatencyTable.load(path)
    space = config.create_space()
    table.check_setting(
        "nasbench201", **{"classes": 10, **table.setting, **space.kind.scale}
    )
    fast, slow = (table.predict(space.decode((choice,))) for choice in (0, 1))
    assert fast < slow
