"""CondenseNet-74 as it is after its training: what its learned group
convolutions read is gathered, by numbers that are weights."""

from nasnet_keras.graph_nodes import (
    Convolution,
    Gather,
    Normalization,
    Pool,
    Shuffle,
)
from nasnet_keras.kinds.multibranch import MultiBranchArchitecture
from nasnet_keras.units import Unit
from zoo.preset import Figures, Preset, Recount
from zoo.presets.companions import TORCH

_CONDENSENET = "https://arxiv.org/abs/1711.09224"

# Layers of each stage, and how many channels each adds.
_STAGES = ((4, 8), (6, 16), (8, 32), (10, 64), (8, 128))


def condensenet_74(groups: int) -> MultiBranchArchitecture:
    """Table 5 of the paper, and the authors' program (ShichenLiu/CondenseNet).

    Args:
        groups: G of the convolutions, which is C, by what their inputs are
            condensed.
    """
    units = [
        Unit(((Convolution(16, 3, 2, normalized=False, activated=False),),))
    ]
    for layers, growth in _STAGES:
        if len(units) > 1:
            units.append(Unit(((Pool("average", 2),),)))
        layer = (
            Gather(groups=groups),
            Normalization(),
            Convolution(
                4 * growth, groups=groups, normalized=False, activated=False
            ),
            Shuffle(groups),
            Normalization(),
            Convolution(
                growth, 3, 1, groups, normalized=False, activated=False
            ),
        )
        units.append(Unit(((), layer), "concatenate", repeats=layers))
    units.append(Unit(((Normalization(), Gather(0.5)),)))
    return MultiBranchArchitecture(tuple(units))


# Groups: the paper's figures, our counts.
_ROWS: dict[int, tuple[Figures, Recount]] = {
    4: (
        Figures(_CONDENSENET, "4.8M", "529M"),
        Recount(4_773_944, 4_859_904, 516_640_576),
    ),
    8: (
        Figures(_CONDENSENET, "2.9M", "274M"),
        Recount(2_935_416, 3_021_376, 261_545_792),
    ),
}

PRESETS: dict[str, Preset] = {
    f"condensenet_74_g{groups}": Preset(
        f"CondenseNet-74, C = G = {groups}",
        condensenet_74(groups),
        published,
        recount,
        note="The paper's multiply-adds count ReLUs and pools, too.",
        **TORCH,
    )
    for groups, (published, recount) in _ROWS.items()
}
