"""What files of PyTorch's networks have in common: safetensors, and the order
of axes."""

import os

import numpy as np
from safetensors import SafetensorError, safe_open


def tensor_names(path: str | os.PathLike) -> set[str]:
    """The names of the tensors of a file; none of one that is no safetensors
    file."""
    try:
        with safe_open(path, framework="numpy") as file:
            return set(file.keys())
    except (SafetensorError, OSError):
        return set()


def transposed(tensor: np.ndarray, depthwise: bool) -> np.ndarray:
    """From PyTorch's order of axes to that of Keras.

    A kernel has its output and input channels first there, last here in the
    other order; a depthwise one has its channels first there, and they stay
    first of the last two here.
    """
    if tensor.ndim == 2:
        return tensor.T
    if tensor.ndim != 4:
        return tensor
    return tensor.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))


def convolution_and_norm(name: str) -> tuple[str, str]:
    """What a convolution and its batch norm are called in a module."""
    return (f"{name}.conv", f"{name}.bn")
