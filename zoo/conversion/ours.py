"""Weights of our own networks, of any file that Keras 3 writes of them.

Arrays are found by the names of the layers that they are in, so that a file
also fits a network with other parts around the same body: with drop path or
without, with other heads, built upon other layers or within another model.
"""

import os

import keras

from zoo.conversion import hdf5
from zoo.conversion.assign import AROUND, Arrays, assign
from zoo.conversion.places import Place

_HEADS = ("logits/", "auxiliary_head/")
_BODY = (
    *("stem", "cell_", "reduction_cell_", "block_", "unit_"),
    "head_convolution",
)
_FIRST = (
    "stem_convolution/0",
    "stem_0_convolution/0",
    "stem/0",
    "unit_1_1/convolution_0_0/0",
)
# Not a weight: the step and the random state of drop path.
_STATE = "/drop_path/"
# Files number the arrays of a layer; see `_name` for kernels.
_SUFFIXES = {
    "convolution": ("",),
    "separable": ("/0", "/1"),
    "batch_norm": ("/0", "/1", "/2", "/3"),
    "bias": ("/0",),
    "index": ("/0",),
    "norm": ("/0", "/1"),
    "dense": ("/0", "/1"),
}


def load(
    model: keras.Model, path: str | os.PathLike, heads: bool = True
) -> None:
    """Loads a file into a model.

    Heads are left as they are, and a warning says so, where the file has none
    or one of other classes. The state of drop path and of an optimizer is
    that of a training, and left out: `model.load_weights` takes it.

    Args:
        model: A network of ours.
        path: A `.weights.h5`, `.keras` or `.h5` file.
        heads: Whether to load its heads too. Default True.

    Raises:
        ValueError: Arrays are missing in the file, left over or have other
            shapes; they are listed.
    """
    stored, around = hdf5.network(hdf5.read(path), _FIRST)
    left = (_STATE,) if heads else (_STATE, *_HEADS)
    weights = {
        name: array
        for name, array in stored.items()
        if not any(each in name for each in left)
    }
    arrays = Arrays(path, weights, _HEADS)
    own = [name for name in weights if not name.startswith(_BODY + _HEADS)]
    arrays.set_aside(own, AROUND, around)
    assign(model, arrays, _name, _SUFFIXES)


def wrote(path: str | os.PathLike) -> bool:
    """Whether the file has one of our networks."""
    return hdf5.holds(path, _FIRST)


def _name(place: Place) -> tuple[str, ...]:
    """What the layers of a place are called; kernels of convolutions one by
    one, since a factorized reduction has two."""
    names = []
    for number, kind in enumerate(place.kinds):
        match kind:
            case "convolution":
                names.append(f"{place.path}/{number}")
            case "batch_norm" | "bias" if number:
                names.append(f"{place.path}/batch_norm")
            case "norm":
                names.append(f"{place.path}/norm_{number}")
            case _:
                names.append(place.path)
    return tuple(names)
