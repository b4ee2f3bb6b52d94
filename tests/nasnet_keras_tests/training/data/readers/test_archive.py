import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from nasnet_keras.training.data.datasets import load_dataset
from nasnet_keras.training.data.readers.archive import Archive

ARCHIVES = 60


def content(compressed):
    rng = np.random.default_rng(0)
    file = io.BytesIO()
    save = np.savez_compressed if compressed else np.savez
    images = rng.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
    save(
        file,
        x_train=images,
        y_train=np.arange(12) % 3,
        x_test=images,
        y_test=np.arange(12) % 3,
        class_names=["cat", "dog", "eel"],
    )
    return file.getvalue()


def test_damaged_archives_are_read_or_refused_by_a_sentence(tmp_path):
    path = tmp_path / "data.npz"
    wholes = [content(compressed=False), content(compressed=True)]
    refused = 0
    for number in range(ARCHIVES):
        rng = np.random.default_rng((1, number))
        damaged = bytearray(wholes[number % 2])
        for _ in range(rng.integers(1, 4)):
            damaged[rng.integers(len(damaged))] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            _ = load_dataset(path).test
        except ValueError as error:
            refused += 1
            assert str(path) in str(error) or "`" in str(error)
            assert "\n" not in str(error) and len(str(error)) < 600
    assert refused > ARCHIVES / 3


def write(path, header, data=b"", name="images.npy"):
    """An archive of one array, with a header of one's own."""
    text = repr(header).encode() + b"\n"
    start = np.lib.format.magic(1, 0) + len(text).to_bytes(2, "little")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, start + text + data)
    return Archive(path)


def header(shape, kind="|u1"):
    return {"descr": kind, "fortran_order": False, "shape": shape}


@pytest.mark.parametrize(
    "shape, kind",
    [
        ((2**40, 32, 32, 3), "|u1"),
        ((2**62, 2**62), "<f8"),
        ((-1, 4), "|u1"),
        ((10**30,), "|S0"),
        ((3,), "|O"),
        ((3,), "(2,)<i4"),
    ],
)
def test_sizes_are_looked_at_before_anything_is_read(tmp_path, shape, kind):
    archive = write(tmp_path / "data.npz", header(shape, kind), b"\0" * 64)
    tracemalloc.start()
    with pytest.raises(ValueError, match="data.npz"):
        archive.read("images")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2**20


def test_what_is_too_big_is_not_decompressed(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "nasnet_keras.training.data.readers.archive.most_in_memory",
        lambda: 1000,
    )
    whole = header((50, 50))
    archive = write(tmp_path / "data.npz", whole, b"\0" * 2500)
    with pytest.raises(ValueError, match="too big for memory.*50, 50"):
        archive.read("images")


@pytest.mark.parametrize("header", [b"(" * 3000, b"{'shape': (2**9,)}", b"1"])
def test_a_header_that_is_none_is_a_sentence(tmp_path, header):
    path = tmp_path / "data.npz"
    text = header + b"\n"
    start = np.lib.format.magic(1, 0) + len(text).to_bytes(2, "little")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("images.npy", start + text)
    with pytest.raises(ValueError, match="header of an array is damaged"):
        Archive(path).read("images")
