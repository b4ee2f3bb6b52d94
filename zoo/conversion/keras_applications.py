"""Weights of the NASNet and the MobileNetV2 of keras.applications, into ours.

Theirs are unrolled by hand, ours loops over cells and blocks. Their layers are
found by their names, which say the cell, the block and the side. With
`pool_padding="zeros"` our NASNet-A then gives the same numbers, our
MobileNetV2 at once.
"""

import os

import keras

from nasnet_keras.layers.cell import Cell
from zoo.conversion import hdf5
from zoo.conversion.assign import AROUND, Arrays, assign
from zoo.conversion.places import SIDES, Place, places

# keras.applications gives two layers one block's name.
_MISNAMED = {"reduction_left5": "reduction_left4"}
# What their classifiers are called; that of MobileNetV2 before Keras 2.4 last.
_HEADS = ("predictions", "Logits")
_FIRST = ("stem_conv1/0", "Conv1/0")
_BODY = (
    *("stem_", "normal_", "reduction_", "adjust_", "separable_conv_"),
    *("Conv1", "bn_Conv1", "expanded_conv_", "block_", "Conv_1"),
)
# Files number the arrays of a layer.
_SUFFIXES = {
    "convolution": ("/0",),
    "separable": ("/0", "/1"),
    "batch_norm": ("/0", "/1", "/2", "/3"),
    "dense": ("/0", "/1"),
}


def load(model: keras.Model, path: str | os.PathLike) -> None:
    """Loads a file into a model.

    If the file has no classifier, or one for other classes, the classifier
    does not change, and a warning says so. Of a model around theirs, as of a
    fine-tuned one with a head of its own, the body is loaded and the rest is
    named.

    Args:
        model: A NASNet-A with the ImageNet stem, or a MobileNetV2.
        path: A file that Keras wrote, of Keras 3 or before.

    Raises:
        ValueError: Layers are missing in the file, left over or have other
            shapes; they are listed.
    """
    cells = [layer for layer in model.layers if isinstance(layer, Cell)]
    repeats = sum(cell.strides == 1 for cell in cells) // 3
    stored, around = hdf5.network(hdf5.read(path), _FIRST)
    # Before Keras 3 their layers stand in name scopes.
    theirs = {"/".join(name.split("/")[-2:]): stored[name] for name in stored}
    arrays = Arrays(path, theirs, _HEADS)
    own = [name for name in theirs if not name.startswith(_BODY + _HEADS)]
    arrays.set_aside(own, AROUND, around)
    head = next((each for each in _HEADS if f"{each}/0" in theirs), _HEADS[0])
    blocks = dict.fromkeys(place.part[0] for place in places(model))
    numbers = {name: number for number, name in enumerate(blocks)}

    def name(place: Place) -> tuple[str, ...]:
        match place.part:
            case ("logits",):
                return (head,)
            case (str(layer), str(convolution)):
                return _name_in_block(convolution, numbers[layer] - 1)
        return _name(place, repeats)

    assign(model, arrays, name, _SUFFIXES)


def wrote(path: str | os.PathLike) -> bool:
    """Whether the file is one of theirs."""
    return hdf5.holds(path, _FIRST)


def _name(place: Place, repeats: int) -> tuple[str, ...]:
    """What they call the layers of a place."""
    reduces = place.scope.startswith(("cell_stem", "reduction_cell"))
    kind = "reduction" if reduces else "normal"
    end = _ending(place.scope, repeats)
    match place.part:
        case ("stem_convolution",):
            return ("stem_conv1",)
        case ("stem_batch_norm",):
            return ("stem_bn1",)
        case ("stem",):
            return ("Conv1", "bn_Conv1")
        case ("head_convolution",):
            return ("Conv_1", "Conv_1_bn")
        case ("input", 0):
            return (f"{kind}_conv_1_{end}", f"{kind}_bn_1_{end}")
        case ("input", 1) if place.halves:
            paths = (f"adjust_conv_1_{end}", f"adjust_conv_2_{end}")
            return (*paths, f"adjust_bn_{end}")
        case ("input", 1):
            return (f"adjust_conv_projection_{end}", f"adjust_bn_{end}")
        case ("block", int(number), int(side), int(unit)):
            block = f"{kind}_{SIDES[side]}{number + 1}"
            block = f"{_MISNAMED.get(block, block)}_{end}"
            name = f"separable_conv_{unit + 1}"
            return (f"{name}_{block}", f"{name}_bn_{block}")
    return ()


def _name_in_block(convolution: str, number: int) -> tuple[str, ...]:
    """What they call a convolution of the n-th inverted residual, from 0."""
    names = {
        "expansion": "expand",
        "convolution": "depthwise",
        "projection": "project",
    }
    if convolution not in names:
        return ()
    block = f"block_{number}" if number else "expanded_conv"
    name = f"{block}_{names[convolution]}"
    return name, f"{name}_BN"


def _ending(scope: str, repeats: int) -> str:
    """What the names of their layers of a cell end with."""
    kind, _, digits = scope.rpartition("_")
    if not digits:
        return ""
    number = int(digits)
    if kind == "cell_stem":
        return f"stem_{number + 1}"
    if kind == "reduction_cell":
        return f"reduce_{(number + 1) * repeats}"
    # The first reduction takes a number of its own, the second none.
    return str(number + (number >= repeats))
