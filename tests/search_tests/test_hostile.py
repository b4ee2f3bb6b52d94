"""Hostile files and wrong command lines, of which `make soak` tries more."""

import importlib
from pathlib import Path

import pytest

LINES = 40


@pytest.fixture(scope="module")
def hostile():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent)
        yield importlib.import_module("hostile")


@pytest.fixture(scope="module")
def place(hostile, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile") / "place"
    return hostile.Place(folder, nested=10_000, junk=10**6)


def test_every_command_is_tried(hostile):
    keys = [key for key, _ in hostile.parameters()]
    assert keys == list(hostile.NEEDED)
    files = {(*key, each.name) for key, each in hostile.with_files()}
    assert files > {
        ("nasnet-search", "run", "dataset"),
        ("nasnet-search", "run", "latency_table"),
        ("nasnet-train", "run", "architecture"),
        ("nasnet-deploy", None, "weights"),
    }


@pytest.mark.large
@pytest.mark.parametrize("stem", ["zero", "fifo", "brackets", "loop", "caf"])
def test_a_hostile_file_is_refused_by_a_sentence(hostile, place, stem):
    lines = [
        each
        for each in hostile.hostile_lines(place)
        if any(stem in word for word in each[1])
    ]
    assert len(lines) > LINES
    hostile.tried(place, lines, hostile.try_here)


@pytest.mark.large
def test_a_wrong_line_is_refused_by_a_sentence(hostile, place):
    codes = hostile.tried(
        place, hostile.wrong_lines(place, LINES, 1), hostile.try_here
    )
    assert codes[2] > LINES / 2
