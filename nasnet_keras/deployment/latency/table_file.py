"""Writes and reads a table of latencies as JSON, and checks it."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from nasnet_keras.layers.combiners import COMBINERS
from nasnet_keras.layers.operations import OPERATIONS
from nasnet_keras.network.placed_operations import (
    ADJUSTMENT,
    OUTPUT,
    PlacedOperation,
)
from nasnet_keras.strict_json import parse_json

SCHEMA_VERSION = 1
NAMES = (*OPERATIONS, *COMBINERS, ADJUSTMENT, OUTPUT)
PLACE = tuple(field.name for field in fields(PlacedOperation))


def to_json(content: dict[str, Any]) -> str:
    """Readable JSON: a line for each operation.

    Args:
        content: The attributes of a `LatencyTable`.
    """
    head = {"schema": SCHEMA_VERSION, **content}
    rows = [
        json.dumps({**asdict(place), "seconds": seconds})
        for place, seconds in sorted(head.pop("seconds").items())
    ]
    lines = [f"  {json.dumps(key)}: {json.dumps(head[key])}," for key in head]
    table = ",\n    ".join(rows)
    return "\n".join(
        ["{", *lines, f'  "operations": [\n    {table}\n  ]', "}\n"]
    )


def from_json(text: str) -> dict[str, Any]:
    """The inverse of `to_json`.

    Raises:
        ValueError: The text is not JSON, has another schema version, or a key
            is missing, unknown or has an impossible value.
    """
    try:
        content = parse_json(text)
    except ValueError as error:
        raise ValueError(
            f"A table of latencies is a JSON text, and this is none: {error}."
        ) from None
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != SCHEMA_VERSION:
        raise ValueError(
            "Invalid value for `schema` in a table of latencies. Expected "
            f"{SCHEMA_VERSION}. Received: {schema!r}."
        )
    _check(content, _TABLE, "a table of latencies")
    seconds = {}
    for row in content["operations"]:
        _check(row, _ROW, "an operation of a table of latencies")
        place = PlacedOperation(*(row[name] for name in PLACE))
        seconds[place] = float(row["seconds"])
    del content["schema"], content["operations"]
    return {**content, "seconds": seconds}


def _check(
    value: Any,
    kinds: Mapping[str, tuple[str, Callable[[Any], bool]]],
    what: str,
) -> None:
    keys = sorted(value) if isinstance(value, dict) else value
    if not isinstance(value, dict) or keys != sorted(kinds):
        raise ValueError(
            f"Expected {what} to be a JSON object with the keys "
            f"{sorted(kinds)}. Received: {keys!r}."
        )
    for key, (expected, holds) in kinds.items():
        if not holds(value[key]):
            raise ValueError(
                f"Invalid value for `{key}` in {what}. Expected {expected}. "
                f"Received: {value[key]!r}."
            )


def _is_number(value: Any) -> bool:
    # `math.isfinite` raises for an integer that no float can hold.
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def _is_count(value: Any) -> bool:
    return type(value) is int and value > 0


def _are_facts(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(fact, str | int) for fact in value.values()
    )


_COUNT = ("a positive integer", _is_count)
_SECONDS = (
    "a number of at least 0",
    lambda value: _is_number(value) and value >= 0,
)
_FACTS = ("an object of texts and integers", _are_facts)
_ROW = {
    "name": (f"one of {', '.join(NAMES)}", lambda value: value in NAMES),
    "height": _COUNT,
    "width": _COUNT,
    "channels": _COUNT,
    "filters": _COUNT,
    "strides": ("1 or 2", lambda value: _is_count(value) and value < 3),
    "seconds": _SECONDS,
}
_TABLE = {
    "schema": _COUNT,
    "setting": ("an object", lambda value: isinstance(value, dict)),
    "batch_size": _COUNT,
    "versions": _FACTS,
    "machine": _FACTS,
    "offset": _SECONDS,
    "scale": (
        "a positive number",
        lambda value: _is_number(value) and value > 0,
    ),
    "operations": (
        "a list that is not empty",
        lambda value: isinstance(value, list) and bool(value),
    ),
}
