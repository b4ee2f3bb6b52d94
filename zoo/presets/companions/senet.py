"""SE-ResNet-50 and SENet-154.

The authors' networks are Caffe's, here as Cadene/pretrained-models.pytorch has
them (`senet.py`); timm's, which differ, are rows of their own.
"""

from typing import Any

from nasnet_keras.graph_nodes import (
    Convolution,
    Pool,
    Side,
    Squeeze,
    Stride,
)
from nasnet_keras.kinds.multibranch import MultiBranchArchitecture
from nasnet_keras.units import Branch, Unit
from zoo.preset import Figures, Preset, Recount
from zoo.presets.companions import TORCH

_SENET = "https://arxiv.org/abs/1709.01507"

# Caffe's pool pads nothing and rounds sizes up: SAME, if they are even.
_CAFFE, _TORCH = Pool("maximum"), Pool("maximum", padding="zeros")

_SE_RESNET_50: dict[str, Any] = {
    "stem": (Convolution(64, 7, 2),),
    "repeats": (3, 4, 6, 3),
    "multiples": (1, 1, 4),
}
_SENET_154: dict[str, Any] = {
    "stem": (Convolution(64, 3, 2), Convolution(64, 3), Convolution(128, 3)),
    "repeats": (3, 8, 36, 3),
    "multiples": (2, 4, 4),
    "groups": 64,
    "shortcut": 3,
}


def _network(
    pool: Pool,
    stem: tuple[Convolution, ...],
    repeats: tuple[int, ...],
    multiples: tuple[int, int, int],
    groups: int = 1,
    shortcut: Side = 1,
    first_halves: bool = False,
) -> MultiBranchArchitecture:
    """Four stages of bottlenecks: a 1x1, a 3x3 and a 1x1 convolution and a
    squeeze-and-excite, added to what they read.

    Args:
        pool: Behind the stem.
        stem: Its convolutions.
        repeats: How many bottlenecks each stage has.
        multiples: The filters of the three convolutions as multiples of those
            of the stage: 64, 128, 256, 512.
        groups: Those of the 3x3 convolution.
        shortcut: The side of the convolution beside a bottleneck that halves.
        first_halves: Whether the first convolution halves the map in such a
            one, not the 3x3.
    """
    units = [Unit((stem,)), Unit(((pool,),))]
    for stage, count in enumerate(repeats):
        first, second, third = (64 * 2**stage * each for each in multiples)
        strides: Stride = 2 if stage else 1
        side: Side = shortcut if stage else 1
        project = Convolution(third, side, strides, activated=False)
        rows: tuple[tuple[Stride, Branch, int], ...] = (
            (strides, (project,), 1),
            (1, (), count - 1),
        )
        for by, beside, times in rows:
            bottleneck = (
                Convolution(first, 1, by if first_halves else 1),
                Convolution(second, 3, 1 if first_halves else by, groups),
                Convolution(third, activated=False),
                Squeeze(),
            )
            units.append(
                Unit((bottleneck, beside), activated=True, repeats=times)
            )
    return MultiBranchArchitecture(tuple(units))


PRESETS: dict[str, Preset] = {
    "se_resnet_50": Preset(
        "SE-ResNet-50",
        _network(_CAFFE, **_SE_RESNET_50, first_halves=True),
        Figures(_SENET, None, "3.87B"),
        Recount(28_088_024, 28_141_144, 3_860_488_192),
        **TORCH,
    ),
    "se_resnet_50_timm": Preset(
        "SE-ResNet-50, timm's",
        _network(_TORCH, **_SE_RESNET_50),
        Figures(_SENET),
        Recount(28_088_024, 28_141_144, 4_091_699_200),
        note="The 3x3 convolutions have the strides, as in torchvision's "
        "ResNets.",
        **TORCH,
    ),
    "senet_154": Preset(
        "SENet-154",
        _network(_CAFFE, **_SENET_154),
        Figures(_SENET, None, "20.7B"),
        Recount(115_088_984, 115_336_536, 20_688_363_520),
        note="Trained with a dropout of 0.2 before the classifier.",
        **TORCH,
    ),
    "senet_154_timm": Preset(
        "SENet-154, timm's",
        _network(_TORCH, **_SENET_154),
        Figures(_SENET),
        Recount(115_088_984, 115_336_536, 20_688_363_520),
        note="The pool pads on all sides, as in torchvision's ResNets.",
        **TORCH,
    ),
}
