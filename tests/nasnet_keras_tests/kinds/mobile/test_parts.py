import json

import numpy as np
import pytest

from nasnet_keras.deployment.latency.latency_table import LatencyTable
from nasnet_keras.kinds.mobile import (
    MobileArchitecture,
    MobileBlock,
    MobileKind,
)
from nasnet_keras.kinds.mobile.parts import MobilePart

SETTING = {"input_shape": (8, 8, 3), "classes": 2}
KIND = MobileKind()
OPERATORS = ("separable", "inverted_residual_3", "identity")


def network(first, second, filters=4, kernel=3, **ends):
    return MobileArchitecture(
        (
            MobileBlock(first, filters, kernel, strides=2),
            MobileBlock(second, filters, kernel, layers=2),
        ),
        **{"stem_filters": 2, "stem_strides": 1, "head_filters": 6, **ends},
    )


COVERING = [network(one, other) for one in OPERATORS for other in OPERATORS]


def parts_of(architecture):
    return MobilePart.of_network(KIND, architecture, SETTING)


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
        return LatencyTable.measure(
            KIND, COVERING, COVERING[:2], timer=products, **SETTING
        )


def multiply_adds(architecture):
    return KIND.complexity(architecture, **SETTING).multiply_adds


def test_parts_stand_where_the_network_has_them():
    stem, first, second, third, head = parts_of(
        network("separable", "inverted_residual_3")
    )
    assert (stem.operator, stem.kernel_size, stem.channels) == (
        *("convolution", 3, 3),
    )
    assert (first.height, first.channels, first.strides) == (8, 2, 2)
    assert first.skip == "none"
    assert (second.height, second.channels, second.filters) == (4, 4, 4)
    assert second == third and second.skip == "identity"
    assert (head.kernel_size, head.height, head.filters) == (1, 4, 6)
    assert len(parts_of(network("separable", "identity"))) == 3


@pytest.mark.parametrize("pair", [OPERATORS[:2], OPERATORS[1:]])
def test_all_multiply_adds_are_in_parts_but_for_the_classifier(pair):
    architecture = network(*pair)
    classifier = 2 * architecture.head_filters
    work = sum(part.work for part in parts_of(architecture))
    assert work + classifier == multiply_adds(architecture)


def test_what_adds_up_exactly_is_predicted_exactly(table):
    """Products do; the line stands for the classifier."""
    assert (table.offset, table.scale) == pytest.approx((12, 1))
    for architecture in COVERING:
        assert table.predict(architecture) == pytest.approx(
            multiply_adds(architecture)
        )


@pytest.mark.parametrize(
    "ends", [{"filters": 5}, {"stem_filters": 4}, {"head_filters": 9}]
)
def test_other_channels_are_in_proportion(table, ends):
    """To the multiply-adds, which are exact here."""
    other = network("separable", "inverted_residual_3", **ends)
    classifier = 2 * other.head_filters - 12
    assert table.predict(other) + classifier == pytest.approx(
        multiply_adds(other)
    )


def test_a_skip_that_was_not_measured_costs_nothing(table):
    plain, pooled = (
        MobileArchitecture(
            (MobileBlock("separable", 2, strides=2, skip=skip),), 2, 1, 6
        )
        for skip in ("none", "pool")
    )
    assert parts_of(pooled)[1].skip == "pool"
    assert table.predict(pooled) == table.predict(plain) > table.offset


@pytest.mark.parametrize(
    ("change", "place"),
    [({"kernel": 5}, "kernel_size=5"), ({"activation": "swish"}, "'swish'")],
)
def test_other_layers_are_refused(table, change, place):
    with pytest.raises(ValueError, match=f"other networks.*{place}"):
        table.predict(network("separable", "separable", **change))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("height", 0), ("width", 0), ("channels", 0)),
        *(("operator", "pool"), ("filters", 0), ("skip", 3)),
    ],
)
def test_a_part_of_nothing_is_refused(table, tmp_path, name, value):
    path = tmp_path / "table.json"
    content = json.loads(table._text)
    content["parts"][0][0][name] = value
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=name):
        LatencyTable.load(path)
