"""Which network is meant: its arguments, checked, and what follows from them.

`nasnet_keras.network.build` builds a `NetworkPlan`, and
`nasnet_keras.network.complexity` counts it.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from nasnet_keras.genotype import CellSpec, Genotype
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.network.ends import check_ratio
from nasnet_keras.network.skeletons import (
    FRAMES,
    Frame,
    PlannedCell,
    PlannedConvolution,
    Size,
    Stem,
    divided,
    plan_cells,
    plan_stem,
)
from nasnet_keras.quotation import quoted

LEAST_SIDE = {"cifar": 8, "imagenet": 32}


def check_squeeze(squeeze_excite: Any, genotype: Genotype) -> None:
    """Raises:
    ValueError: It is no share of channels, or cells hand their states on
        one by one.
    """
    check_ratio(squeeze_excite)
    if squeeze_excite and genotype.normal.separate:
        raise ValueError(
            "Invalid value for argument `squeeze_excite`. Expected 0 for "
            "cells with separate output states. Received: "
            f"squeeze_excite={squeeze_excite}."
        )


@dataclass(frozen=True)
class NetworkPlan:
    """A network as data. The arguments are those of `build_network`.

    Outputs are numbered as in `PlannedCell`: those of the stem's
    convolutions, then those of the cells.

    Raises:
        ValueError: An argument is out of range, or no network has it.
    """

    genotype: Genotype
    input_shape: tuple[int | None, ...]
    classes: int = 10
    repeats: int = 6
    filters: int = 32
    stem: Stem = "cifar"
    stem_filters: int | None = None
    skip_reduction_layer_input: bool = False
    conventions: Conventions = field(default_factory=Conventions)
    frame: str = "nasnet"

    def __post_init__(self) -> None:
        self._check_genotype()
        self._check_frame()
        self._check_numbers()
        self._check_input_shape()
        object.__setattr__(self, "input_shape", tuple(self.input_shape))

    @property
    def parts(self) -> Frame:
        return FRAMES[self.frame]

    @property
    def image_channels(self) -> int:
        return cast(int, self.input_shape[self._channel_place])

    @property
    def image_size(self) -> tuple[int | None, int | None]:
        """Height and width of the input."""
        height, width = (
            self.input_shape[axis - 1] for axis in self.conventions.spatial_axes
        )
        return height, width

    @cached_property
    def convolutions(self) -> tuple[PlannedConvolution, ...]:
        return plan_stem(self.filters, self.stem, self.stem_filters, self.frame)

    @cached_property
    def cells(self) -> tuple[PlannedCell, ...]:
        normal = self.genotype.normal
        return plan_cells(
            self.repeats,
            self.filters,
            self.stem,
            self.skip_reduction_layer_input,
            self.frame,
            normal.inputs if normal.separate else None,
        )

    def spec(self, place: PlannedCell) -> CellSpec:
        """The blocks of a planned cell."""
        genotype = self.genotype
        return genotype.reduction if place.reduction else genotype.normal

    @property
    def levels(self) -> list[int]:
        """How often each output was halved."""
        levels: list[int] = []
        for convolution in self.convolutions:
            levels.append((levels or [0])[-1] + convolution.strides - 1)
        for cell in self.cells:
            levels.append(levels[cell.inputs[0]] + cell.strides - 1)
        return levels

    def sizes(self, image_size: Size) -> list[Size]:
        """Height and width of each output for images of that size."""
        sizes: list[Size] = []
        for convolution in self.convolutions:
            height, width = (sizes or [image_size])[-1]
            if convolution.padding == "valid":
                height, width = height - 2, width - 2
            strides = (convolution.strides, convolution.strides)
            sizes.append(divided((height, width), strides))
        for cell in self.cells:
            strides = (cell.strides, cell.strides)
            sizes.append(divided(sizes[cell.inputs[0]], strides))
        return sizes

    @property
    def auxiliary_input(self) -> int:
        """The output that the auxiliary head reads."""
        names = [cell.name for cell in self.cells]
        second = names.index("reduction_cell_2")
        return len(self.convolutions) + second + self.parts.auxiliary

    # === Checks ===

    def _check_genotype(self) -> None:
        genotype = self.genotype
        if not isinstance(genotype, Genotype) or (
            genotype.normal.inputs != 2 and not genotype.normal.separate
        ):
            raise ValueError(
                "Invalid value for argument `genotype`. Expected a `Genotype` "
                "of cells with 2 inputs, or with separate output states. "
                f"Received: genotype={quoted(genotype)}."
            )

    def _check_frame(self) -> None:
        if self.stem not in ("cifar", "imagenet"):
            raise ValueError(
                "Invalid value for argument `stem`. Expected 'cifar' or "
                f"'imagenet'. Received: stem={quoted(self.stem)}."
            )
        if not isinstance(self.frame, str) or self.frame not in FRAMES:
            raise ValueError(
                "Invalid value for argument `frame`. Expected one of "
                f"{', '.join(FRAMES)}. Received: frame={quoted(self.frame)}."
            )
        if self.skip_reduction_layer_input and (
            not self.parts.extra_reductions or self.genotype.normal.separate
        ):
            raise ValueError(
                "Invalid value for argument `skip_reduction_layer_input`. "
                "Expected False: the argument is for cells that read the last "
                "two outputs, in a frame with cells between a reduction and "
                f"the cell before it, unlike {self.frame!r}. Received: True."
            )

    def _check_numbers(self) -> None:
        # The first cell behind the ImageNet stem has a quarter of the filters,
        # the first of its convolutions in the frame of DARTS half.
        cifar = self.stem == "cifar"
        parts = self.parts
        for argument, value, least in (
            ("classes", self.classes, 1),
            ("repeats", self.repeats, 1 if parts.cells_per_repeat == 3 else 3),
            ("filters", self.filters, 1 if cifar else 4),
            (
                "stem_filters",
                2 if self.stem_filters is None else self.stem_filters,
                1 if cifar or parts.stem_cells else 2,
            ),
        ):
            if type(value) is not int or value < least:
                raise ValueError(
                    f"Invalid value for argument `{argument}`. Expected an "
                    f"integer of at least {least}. Received: "
                    f"{argument}={quoted(value)}."
                )

    def _check_input_shape(self) -> None:
        shape: Any = self.input_shape
        least = [LEAST_SIDE[self.stem]] * 3
        least[self._channel_place] = 1
        if (
            not isinstance(shape, list | tuple)
            or len(shape) != 3
            or shape[self._channel_place] is None
            or any(
                side is not None and (type(side) is not int or side < smallest)
                for side, smallest in zip(shape, least, strict=True)
            )
        ):
            raise ValueError(
                "Invalid value for argument `input_shape`. Expected height, "
                f"width and channels ({self.conventions.data_format}), height "
                f"and width at least {max(least)} with the {self.stem} stem, "
                f"or None. Received: input_shape={quoted(shape)}."
            )

    @property
    def _channel_place(self) -> int:
        return self.conventions.channel_axis % 4 - 1
