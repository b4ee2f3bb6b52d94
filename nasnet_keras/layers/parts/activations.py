"""The activations that a network may have, by name: `ACTIVATIONS`."""

from collections.abc import Callable
from typing import Any

from keras import ops

from nasnet_keras.quotation import quoted

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": ops.relu,
    "relu6": ops.relu6,  # MobileNetV2
    "swish": ops.silu,  # EfficientNet: x sigmoid(x)
    "hard_swish": ops.hard_silu,  # MobileNetV3: x relu6(x + 3) / 6
}


def find_activation(name: str) -> Callable[[Any], Any]:
    """The activation of that name.

    Raises:
        ValueError: There is none.

    Example:

    >>> find_activation("relu6")(ops.array([-1.0, 2.0, 9.0])).numpy().tolist()
    [0.0, 2.0, 6.0]
    """
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise ValueError(
            "Invalid value for argument `activation`. Expected one of "
            f"{', '.join(ACTIVATIONS)}. Received: activation={quoted(name)}."
        )
    return ACTIVATIONS[name]
