"""The published networks, each with its source. All are for images of 224."""

from collections.abc import Sequence

from nasnet_keras.kinds.mobile.architecture import (
    OPERATORS,
    MobileArchitecture,
    MobileBlock,
)

# Expansion -> operator.
_BY_EXPANSION = {
    expansion: operator
    for operator, expansion in OPERATORS.items()
    if expansion
}

# Expansion, side of the kernel, filters, layers, strides, squeeze ratio.
_Row = tuple[int, int, int, int, int, float]


def _blocks(*rows: _Row) -> tuple[MobileBlock, ...]:
    return tuple(
        MobileBlock(
            _BY_EXPANSION[expansion], filters, kernel, layers, strides, ratio
        )
        for expansion, kernel, filters, layers, strides, ratio in rows
    )


# Table 2 of the paper; 3,504,872 parameters.
MOBILENET_V2 = MobileArchitecture(
    _blocks(
        (1, 3, 16, 1, 1, 0),
        (6, 3, 24, 2, 2, 0),
        (6, 3, 32, 3, 2, 0),
        (6, 3, 64, 4, 2, 0),
        (6, 3, 96, 3, 1, 0),
        (6, 3, 160, 3, 2, 0),
        (6, 3, 320, 1, 1, 0),
    ),
    activation="relu6",
)

# MnasNet-A1, as `mnasnet_models.py` of tensorflow/tpu builds it. Figure 7 of
# the paper shows it. The next two networks follow the same file.
MNASNET_A1 = MobileArchitecture(
    _blocks(
        (1, 3, 16, 1, 1, 0),
        (6, 3, 24, 2, 2, 0),
        (3, 5, 40, 3, 2, 0.25),
        (6, 3, 80, 4, 2, 0),
        (6, 3, 112, 2, 1, 0.25),
        (6, 5, 160, 3, 2, 0.25),
        (6, 3, 320, 1, 1, 0),
    )
)
MNASNET_B1 = MobileArchitecture(
    _blocks(
        (1, 3, 16, 1, 1, 0),
        (3, 3, 24, 3, 2, 0),
        (3, 5, 40, 3, 2, 0),
        (6, 5, 80, 3, 2, 0),
        (6, 3, 96, 2, 1, 0),
        (6, 5, 192, 4, 2, 0),
        (6, 3, 320, 1, 1, 0),
    )
)
MNASNET_SMALL = MobileArchitecture(
    _blocks(
        (1, 3, 8, 1, 1, 0),
        (3, 3, 16, 1, 2, 0),
        (6, 3, 16, 2, 2, 0),
        (6, 5, 32, 4, 2, 0.25),
        (6, 3, 32, 3, 1, 0.25),
        (6, 5, 88, 3, 2, 0.25),
        (6, 3, 144, 1, 1, 0),
    ),
    stem_filters=8,
)

_PROXYLESS_STRIDES = (1, 2, 2, 2, 1, 2, 1)  # of its stages


def _proxyless(
    stem_filters: int,
    stages: Sequence[tuple[int, str]],
    head_filters: int,
) -> MobileArchitecture:
    """A network whose layers differ: filters of each stage, and of each of
    its layers kernel and expansion; identities are left out."""
    blocks = []
    for (filters, layers), first in zip(
        stages, _PROXYLESS_STRIDES, strict=True
    ):
        for place, layer in enumerate(layers.split()):
            kernel, expansion = map(int, layer.split("/"))
            blocks.append(
                MobileBlock(
                    _BY_EXPANSION[expansion],
                    filters,
                    kernel,
                    strides=1 if place else first,
                )
            )
    return MobileArchitecture(
        tuple(blocks),
        stem_filters,
        head_filters=head_filters,
        activation="relu6",
    )


# Figure 4 of the paper and mit-han-lab/proxylessnas, as osmr/imgclsmob has
# them (`proxylessnas.py`).
PROXYLESSNAS_CPU = _proxyless(
    40,
    (
        (24, "3/1"),
        (32, "3/6 3/3 3/3 3/3"),
        (48, "3/6 3/3 3/3 5/3"),
        (88, "3/6 3/3"),
        (104, "5/6 3/3 3/3 3/3"),
        (216, "5/6 5/3 5/3 3/3"),
        (360, "5/6"),
    ),
    1432,
)
PROXYLESSNAS_GPU = _proxyless(
    40,
    (
        (24, "3/1"),
        (32, "5/3"),
        (56, "7/3 3/3"),
        (112, "7/6 5/3"),
        (128, "5/6 3/3 5/3"),
        (256, "7/6 7/6 7/6 5/6"),
        (432, "7/6"),
    ),
    1728,
)
PROXYLESSNAS_MOBILE = _proxyless(
    32,
    (
        (16, "3/1"),
        (32, "5/3 3/3"),
        (40, "7/3 3/3 5/3 5/3"),
        (80, "7/6 5/3 5/3 5/3"),
        (96, "5/6 5/3 5/3 5/3"),
        (192, "7/6 7/6 7/3 7/3"),
        (320, "7/6"),
    ),
    1280,
)
