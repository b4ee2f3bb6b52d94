"""The arrays of the files that Keras writes: HDF5, alone or in a `.keras`."""

import contextlib
import io
import os
import zipfile
from collections.abc import Iterator

import h5py
import numpy as np

_MEMBER = "model.weights.h5"


def is_hdf5(path: str | os.PathLike) -> bool:
    """Whether it is an HDF5 file, or a `.keras` archive with one in it."""
    if h5py.is_hdf5(path):
        return True
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return _MEMBER in archive.namelist()


def names(path: str | os.PathLike) -> set[str]:
    """The names of the arrays, as in `read`."""
    with _opened(path) as file:
        return {name for name, _ in _stored(file)}


def read(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """The arrays of the layers of a model, in the layout of Keras 3 or of
    earlier releases.

    Returns:
        By the names of the layers that they are nested in and their number in
        the last: `cell_0/input_0/batch_norm/3`. The state of an optimizer is
        not among them.
    """
    with _opened(path) as file:
        return {name: _array(dataset) for name, dataset in _stored(file)}


@contextlib.contextmanager
def _opened(path: str | os.PathLike) -> Iterator[h5py.File]:
    if h5py.is_hdf5(path):
        with h5py.File(path) as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive:
        content = io.BytesIO(archive.read(_MEMBER))
    with h5py.File(content) as file:
        yield file


def _stored(file: h5py.File) -> Iterator[tuple[str, h5py.Dataset]]:
    root = file.get("model_weights")
    root = root if isinstance(root, h5py.Group) else file
    if isinstance(root.get("layers"), h5py.Group):
        yield from _nested(root["layers"], "")
        return
    for layer, group in root.items():
        yield from _listed(layer, group)


def _nested(group: h5py.Group, above: str) -> Iterator:
    """Keras 3: groups have the classes of the layers for names. What a layer
    is called, its `vars` say; a container of layers has none."""
    if "vars" in group:
        stored = group["vars"]
        above += f"{stored.attrs['name']}/" if "name" in stored.attrs else ""
        for number in stored:
            yield f"{above}{number}", stored[number]
    for key, child in group.items():
        if key != "vars" and isinstance(child, h5py.Group):
            yield from _nested(child, above)


def _listed(layer: str, group: h5py.Group) -> Iterator:
    """Before: a layer of the model lists the paths of all its variables."""
    count: dict[str, int] = {}
    for path in group.attrs.get("weight_names", ()):
        text = path.decode() if isinstance(path, bytes) else str(path)
        *parents, _ = text.split("/")
        start = parents.index(layer) + 1 if layer in parents else len(parents)
        name = "/".join([layer, *parents[start:]])
        yield f"{name}/{count.get(name, 0)}", group[path]
        count[name] = count.get(name, 0) + 1


def _array(dataset: h5py.Dataset) -> np.ndarray:
    array = np.asarray(dataset)
    # HDF5 has no such type; Keras writes its name beside the bytes.
    if dataset.attrs.get("dtype") == "bfloat16":
        return array.view("bfloat16")
    return array
