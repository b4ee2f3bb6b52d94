import errno
import os
from pathlib import Path

import pytest

import nasnet_keras
from nasnet_keras.quotation import printable, quoted, system_reason


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("runs/é 1", "runs/é 1"),
        ("a\nb\r\x1b[31m\u2028", r"a\nb\r\x1b[31m\u2028"),
    ],
)
def test_what_is_not_shown_is_escaped(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize(
    "value",
    ["x" * 5000, 10**400, 10**5000, [["x" * 80] * 9] * 9, {"a": "x" * 500}],
    ids=["text", "number", "large number", "list", "dict"],
)
def test_what_is_quoted_has_a_bounded_length(value):
    assert 20 < len(quoted(value)) <= 120


def test_what_is_short_is_quoted_in_full():
    for value in ({"a": [1, "b"]}, ("identity",) * 9, None, 1.5):
        assert quoted(value) == repr(value)


def test_no_message_bounds_a_quotation_in_another_way():
    root = Path(nasnet_keras.__file__).parents[1]
    for wing in ("nasnet_keras", "search", "zoo"):
        for file in (root / wing).rglob("*.py"):
            assert "!r:." not in file.read_text(), file


def test_a_reason_of_the_system_says_what_to_do():
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "model.keras")
    assert system_reason(full) == (
        "No space left on device; make room, or choose another disk"
    )
    assert system_reason(OSError("event files: full.")) == "event files: full"
