"""The arrays of the files that Keras writes: HDF5, alone or in a `.keras`."""

import contextlib
import io
import os
import zipfile
from collections.abc import Collection, Iterator, Mapping

import h5py
import numpy as np

from nasnet_keras.quotation import quoted

_MEMBER = "model.weights.h5"
_AROUND = ("optimizer", "vars")  # what is no layer of a model
# Weights hardly compress, and Keras does not compress them.
_UNFOLDS, _SMALL = 10, 2**26


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

    Raises:
        ValueError: The arrays are many times as large as the file.
    """
    with _opened(path) as file:
        stored = dict(_stored(file))
        _check_size(path, sum(dataset.nbytes for dataset in stored.values()))
        return {name: _array(dataset) for name, dataset in stored.items()}


def holds(path: str | os.PathLike, first: Collection[str]) -> bool:
    """Whether a path is an HDF5 file with a network whose first array has one
    of these names, also if the network is inside other layers."""
    return is_hdf5(path) and bool(_above(names(path), first))


def network(
    arrays: Mapping[str, np.ndarray], first: Collection[str]
) -> tuple[dict[str, np.ndarray], list[str]]:
    """The arrays of the network in a file, by their names in the network, and
    the names of those of layers around it.

    Args:
        arrays: Of `read`.
        first: What the network's first array may be called.

    Raises:
        ValueError: The file has several such networks.
    """
    above = _above(arrays, first)
    if len(above) != 1:
        raise ValueError(
            "Invalid value for argument `weights`. Expected a file with one "
            f"network. Received: one with {len(above)}, in "
            f"{', '.join(repr(each.rstrip('/')) for each in sorted(above))}. "
            "Save the one to load alone."
        )
    (prefix,) = above
    within = {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
    return within, [name for name in arrays if not name.startswith(prefix)]


def _above(names: Collection[str], first: Collection[str]) -> set[str]:
    """What the names of the arrays of each network begin with."""
    return {
        name.removesuffix(end)
        for name in names
        for end in first
        if f"/{name}".endswith(f"/{end}")
    }


@contextlib.contextmanager
def _opened(path: str | os.PathLike) -> Iterator[h5py.File]:
    if h5py.is_hdf5(path):
        with h5py.File(path) as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive:
        _check_size(path, archive.getinfo(_MEMBER).file_size)
        content = io.BytesIO(archive.read(_MEMBER))
    with h5py.File(content) as file:
        yield file


def _check_size(path: str | os.PathLike, size: int) -> None:
    """Before anything is read: a small file may unfold to all memory."""
    if size > max(_SMALL, _UNFOLDS * os.path.getsize(path)):
        raise ValueError(
            "Invalid value for argument `weights`. Expected arrays of at most "
            f"{_UNFOLDS} times the size of their file. Received: "
            f"{quoted(os.fspath(path))}, which unfolds to {size / 1e9:.1f} GB."
        )


def _stored(file: h5py.File) -> Iterator[tuple[str, h5py.Dataset]]:
    root = file.get("model_weights")
    root = root if isinstance(root, h5py.Group) else file
    if any(name.startswith("layer_names") for name in root.attrs):
        for layer, group in root.items():
            yield from _listed(layer, group)
        return
    for key, child in root.items():
        if key not in _AROUND and isinstance(child, h5py.Group):
            yield from _nested(child, "")


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
    """Before: a layer of the model lists the paths of all its variables, in
    several lists where they are many."""
    paths = [
        path.decode() if isinstance(path, bytes) else str(path)
        for name, listed in group.attrs.items()
        if name.startswith("weight_names")
        for path in listed
    ]
    # A layer whose own name Keras made another has no layers in it.
    alone = len({path.rpartition("/")[0] for path in paths}) == 1
    count: dict[str, int] = {}
    for path in paths:
        *parents, _ = path.split("/")
        if layer in parents:
            parents = parents[parents.index(layer) + 1 :]
        elif alone:
            parents = []
        name = "/".join([layer, *parents])
        yield f"{name}/{count.get(name, 0)}", group[path]
        count[name] = count.get(name, 0) + 1


def _array(dataset: h5py.Dataset) -> np.ndarray:
    array = np.asarray(dataset)
    # HDF5 has no such type; Keras writes its name beside the bytes.
    if dataset.attrs.get("dtype") == "bfloat16":
        return array.view("bfloat16")
    return array
