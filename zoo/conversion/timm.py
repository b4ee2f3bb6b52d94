"""Weights of timm's `nasnetalarge` and `pnasnet5large`, into our NASNet-A and
PNASNet-5.

They are those of TF-slim, brought to PyTorch: cells and blocks are counted as
there. timm pads as TF-slim, so ours gives the same numbers with
`pool_padding="same"`. Files are safetensors, as
`model.safetensors` of https://huggingface.co/timm/nasnetalarge.tf_in1k and
https://huggingface.co/timm/pnasnet5large.tf_in1k; pickles are not read.
"""

import os

import keras
import numpy as np
from safetensors import safe_open

from zoo.conversion.assign import Arrays, assign
from zoo.conversion.places import SIDES, Place
from zoo.conversion.torch_tensors import (
    convolution_and_norm,
    tensor_names,
    transposed,
)

_HEAD = "last_linear"
# The first convolution of NASNet and of PNASNet.
_FIRST, _FIRST_OF_PNASNET = "conv0", "conv_0"
_SUFFIXES = {
    "convolution": (".weight",),
    "separable": (
        ".depthwise_conv2d.weight",
        ".pointwise_conv2d.weight",
    ),
    "batch_norm": (".weight", ".bias", ".running_mean", ".running_var"),
    "dense": (".weight", ".bias"),
}


def load(model: keras.Model, path: str | os.PathLike) -> None:
    """Loads a file into a model.

    The classifier is left as it is, and a warning says so, where the file has
    none or one of other classes.

    Args:
        model: A NASNet-A or PNASNet-5 with the ImageNet stem.
        path: A safetensors file.

    Raises:
        ValueError: Tensors are missing in the file, left over or have other
            shapes; they are listed.
    """
    arrays = Arrays(path, read(path), heads=(_HEAD,))
    counters = ".num_batches_tracked"
    arrays.set_aside(
        [name for name in arrays.by_name if name.endswith(counters)],
        "since only PyTorch's batch norms count batches",
    )
    progressive = f"{_FIRST_OF_PNASNET}.conv.weight" in arrays.by_name
    assign(model, arrays, lambda place: _name(place, progressive), _SUFFIXES)


def read(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """The tensors by name, kernels in the layout of Keras."""
    with safe_open(path, framework="numpy") as file:
        return {
            name: transposed(file.get_tensor(name), ".depthwise_" in name)
            for name in file.keys()
        }


def wrote(path: str | os.PathLike) -> bool:
    """Whether the file is a safetensors file with one of these networks."""
    names = tensor_names(path)
    return any(
        f"{first}.conv.weight" in names for first in (_FIRST, _FIRST_OF_PNASNET)
    )


def _name(place: Place, progressive: bool) -> tuple[str, ...]:
    """What they call the layers of a place."""
    first = _FIRST_OF_PNASNET if progressive else _FIRST
    previous = f"{place.scope}.conv_prev_1x1"
    match place.part:
        case ("stem_convolution",):
            return (f"{first}.conv",)
        case ("stem_batch_norm",):
            return (f"{first}.bn",)
        case ("logits",):
            return (_HEAD,)
        case ("input", 0):
            return convolution_and_norm(f"{place.scope}.conv_1x1")
        case ("input", 1) if place.halves:
            start = previous if progressive else place.scope
            ends = ("path_1.conv", "path_2.conv", "final_path_bn")
            return tuple(f"{start}.{end}" for end in ends)
        case ("input", 1):
            return convolution_and_norm(previous)
        case ("block", int(number), int(side), int(unit)):
            block = f"{place.scope}.comb_iter_{number}_{SIDES[side]}"
            if not place.separable:
                return convolution_and_norm(block)
            unit += 1
            return (f"{block}.separable_{unit}", f"{block}.bn_sep_{unit}")
    return ()
