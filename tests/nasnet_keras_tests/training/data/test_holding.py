import os
import time

import numpy as np
import pytest

from nasnet_keras.training.data import holding
from nasnet_keras.training.data.holding import Holding, hold
from nasnet_keras.training.data.streaming import StreamedImages

IMAGES = np.random.default_rng(0).integers(0, 256, (10, 4, 4, 3), np.uint8)
DIGESTS = np.arange(10, dtype=np.uint64)
SIZE = IMAGES.size


def held(asked, available, monkeypatch, **arguments):
    monkeypatch.setattr(holding, "available_memory", lambda: available)
    arguments = {"read": IMAGES.__getitem__} | arguments
    return hold(asked, IMAGES.shape[1:], DIGESTS, **arguments)


@pytest.mark.parametrize(
    ("stream", "available", "streamed"),
    [
        (None, 4 * SIZE, False),
        (None, 4 * SIZE - 4, True),
        (True, 100 * SIZE, True),
        (False, 2 * SIZE, False),
    ],
)
def test_the_memory_available_chooses(stream, available, streamed, monkeypatch):
    images = held(Holding(stream), available, monkeypatch)
    assert isinstance(images, StreamedImages) == streamed
    np.testing.assert_array_equal(images[:], IMAGES)
    if streamed and not stream:
        assert "more than a quarter of the 1 MiB of memory" in images.note


def test_too_big_for_memory(monkeypatch):
    with pytest.raises(ValueError, match="1 MiB; stream them .*`image_size`"):
        held(Holding(stream=False), 2 * SIZE - 2, monkeypatch)


def test_what_can_only_be_read_in_order(monkeypatch):
    arguments = {
        "read": None,
        "in_order": lambda: iter(IMAGES),
        "advice": "turn them over",
    }
    images = held(Holding(), 2 * SIZE, monkeypatch, **arguments)
    np.testing.assert_array_equal(images, IMAGES)
    with pytest.raises(ValueError, match="turn them over"):
        held(Holding(), SIZE, monkeypatch, **arguments)
    with pytest.raises(ValueError, match="cannot be streamed .*turn them over"):
        held(Holding(stream=True), 2 * SIZE, monkeypatch, **arguments)


def test_a_cache_is_written_once(monkeypatch, tmp_path):
    read = []

    def one(row):
        read.append(row)
        return IMAGES[row]

    asked = Holding(cache=tmp_path / "cache")
    for _ in range(2):
        images = held(asked, 0, monkeypatch, read=one)
        np.testing.assert_array_equal(images[np.array([7, 2])], IMAGES[[7, 2]])
        assert len(images) == len(read) == 10
    (file,) = asked.cache.iterdir()
    assert str(file) in images.note
    np.testing.assert_array_equal(np.load(file), IMAGES)
    # Other images have another file.
    hold(asked, (4, 4, 3), DIGESTS + np.uint64(1), IMAGES.__getitem__)
    assert len(list(asked.cache.iterdir())) == 2
    # And so have those of another resizer.
    monkeypatch.setattr(holding, "RESIZER", "squeezed")
    hold(asked, (4, 4, 3), DIGESTS, IMAGES.__getitem__)
    assert len(list(asked.cache.iterdir())) == 3


def test_a_cache_that_breaks_off_leaves_nothing(monkeypatch, tmp_path):
    def one(row):
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        held(Holding(cache=tmp_path), 0, monkeypatch, read=one)
    assert list(tmp_path.iterdir()) == []


def test_what_a_kill_left_of_a_cache_is_deleted(monkeypatch, tmp_path):
    asked = Holding(cache=tmp_path)
    held(asked, 0, monkeypatch)
    (file,) = tmp_path.iterdir()
    old, growing = (tmp_path / f".{pid}_{file.name}" for pid in (1, 2))
    for draft, ago in ((old, 3700), (growing, 10)):
        draft.touch()
        os.utime(draft, (time.time() - ago,) * 2)
    file.unlink()
    held(asked, 0, monkeypatch)
    # Another machine may write the other.
    assert {*tmp_path.iterdir()} == {file, growing}


def test_a_cache_needs_a_folder(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="`cache`. Expected a folder"):
        held(Holding(cache=tmp_path / "file"), 0, monkeypatch)


def test_the_limit_of_a_container_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(holding, "CONTAINER", tmp_path)
    whole = holding.available_memory()
    (tmp_path / "memory.max").write_text("5000\n")
    (tmp_path / "memory.current").write_text("4000\n")
    (tmp_path / "memory.stat").write_text("anon 1000\ninactive_file 2500\n")
    assert holding.available_memory() == 3500
    (tmp_path / "memory.max").write_text("max\n")
    assert holding.available_memory() > whole / 2
