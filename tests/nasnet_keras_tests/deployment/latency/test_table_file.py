import json

import pytest

from nasnet_keras.deployment.latency.table_file import PLACE, from_json, to_json
from nasnet_keras.network.placed_operations import PlacedOperation

CONTENT = {
    "setting": {"filters": 2},
    "batch_size": 1,
    "offset": 1e-4,
    "scale": 0.75,
    "versions": {"keras": "3"},
    "machine": {"processors": 2},
    "seconds": {
        PlacedOperation("add", 4, 4, 2, 2): 1e-6,
        PlacedOperation("conv_1x1", 4, 4, 2, 2, 2): 0.0,
    },
}


def test_both_ways():
    text = to_json(CONTENT)
    assert from_json(text) == CONTENT
    assert '{"name": "conv_1x1", "height": 4' in text


@pytest.mark.parametrize(
    "text", ["", "[" * 100_000, "no", '{"schema": 1, "schema": 1}']
)
def test_what_is_not_json_is_refused(text):
    with pytest.raises(ValueError, match="is a JSON text, and this is none"):
        from_json(text)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("schema", 2, "`schema`.*Expected 1. Received: 2"),
        ("author", "me", "with the keys.*'author'"),
        ("batch_size", 0, "`batch_size`.*a positive integer.*: 0"),
        ("batch_size", True, "`batch_size`.*a positive integer.*: True"),
        ("scale", float("nan"), "`scale`.*a positive number.*nan"),
        ("scale", -1, "`scale`.*a positive number.*: -1"),
        ("offset", "0", "`offset`.*a number.*'0'"),
        ("offset", -1e-4, "`offset`.*at least 0.*-0.0001"),
        ("setting", [], r"`setting`.*an object.*\[\]"),
        ("versions", {"keras": 3.0}, "`versions`.*texts and integers.*3.0"),
        ("operations", [], "`operations`.*not empty"),
        (
            "operations",
            [sorted([*PLACE, "seconds"])],
            "an operation of.*JSON object",
        ),
        ("operations", [3], "an operation of.*with the keys.*'name'.*: 3"),
    ],
)
def test_damage_is_named(key, value, message):
    content = {**json.loads(to_json(CONTENT)), key: value}
    with pytest.raises(ValueError, match=message) as error:
        from_json(json.dumps(content))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("name", "conv_9x9", "`name`.*conv_1x1.*'conv_9x9'"),
        ("name", [], r"`name`.*\[\]"),
        ("height", 0, "`height`.*positive integer.*: 0"),
        ("strides", 3, "`strides`.*1 or 2.*: 3"),
        ("seconds", -1, "`seconds`.*at least 0.*-1"),
    ],
)
def test_damage_of_an_operation_is_named(key, value, message):
    content = json.loads(to_json(CONTENT))
    content["operations"][0][key] = value
    with pytest.raises(ValueError, match=message):
        from_json(json.dumps(content))


@pytest.mark.parametrize("text", ["[]", "3", "null"])
def test_other_json_is_refused(text):
    with pytest.raises(ValueError, match="`schema`.*Received: None"):
        from_json(text)
