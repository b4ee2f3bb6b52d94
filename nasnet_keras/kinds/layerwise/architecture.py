"""Networks given layer by layer, as data: `ConvolutionLayer`,
`LayerwiseArchitecture`."""

from dataclasses import dataclass
from typing import Any

from nasnet_keras.quotation import quoted

MAX_LAYERS = 100
MAX_NUMBER = 10_000  # of rows, columns, filters

Pair = tuple[int, int]  # along height and width


def check_numbers(values: Any, argument: str) -> tuple[int, ...]:
    """The values, positive integers, as a tuple."""
    if not isinstance(values, list | tuple) or not all(
        type(value) is int and 1 <= value <= MAX_NUMBER for value in values
    ):
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected integers from "
            f"1 to {MAX_NUMBER:,}. Received: {argument}={quoted(values)}."
        )
    return tuple(values)


@dataclass(frozen=True)
class ConvolutionLayer:
    """A convolution, batch norm and ReLU, and what it reads.

    Args:
        kernel_size: Height and width of the kernel.
        filters: The channels of the output.
        reads: The numbers of the earlier layers whose outputs it reads,
            ascending. Layers count from 1. Default none: it reads the image.
        strides: Strides along height and width. Default (1, 1).

    Raises:
        ValueError: A number is out of range.
    """

    kernel_size: Pair
    filters: int
    reads: tuple[int, ...] = ()
    strides: Pair = (1, 1)

    def __post_init__(self) -> None:
        for name in ("kernel_size", "strides"):
            values = check_numbers(getattr(self, name), name)
            if len(values) != 2:
                raise ValueError(
                    f"Invalid value for argument `{name}`. Expected two, along "
                    f"height and width. Received: {name}={list(values)}."
                )
            object.__setattr__(self, name, values)
        check_numbers([self.filters], "filters")
        reads = check_numbers(self.reads, "reads")
        if list(reads) != sorted(set(reads)):
            raise ValueError(
                "Invalid value for argument `reads`. Expected layers in "
                f"ascending order, each once. Received: reads={list(reads)}."
            )
        object.__setattr__(self, "reads", reads)


@dataclass(frozen=True)
class LayerwiseArchitecture:
    """Layers, each of which reads some of those before it.

    Args:
        layers: 1 to 100 of them.

    Raises:
        ValueError: There is no layer, there are too many, or one reads a
            layer that does not come before it.

    Example:

    >>> first = ConvolutionLayer((3, 3), 36)
    >>> second = ConvolutionLayer((5, 5), 48, reads=(1,))
    >>> LayerwiseArchitecture((first, first, second)).outputs
    (2, 3)
    """

    layers: tuple[ConvolutionLayer, ...]

    def __post_init__(self) -> None:
        if (
            not isinstance(self.layers, list | tuple)
            or not 1 <= len(self.layers) <= MAX_LAYERS
            or not all(isinstance(one, ConvolutionLayer) for one in self.layers)
        ):
            raise ValueError(
                "Invalid value for argument `layers`. Expected a list of 1 to "
                f"{MAX_LAYERS} `ConvolutionLayer` objects. Received: "
                f"layers={quoted(self.layers)}."
            )
        object.__setattr__(self, "layers", tuple(self.layers))
        for number, layer in enumerate(self.layers, start=1):
            if layer.reads and layer.reads[-1] >= number:
                raise ValueError(
                    f"Invalid value for argument `layers`. Expected layer "
                    f"{number} to read layers before it. Received: "
                    f"reads={list(layer.reads)}."
                )

    @property
    def outputs(self) -> tuple[int, ...]:
        """The layers that no other reads: the classifier does."""
        read = {source for layer in self.layers for source in layer.reads}
        numbers = range(1, len(self.layers) + 1)
        return tuple(number for number in numbers if number not in read)
