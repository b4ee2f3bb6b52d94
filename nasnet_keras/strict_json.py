"""JSON of other people's: no key twice, no file without end.

Neither Keras nor TensorFlow is imported here.
"""

import json
from pathlib import Path
from typing import Any

from nasnet_keras.quotation import quoted

MAX_BYTES = 2**24  # of a file; a configuration has some thousands


def parse_json(text: str | bytes) -> Any:
    """What a text of JSON says.

    Raises:
        ValueError: It is no JSON, nested too deep, or an object in it has a
            key twice, of which `json` would take the last.

    Example:

    >>> parse_json('{"seed": 1, "seed": 2}')
    Traceback (most recent call last):
    ValueError: the key 'seed' is there twice
    """
    try:
        return json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def read_json(path: Path) -> Any:
    """What a file of JSON says.

    Raises:
        OSError: It cannot be read.
        ValueError: As of `parse_json`; or it is larger than any that is
            meant.
    """
    with open(path, "rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES // 2**20} MiB")
    return parse_json(content)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {quoted(twice)} is there twice")
    return values
