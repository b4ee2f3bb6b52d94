"""Files and JSON of other people's: no file without end, no key twice.

Neither Keras nor TensorFlow is imported here.
"""

import errno
import json
import os
import stat
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


def is_json(value: Any) -> bool:
    """Whether JSON can say a value: texts, finite numbers, lists, dicts.

    Example:

    >>> is_json({"seed": [1, None]}), is_json({"rate": float("nan")})
    (True, False)
    """
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def read_json(path: Path) -> Any:
    """The data in a file of JSON.

    Raises:
        OSError: The file cannot be read.
        ValueError: See `parse_json`; or the file is larger than any file that
            the package writes.
    """
    return parse_json(read_bytes(path, MAX_BYTES))


def read_bytes(path: Path, most: int) -> bytes:
    """What a file holds, which has at most so many bytes. A pipe is not waited
    for.

    Raises:
        OSError: It cannot be read, or is no regular file.
        ValueError: It is larger.
    """
    with open(path, "rb", opener=_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "Not a regular file", str(path))
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"it has more than {most / 2**20:g} MiB")
    return content


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {quoted(twice)} is there twice")
    return values
