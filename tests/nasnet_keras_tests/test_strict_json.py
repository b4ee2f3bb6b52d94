import os
import re
from pathlib import Path

import pytest

from nasnet_keras import strict_json
from nasnet_keras.genotype import Genotype
from nasnet_keras.published import NASNET_A
from nasnet_keras.strict_json import parse_json, read_bytes, read_json


def test_json_is_what_it_says():
    assert parse_json('{"a": [1, {"b": null}]}') == {"a": [1, {"b": None}]}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[{"a": 1, "b": 2, "a": 3}]', "the key 'a' is there twice"),
        (
            f'{{"{"k" * 10_000}": 1, "{"k" * 10_000}": 1}}',
            r"key 'k+\.\.\.k+' is",
        ),
        ("[" * 100_000, "nested too deep"),
        ("{", "Expecting"),
    ],
)
def test_what_is_none_is_refused(text, reason):
    with pytest.raises(ValueError, match=reason):
        parse_json(text)


def test_a_file_has_a_size(tmp_path, monkeypatch):
    monkeypatch.setattr(strict_json, "MAX_BYTES", 2**20)
    path = tmp_path / "large.json"
    path.write_text("[" + " " * 2**20 + "]")
    with pytest.raises(ValueError, match="more than 1 MiB"):
        read_json(path)
    path.write_text("[" + " " * (2**20 - 2) + "]")
    assert read_json(path) == []


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(OSError, match="Not a regular file"):
            read_bytes(path, 10)
    with pytest.raises(IsADirectoryError):
        read_bytes(tmp_path, 10)


def test_a_genotype_has_no_key_twice():
    text = NASNET_A.to_json()
    twice = re.sub('("schema": [0-9]+,)', r"\1 \1", text)
    assert twice != text
    with pytest.raises(ValueError, match="'schema' is there twice"):
        Genotype.from_json(twice)
