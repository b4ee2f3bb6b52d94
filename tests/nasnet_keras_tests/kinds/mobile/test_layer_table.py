import dataclasses
import itertools
import json

import numpy as np
import pytest

from nasnet_keras.kinds.latency_tables import load_table
from nasnet_keras.kinds.layerwise import NAS_V1
from nasnet_keras.kinds.mobile import (
    MobileArchitecture,
    MobileBlock,
    MobileKind,
)
from nasnet_keras.kinds.mobile.layer_table import (
    LayerTable,
    placed_layers,
)

SETTING = {"input_shape": (8, 8, 3), "classes": 2}
KIND = MobileKind()
OPERATORS = ("separable", "inverted_residual_3", "identity")


def network(first, second, filters=4, kernel=3):
    return MobileArchitecture(
        (
            MobileBlock(first, filters, kernel, strides=2),
            MobileBlock(second, filters, kernel, layers=2),
        ),
        2,
        1,
        6,
    )


COVERING = [network(*pair) for pair in itertools.product(OPERATORS, repeat=2)]


def products(function, *states):
    """Multiply-adds of a graph as seconds: what adds up exactly."""
    graph, total = function.get_concrete_function().graph, 0
    sizes = {"Conv2D": 3, "DepthwiseConv2dNative": 2, "MatMul": 1}
    for operation in graph.get_operations():
        if operation.type in sizes:
            kernel = operation.inputs[1].shape.as_list()
            output = operation.outputs[0].shape.as_list()
            total += np.prod(output) * np.prod(kernel[: sizes[operation.type]])
    return float(total)


@pytest.fixture(scope="module")
def table():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nasnet_keras.deployment.latency.chains.STEPS", 1)
        return LayerTable.measure(
            COVERING, COVERING[:2], timer=products, **SETTING
        )


def multiply_adds(architecture):
    return KIND.complexity(architecture, **SETTING).multiply_adds


def test_layers_are_placed_where_the_network_has_them():
    first, second, third = placed_layers(
        network("separable", "inverted_residual_3"), SETTING
    )
    assert (first.height, first.channels, first.strides) == (8, 2, 2)
    assert first.skip == "none"
    assert (second.height, second.channels, second.filters) == (4, 4, 4)
    assert second == third and second.skip == "identity"
    assert len(placed_layers(network("separable", "identity"), SETTING)) == 1


def test_what_adds_up_exactly_is_predicted_exactly(table):
    """Products do; the line stands for the stem and the head."""
    for architecture in COVERING:
        assert table.predict(architecture) == pytest.approx(
            multiply_adds(architecture)
        )


def test_other_channels_are_in_proportion(table):
    """To the multiply-adds, which are exact here."""
    wide = network("separable", "inverted_residual_3", filters=5)
    stem = table.predict(COVERING[0]) - sum(
        each.multiply_adds for each in placed_layers(COVERING[0], SETTING)
    )
    expected = sum(each.multiply_adds for each in placed_layers(wide, SETTING))
    assert table.predict(wide) == pytest.approx(expected + stem)


def test_a_skip_that_was_not_measured_costs_nothing(table):
    plain, pooled = (
        MobileArchitecture(
            (MobileBlock("separable", 2, strides=2, skip=skip),), 2, 1, 6
        )
        for skip in ("none", "pool")
    )
    assert placed_layers(pooled, SETTING)[0].skip == "pool"
    assert table.predict(pooled) == table.predict(plain) > table.offset


def test_another_kernel_is_refused(table):
    with pytest.raises(ValueError, match="other networks.*kernel_size=5"):
        table.predict(network("separable", "separable", kernel=5))


@pytest.mark.parametrize("ends", [{"stem_filters": 4}, {"head_filters": 9}])
def test_another_stem_or_head_is_refused(table, ends):
    other = dataclasses.replace(COVERING[0], **ends)
    (name,) = ends
    with pytest.raises(ValueError, match=f"Received: .*'{name}': {ends[name]}"):
        table.predict(other)


def test_an_architecture_of_another_kind_is_refused(table):
    with pytest.raises(ValueError, match="for other networks"):
        table.predict(NAS_V1)


def test_a_saved_table_predicts_the_same(table, tmp_path):
    path = tmp_path / "table.json"
    table.save(path)
    loaded = load_table(path)
    assert loaded == table and loaded.fingerprint == table.fingerprint
    assert loaded.predict(COVERING[0]) == table.predict(COVERING[0])


def test_another_setting_is_refused(table):
    table.check_setting(**SETTING)
    with pytest.raises(ValueError, match="Expected classes=2. Rec.*classes=3"):
        table.check_setting(**{**SETTING, "classes": 3})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "nasnet"}, "the kind nasnet"),
        ({"schema_version": 2}, "version 2"),
        ({"scale": 0.0}, "`scale`"),
        ({"seconds": [1.0]}, "1 seconds of"),
        ({"seconds": [float("nan")]}, ""),
        ({"layers": [{}]}, "operator"),
        ({"more": 1}, "more"),
    ],
)
def test_a_file_of_no_table_is_refused(table, tmp_path, change, message):
    path = tmp_path / "table.json"
    path.write_text(json.dumps({**json.loads(table._text), **change}))
    with pytest.raises(ValueError, match=f"table.json.*{message}"):
        LayerTable.load(path)


@pytest.mark.parametrize("name", ["height", "width", "channels"])
def test_a_layer_of_nothing_is_refused(table, tmp_path, name):
    path = tmp_path / "table.json"
    content = json.loads(table._text)
    content["layers"][0][name] = 0
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=name):
        LayerTable.load(path)
