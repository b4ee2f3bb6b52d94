"""The space of ProxylessNAS, layer by layer: `ProxylessNASSpace`.

Neither Keras nor TensorFlow is imported here.
"""

from collections.abc import Sequence
from typing import Any, Literal

from nasnet_keras.kinds.mobile.architecture import (
    IDENTITY,
    MobileArchitecture,
    MobileBlock,
)
from nasnet_keras.quotation import quoted
from search.spaces.mobile import KERNELS, MAX_WIDTH
from search.spaces.paths import PathSpace

# Filters, layers and strides of the stages behind the first layer, which is a
# separable convolution of 16 filters; `search/` of mit-han-lab/proxylessnas.
STAGES = (
    *((24, 4, 2), (40, 4, 2), (80, 4, 2)),
    *((96, 4, 1), (192, 4, 2), (320, 1, 1)),
)
FIRST_FILTERS = 16
EXPANSIONS = (3, 6)


class ProxylessNASSpace(PathSpace):
    """Mobile networks of 22 layers, of which 21 are chosen: an inverted
    residual with 3 or 6 times the channels within and a kernel of 3, 5 or 7,
    or, where channels and size stay, none.

    Reference:
        [Cai et al. 2019](https://arxiv.org/abs/1812.00332), section 4.2, and
        the authors' code (https://github.com/mit-han-lab/proxylessnas).

    Args:
        width: What all filters are multiplied with, those of the head only
            above 1. Default 1.
        stem: For which images: `"imagenet"`: as in the paper, of 224;
            `"cifar"`: of 32, where the stem and the first stage do not halve
            height and width. Default `"cifar"`.
        kernels: The sides of a kernel to choose from, ascending. Default: the
            paper's.
        stages: How many stages there are, from the first. Default: all 6.

    Raises:
        ValueError: An argument is out of range.

    Example:

    >>> space = ProxylessNASSpace()
    >>> len(space.decisions), f"{space.size:.1e}"
    (21, '2.2e+17')
    """

    name = "proxylessnas"
    version = 1

    def __init__(
        self,
        width: float = 1.0,
        stem: Literal["cifar", "imagenet"] = "cifar",
        kernels: Sequence[int] = KERNELS,
        stages: int = len(STAGES),
    ) -> None:
        for argument, value, expected, holds in (
            (
                "width",
                width,
                f"a number above 0 and up to {MAX_WIDTH}",
                type(width) in (int, float) and 0 < width <= MAX_WIDTH,
            ),
            (
                "stem",
                stem,
                "'cifar' or 'imagenet'",
                isinstance(stem, str) and stem in ("cifar", "imagenet"),
            ),
            (
                "kernels",
                kernels,
                f"some of {', '.join(map(str, KERNELS))}, ascending",
                isinstance(kernels, list | tuple)
                and len(kernels) > 0
                and all(type(each) is int for each in kernels)
                and [one for one in KERNELS if one in kernels] == list(kernels),
            ),
            (
                "stages",
                stages,
                f"an integer from 1 to {len(STAGES)}",
                type(stages) is int and 1 <= stages <= len(STAGES),
            ),
        ):
            if not holds:
                raise ValueError(
                    f"Invalid value for argument `{argument}`. Expected "
                    f"{expected}. Received: {argument}={quoted(value)}."
                )
        self._options: dict[str, Any] = {
            "width": width,
            "stem": stem,
            "kernels": list(kernels),
            "stages": stages,
        }

        def times(filters: int, width: float = width) -> int:
            return max(1, round(width * filters))

        small = stem == "cifar"
        layers = {
            f"inverted_residual_{expansion}/{side}x{side}": (
                f"inverted_residual_{expansion}",
                side,
            )
            for expansion in EXPANSIONS
            for side in kernels
        }
        paths, names = (
            [[MobileBlock("separable", times(FIRST_FILTERS))]],
            [[""]],
        )
        for number, (filters, count, first) in enumerate(STAGES[:stages]):
            for place in range(count):
                strides = 1 if place or (small and not number) else first
                row = [
                    MobileBlock(operator, times(filters), side, strides=strides)
                    for operator, side in layers.values()
                ]
                paths.append(row)
                names.append([*layers])
                if place:
                    row.append(MobileBlock(IDENTITY, times(filters), 1))
                    names[-1].append(IDENTITY)
        frame = MobileArchitecture(
            (paths[0][0],),
            times(32),
            1 if small else 2,
            times(1280, max(1.0, width)),
            "relu6",
        )
        super().__init__(frame, paths, names)

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "version": self.version, **self._options}
