"""Checkpoints of TF-slim's NASNet-A and PNASNet-5, into ours.

TF-slim's code is `nasnet.py`, `nasnet_utils.py` and `pnasnet.py` of
https://github.com/tensorflow/models/tree/master/research/slim/nets/nasnet;
names and layouts of the variables follow from it. A checkpoint is a
`….ckpt.index` and its `….ckpt.data-…` files; TensorFlow reads it on any
backend of Keras.

Where there are exponential moving averages of the variables, they are taken:
training kept them for that (paper A.7).
"""

import os
from pathlib import Path

import keras
import numpy as np

from zoo.conversion.assign import Arrays, assign
from zoo.conversion.places import SIDES, Place

_HEADS = ("final_layer/", "aux_")
_SUFFIXES = {
    "convolution": ("/weights",),
    "separable": ("/depthwise_weights", "/pointwise_weights"),
    "batch_norm": ("/gamma", "/beta", "/moving_mean", "/moving_variance"),
    "dense": ("/weights", "/biases"),
}
# The first convolution and batch norm, on ImageNet and on CIFAR.
_STEMS = (("conv0", "conv0_bn"), ("l1_stem_3x3", "l1_stem_bn"))
_FACTORIZED = ("path1_conv", "path2_conv", "final_path_bn")
_AUXILIARY = {
    "projection": ("proj", "aux_bn0"),
    "convolution": ("Conv",),
    "batch_norm": ("aux_bn1",),
    "logits": ("FC",),
}
_AVERAGE = "/ExponentialMovingAverage"


def load(model: keras.Model, path: str | os.PathLike) -> None:
    """Loads a checkpoint into a model.

    The classifier is left as it is, and a warning says so, where the
    checkpoint has one of other classes. Of 1001 classes the first, the
    background, is left out for a model of 1000. The auxiliary head is loaded
    if the model has one.

    Args:
        model: A NASNet-A or PNASNet-5.
        path: What the names of the checkpoint's files begin with, or one of
            these files.

    Raises:
        ValueError: Variables are missing in the checkpoint, left over or have
            other shapes; they are listed.
    """
    arrays = Arrays(path, read(path), _HEADS)
    names = sorted(arrays.by_name)
    arrays.set_aside(
        [
            name
            for name in names
            if name.rpartition("/")[0] in arrays.by_name
            and not name.endswith(_AVERAGE)
        ],
        "since an optimizer kept them of the variable they are named after",
    )
    arrays.set_aside(
        {"global_step"} & set(names), "since it counts the steps of training"
    )
    _take_averages(arrays)
    stem = _STEMS[f"{_STEMS[1][0]}/weights" in names]
    heads = (name.split("/")[0] for name in names if name.startswith("aux_"))
    auxiliary = next(heads, "aux")
    assign(
        model, arrays, lambda place: _name(place, stem, auxiliary), _SUFFIXES
    )


def read(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """The variables by name."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(prefix(path)))
    return {
        name: reader.get_tensor(name)
        for name in sorted(reader.get_variable_to_shape_map())
    }


def prefix(path: str | os.PathLike) -> Path:
    """What the names of a checkpoint's files begin with, given one of them or
    just that."""
    path = Path(path)
    if path.suffix == ".index" or path.suffix.startswith(".data-"):
        return path.with_suffix("")
    return path


def wrote(path: str | os.PathLike) -> bool:
    """Whether it is a checkpoint with one of these networks."""
    if not is_checkpoint(path):
        return False
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(prefix(path)))
    return any(reader.has_tensor(f"{stem[0]}/weights") for stem in _STEMS)


def is_checkpoint(path: str | os.PathLike) -> bool:
    """Whether there is a checkpoint of that name."""
    return os.path.isfile(f"{prefix(path)}.index")


def _take_averages(arrays: Arrays) -> None:
    """Puts averages in the place of what they are averages of."""
    averages = [name for name in arrays.by_name if name.endswith(_AVERAGE)]
    for name in averages:
        arrays.by_name[name.removesuffix(_AVERAGE)] = arrays.by_name.pop(name)
    if averages:
        arrays.notices.append(
            f"Of {len(averages)} variables the exponential moving average was "
            "taken, not the last value."
        )


def _name(
    place: Place, stem: tuple[str, str], auxiliary: str
) -> tuple[str, ...]:
    """What they call the layers of a place."""
    match place.part:
        case ("stem_convolution",):
            return stem[:1]
        case ("stem_batch_norm",):
            return stem[1:]
        case ("logits",):
            return ("final_layer/FC",)
        case ("auxiliary_head", str(layer)):
            names = _AUXILIARY[layer]
        case ("input", 0):
            names = ("1x1", "beginning_bn")
        case ("input", 1):
            names = _FACTORIZED if place.halves else ("prev_1x1", "prev_bn")
        case ("output", int(state)):
            names = _FACTORIZED if place.halves else ("path_conv", "path_bn")
            names = tuple(f"cell_output/reduction_{state}/{n}" for n in names)
        case ("block", int(number), int(side), int(unit)):
            names = ("1x1", "bn_1")
            if place.separable:
                size = place.layer.kernel_size[0]
                kind = f"{size}x{size}_{unit + 1}"
                names = (f"separable_{kind}", f"bn_sep_{kind}")
            block = f"comb_iter_{number}/{SIDES[side]}"
            names = tuple(f"{block}/{name}" for name in names)
        case _:
            return ()
    scope = place.scope or f"{auxiliary}/aux_logits"
    return tuple(f"{scope}/{name}" for name in names)
