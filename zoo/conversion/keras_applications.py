"""Weights of the NASNet of keras.applications, into our NASNet-A.

Theirs is unrolled by hand, ours a loop over cells. Their layers are found by
their names, which say the cell, the block and the side; the arrays of a
convolution and of the batch norm behind it go into one unit of ours. With
`pool_padding="zeros"` ours then gives the same numbers.
"""

import os
import warnings
from collections.abc import Iterator
from typing import Any

import h5py
import keras
import numpy as np

from nasnet_keras.cell import Cell
from nasnet_keras.factorized_reduction import FactorizedReduction

Arrays = dict[str, list[np.ndarray]]

# keras.applications gives two layers one block's name.
_MISNAMED = {"reduction_left5": "reduction_left4"}
_HEAD = "predictions"
_FIRST = "stem_conv1"


def load(model: keras.Model, path: str | os.PathLike) -> None:
    """Loads a file into a model.

    The classifier is left as it is, and a warning says so, where the file has
    none or one of other classes.

    Args:
        model: A NASNet-A with the ImageNet stem.
        path: An HDF5 file that Keras wrote, of Keras 3 or before.

    Raises:
        ValueError: Layers are missing in the file, left over or have other
            shapes; they are listed.
    """
    arrays = read(path)
    pairs, problems, notice = [], [], ""
    for layer, names in _correspondence(model):
        theirs = [array for name in names for array in arrays.pop(name, [])]
        shapes = [array.shape for array in theirs]
        expected = [tuple(weight.shape) for weight in layer.weights]
        difference = (
            f"{' + '.join(names)}: {shapes or 'not there'} in the file, "
            f"{expected} in {layer.path}"
        )
        if shapes == expected:
            pairs.append((layer, theirs))
        elif names == [_HEAD]:
            notice = f"The classifier starts anew. {difference}"
        else:
            problems.append(difference)
    if classifier(model) is None:
        arrays.pop(_HEAD, None)
    problems += [f"{name}: only in the file" for name in arrays]
    if problems:
        raise ValueError(
            f"The weights of {os.fspath(path)} are not those of "
            f"{model.name}:\n" + "\n".join(problems)
        )
    for layer, theirs in pairs:
        layer.set_weights(theirs)
    if notice:
        warnings.warn(notice, stacklevel=2)


def read(path: str | os.PathLike) -> Arrays:
    """The arrays of each layer that has any, by the layer's name."""
    with h5py.File(path) as file:
        return {
            name: [np.asarray(array) for array in arrays]
            for name, arrays in _stored(file).items()
            if arrays
        }


def wrote(path: str | os.PathLike) -> bool:
    """Whether the file is one of theirs."""
    if not h5py.is_hdf5(path):
        return False
    with h5py.File(path) as file:
        return _FIRST in _stored(file)


def _stored(file: h5py.File) -> dict[str, list[h5py.Dataset]]:
    """As `read`, not yet read."""
    root = file.get("model_weights", file)
    if "layers" in root:  # Keras 3
        stored = [group["vars"] for group in root["layers"].values()]
        return {
            group.attrs["name"]: [group[str(n)] for n in range(len(group))]
            for group in stored
            if "name" in group.attrs
        }
    return {
        name: [group[weight] for weight in group.attrs["weight_names"]]
        for name, group in root.items()
        if "weight_names" in group.attrs
    }


def classifier(model: keras.Model) -> Any:
    """The classifier's layer, None if there is none."""
    names = {layer.name for layer in model.layers}
    return model.get_layer("logits") if "logits" in names else None


def _correspondence(
    model: keras.Model,
) -> Iterator[tuple[keras.layers.Layer, list[str]]]:
    """Each layer of ours that has weights, and the names of theirs."""
    yield model.get_layer("stem_convolution"), [_FIRST]
    yield model.get_layer("stem_batch_norm"), ["stem_bn1"]
    cells = [layer for layer in model.layers if isinstance(layer, Cell)]
    repeats = sum(cell.strides == 1 for cell in cells) // 3
    for cell in cells:
        yield from _cell_correspondence(cell, _ending(cell.name, repeats))
    if classifier(model) is not None:
        yield classifier(model), [_HEAD]


def _ending(name: str, repeats: int) -> str:
    """What the names of their layers of a cell end with."""
    kind, _, digits = name.rpartition("_")
    number = int(digits)
    if kind == "stem_cell":
        return f"stem_{number + 1}"
    if kind == "reduction_cell":
        return f"reduce_{number * repeats}"
    # The first reduction takes a number of its own, the second none.
    return str(number + (number >= repeats))


def _cell_correspondence(
    cell: Cell, ending: str
) -> Iterator[tuple[keras.layers.Layer, list[str]]]:
    kind = "reduction" if cell.strides == 2 else "normal"
    yield (
        cell.adjustments[0],
        [f"{kind}_conv_1_{ending}", f"{kind}_bn_1_{ending}"],
    )
    for adjustment in cell.adjustments[1:]:
        if isinstance(adjustment, FactorizedReduction):
            names = ["adjust_conv_1", "adjust_conv_2", "adjust_bn"]
        else:
            names = ["adjust_conv_projection", "adjust_bn"]
        if adjustment is not None:
            yield adjustment, [f"{name}_{ending}" for name in names]
    for number, block in enumerate(cell.blocks, start=1):
        for side, operation in zip(("left", "right"), block, strict=True):
            place = f"{kind}_{side}{number}"
            place = f"{_MISNAMED.get(place, place)}_{ending}"
            for repeat, unit in enumerate(operation.units, start=1):
                name = f"separable_conv_{repeat}"
                yield unit, [f"{name}_{place}", f"{name}_bn_{place}"]
