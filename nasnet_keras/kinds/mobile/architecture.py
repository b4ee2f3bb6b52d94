"""Mobile networks as data: `MobileBlock`, `MobileArchitecture`."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nasnet_keras.quotation import quoted

MAX_BLOCKS = 100
MAX_NUMBER = 10_000  # of filters
MAX_LAYERS = 100  # of a block

# What a layer of a block is: how many times the channels that come in its
# depthwise convolution has, None for an ordinary convolution.
OPERATORS: Mapping[str, int | None] = {
    "convolution": None,
    "separable": 1,
    "inverted_residual_3": 3,
    "inverted_residual_6": 6,
}
# Or nothing but, where channels or strides differ, a 1x1 convolution and batch
# norm.
IDENTITY = "identity"
SKIPS = ("none", "identity", "pool")
ACTIVATIONS = ("relu", "relu6", "swish", "hard_swish")


@dataclass(frozen=True)
class MobileBlock:
    """Some equal layers, of which the first may halve height and width.

    Args:
        operator: What a layer is, a key of `OPERATORS`: a convolution; a
            depthwise separable one; an inverted residual that has 3 or 6
            times as many channels within. Or `"identity"`: what the layer
            reads, where channels or strides differ by a 1x1 convolution and
            batch norm; of what follows it has filters, layers and strides
            alone.
        filters: The channels of the output.
        kernel_size: Height and width of the kernel. Default 3.
        layers: How many. Default 1.
        strides: Of the first layer. Default 1.
        squeeze_ratio: The channels within the squeeze-and-excite of a layer,
            as a share of those that the layer reads. Default 0: none.
        skip: What is added to the output of a layer: `"none"`, `"identity"`:
            what the layer reads, where strides are 1 and channels agree, or
            `"pool"`: its 3x3 averages, where channels agree. Default
            `"identity"`.

    Raises:
        ValueError: A value is out of range.
    """

    operator: str
    filters: int
    kernel_size: int = 3
    layers: int = 1
    strides: int = 1
    squeeze_ratio: float = 0.0
    skip: str = "identity"

    def __post_init__(self) -> None:
        _check_choice("operator", self.operator, (*OPERATORS, IDENTITY))
        _check_choice("skip", self.skip, SKIPS)
        _check_number("filters", self.filters, MAX_NUMBER)
        _check_number("layers", self.layers, MAX_LAYERS)
        _check_choice("strides", self.strides, (1, 2))
        _check_choice("kernel_size", self.kernel_size, (1, 3, 5, 7))
        ratio = self.squeeze_ratio
        if type(ratio) not in (int, float) or not 0 <= ratio <= 1:
            raise ValueError(
                "Invalid value for argument `squeeze_ratio`. Expected a share "
                f"from 0 to 1. Received: squeeze_ratio={quoted(ratio)}."
            )


@dataclass(frozen=True)
class MobileArchitecture:
    """A 3x3 convolution, blocks, a 1x1 convolution, and a classifier of the
    mean.

    Args:
        blocks: 1 to 100 of them.
        stem_filters: Of the first convolution. Default 32.
        stem_strides: Its strides. Default 2, for images of 224.
        head_filters: Of the last convolution. Default 1280.
        activation: Of all layers: `"relu"`, `"relu6"`, `"swish"` or
            `"hard_swish"`. Default `"relu"`.

    Raises:
        ValueError: A value is out of range.

    Example:

    >>> block = MobileBlock("inverted_residual_6", 24, layers=2, strides=2)
    >>> architecture = MobileArchitecture((block,), stem_filters=16)
    >>> architecture.scaled(0.5).blocks[0].filters
    16
    """

    blocks: tuple[MobileBlock, ...]
    stem_filters: int = 32
    stem_strides: int = 2
    head_filters: int = 1280
    activation: str = "relu"

    def __post_init__(self) -> None:
        if (
            not isinstance(self.blocks, list | tuple)
            or not 1 <= len(self.blocks) <= MAX_BLOCKS
            or not all(isinstance(one, MobileBlock) for one in self.blocks)
        ):
            raise ValueError(
                "Invalid value for argument `blocks`. Expected a list of 1 to "
                f"{MAX_BLOCKS} `MobileBlock` objects. Received: "
                f"blocks={quoted(self.blocks)}."
            )
        object.__setattr__(self, "blocks", tuple(self.blocks))
        _check_number("stem_filters", self.stem_filters, MAX_NUMBER)
        _check_number("head_filters", self.head_filters, MAX_NUMBER)
        _check_choice("stem_strides", self.stem_strides, (1, 2))
        _check_choice("activation", self.activation, ACTIVATIONS)

    def scaled(
        self, width: float, scale_head: bool = False
    ) -> "MobileArchitecture":
        """The same with another number of filters everywhere.

        Args:
            width: By what filters are multiplied, before they are `rounded`.
            scale_head: Whether those of the head are, too, where `width` is
                above 1, as MobileNetV2 has it; MnasNet never does. Default
                False.
        """
        head = self.head_filters
        return dataclasses.replace(
            self,
            blocks=tuple(
                dataclasses.replace(
                    block, filters=rounded(width, block.filters)
                )
                for block in self.blocks
            ),
            stem_filters=rounded(width, self.stem_filters),
            head_filters=rounded(max(1.0, width), head) if scale_head else head,
        )

    def squeezed(self, ratio: float) -> "MobileArchitecture":
        """The same with a squeeze-and-excite in every layer, that of the
        architecture where there is one.

        Args:
            ratio: As `squeeze_ratio` of a `MobileBlock`.
        """
        return dataclasses.replace(
            self,
            blocks=tuple(
                dataclasses.replace(
                    block, squeeze_ratio=block.squeeze_ratio or ratio
                )
                for block in self.blocks
            ),
        )

    def for_small_images(self) -> "MobileArchitecture":
        """The same for images of 32: the stem and the first block that
        halves height and width do not, as the stems of CIFAR have it."""
        blocks = list(self.blocks)
        for place, block in enumerate(blocks):
            if block.strides == 2:
                blocks[place] = dataclasses.replace(block, strides=1)
                break
        return dataclasses.replace(self, blocks=tuple(blocks), stem_strides=1)


def rounded(width: float, filters: int) -> int:
    """`width * filters`, to the nearest 8 that is not below 9 tenths of it,
    as MobileNetV2 and MnasNet round.

    Example:

    >>> rounded(1.4, 24), rounded(0.35, 24)
    (32, 8)
    """
    product = width * filters
    nearest = max(8, int(product + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * product else nearest


def _check_number(argument: str, value: Any, most: int) -> None:
    if type(value) is not int or not 1 <= value <= most:
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected an integer "
            f"from 1 to {most:,}. Received: {argument}={quoted(value)}."
        )


def _check_choice(
    argument: str, value: Any, choices: Sequence[Any] | Mapping[str, Any]
) -> None:
    # Neither True for 1 nor what has no hash.
    if type(value) not in (int, str) or value not in choices:
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected one of "
            f"{', '.join(map(str, choices))}. Received: "
            f"{argument}={quoted(value)}."
        )
