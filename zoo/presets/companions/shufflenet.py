"""ShuffleNet v1 and v2.

Widths are those of megvii-model/ShuffleNet-Series, the authors', and of
torchvision; shuffles and the order of branches those of the papers and of
torchvision and osmr/imgclsmob, whose published weights rows of their own take:
they have a bias in the classifier. The authors' programs shuffle in another
order, which is the same network with its channels renamed.
"""

from nasnet_keras.graph_nodes import Convolution, Pool, Shuffle
from nasnet_keras.kinds.multibranch import MultiBranchArchitecture
from nasnet_keras.units import Unit
from zoo.preset import Figures, Preset, Recount
from zoo.presets.companions import TORCH

_V1 = "https://arxiv.org/abs/1707.01083"
_V2 = "https://arxiv.org/abs/1807.11164"

_REPEATS = (4, 8, 4)

# Groups -> the channels of the first stage at width 1; later ones double them.
_V1_CHANNELS = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}


def _stem(filters: int) -> list[Unit]:
    pool = Pool("maximum", padding="zeros")
    return [Unit(((Convolution(filters, 3, 2),),)), Unit(((pool,),))]


def shufflenet_v1(
    groups: int, width: float = 1.0, bias: bool = False
) -> MultiBranchArchitecture:
    """Table 1 of the paper.

    Args:
        groups: Of the 1x1 convolutions: 1, 2, 3, 4 or 8.
        width: By what channels are multiplied. Default 1.
        bias: Whether the classifier has one. Default False.
    """
    channels = int(24 * width) if width != 1.5 else 24
    units = _stem(channels)
    for stage, count in enumerate(_REPEATS):
        filters = int(_V1_CHANNELS[groups] * 2**stage * width)
        for halves, times in ((True, 1), (False, count - 1)):
            branch = (
                # Few channels come in at first: they are not grouped.
                Convolution(
                    filters // 4, groups=1 if halves and not stage else groups
                ),
                Shuffle(groups),
                Convolution(None, 3, 2 if halves else 1, activated=False),
                Convolution(
                    filters - channels if halves else filters,
                    groups=groups,
                    activated=False,
                ),
            )
            average = (Pool("average", padding="zeros"),)
            units.append(
                Unit(
                    (branch, average if halves else ()),
                    "concatenate" if halves else "add",
                    activated=True,
                    repeats=times,
                )
            )
        channels = filters
    return MultiBranchArchitecture(tuple(units), classifier_bias=bias)


def shufflenet_v2(
    channels: int, last: int = 1024, bias: bool = False, even: bool = False
) -> MultiBranchArchitecture:
    """Table 5 of the paper.

    Args:
        channels: The channels of the first stage; each later stage has twice
            as many as the one before.
        last: The channels of the last convolution. Default 1024.
        bias: Whether the classifier has one. Default False.
        even: Whether both branches of a unit that halves make as many
            channels (torchvision), and not the shortcut as many as come in
            (the authors). Default False.
    """
    before = 24
    units = _stem(before)
    for stage, count in enumerate(_REPEATS):
        filters = channels * 2**stage
        half = filters // 2
        beside = half if even else before
        units += [
            Unit(
                (
                    (
                        Convolution(None, 3, 2, activated=False),
                        Convolution(beside),
                    ),
                    (
                        Convolution(half),
                        Convolution(None, 3, 2, activated=False),
                        Convolution(filters - beside),
                    ),
                ),
                "concatenate",
                shuffle=2,
            ),
            Unit(
                (
                    (),
                    (
                        Convolution(half),
                        Convolution(None, 3, activated=False),
                        Convolution(half),
                    ),
                ),
                "concatenate",
                split=True,
                shuffle=2,
                repeats=count - 1,
            ),
        ]
        before = filters
    units.append(Unit(((Convolution(last),),)))
    return MultiBranchArchitecture(tuple(units), classifier_bias=bias)


def _v1(groups: int, width: float) -> str:
    """`shufflenet_v1_g3`, and with a width that is not 1
    `shufflenet_v1_g3_050`."""
    return f"shufflenet_v1_g{groups}" + _ending(width)


def _ending(width: float) -> str:
    return f"_{100 * width:03.0f}" if width != 1 else ""


def _title(name: str, width: float) -> str:
    return name + (f", {width:g}x" if width != 1 else "")


_OSMR = "The form of osmr/imgclsmob, with a bias in the classifier."
_TORCHVISION = (
    "The form of torchvision: the branches of a unit that halves make half of "
    "the channels each, and the classifier has a bias."
)

# Groups, width: the paper's figures, our counts.
_V1_ROWS: dict[tuple[int, float], tuple[Figures, Recount]] = {
    (3, 1.0): (
        Figures(_V1, "1.9M", "138M"),
        Recount(1_864_728, 1_889_208, 137_460_672),
    ),
    (3, 0.5): (Figures(_V1, "0.7M"), Recount(717_324, 729_564, 37_589_856)),
    (3, 1.5): (
        Figures(_V1, "3.4M"),
        Recount(3_441_168, 3_477_888, 292_443_552),
    ),
    (3, 2.0): (
        Figures(_V1, "5.4M"),
        Recount(5_449_776, 5_498_736, 524_045_184),
    ),
    (8, 1.0): (
        Figures(_V1, "2.4M"),
        Recount(2_433_768, 2_472_936, 138_365_952),
    ),
}
# Groups: our counts.
_V1_OSMR: dict[int, Recount] = {
    1: Recount(1_531_936, 1_546_624, 143_078_976),
    2: Recount(1_733_848, 1_754_248, 140_836_512),
    3: Recount(1_865_728, 1_890_208, 137_460_672),
    4: Recount(1_968_344, 1_996_088, 134_339_776),
    8: Recount(2_434_768, 2_473_936, 138_365_952),
}
# Width: the channels of the first stage and the last, the paper's figures,
# our counts, and those of torchvision's form.
_V2_ROWS: dict[float, tuple[int, int, Figures, Recount, Recount]] = {
    0.5: (
        48,
        1024,
        Figures(_V2, "1.4M", "41M"),
        Recount(1_365_792, 1_373_744, 40_476_448),
        Recount(1_366_792, 1_374_744, 40_476_448),
    ),
    1.0: (
        116,
        1024,
        Figures(_V2, "2.3M", "146M"),
        Recount(2_278_760, 2_294_940, 145_814_296),
        Recount(2_278_604, 2_294_784, 144_907_992),
    ),
    1.5: (
        176,
        1024,
        Figures(_V2, "3.5M", "299M"),
        Recount(3_506_720, 3_530_160, 298_970_656),
        Recount(3_503_624, 3_527_064, 295_759_392),
    ),
    2.0: (
        244,
        2048,
        Figures(_V2, "7.4M", "591M"),
        Recount(7_402_600, 7_436_316, 590_783_000),
        Recount(7_393_996, 7_427_712, 583_253_464),
    ),
}

PRESETS: dict[str, Preset] = {
    **{
        _v1(groups, width): Preset(
            _title(f"ShuffleNet, {groups} groups", width),
            shufflenet_v1(groups, width),
            published,
            recount,
            **TORCH,
        )
        for (groups, width), (published, recount) in _V1_ROWS.items()
    },
    **{
        f"{_v1(groups, 1)}_osmr": Preset(
            f"ShuffleNet, {groups} groups, osmr's",
            shufflenet_v1(groups, bias=True),
            Figures(_V1),
            recount,
            note=_OSMR,
            **TORCH,
        )
        for groups, recount in _V1_OSMR.items()
    },
    **{
        f"shufflenet_v2{_ending(width)}": Preset(
            _title("ShuffleNet v2", width),
            shufflenet_v2(channels, last),
            published,
            recount,
            **TORCH,
        )
        for width, (channels, last, published, recount, _) in _V2_ROWS.items()
    },
    "shufflenet_v2_osmr": Preset(
        "ShuffleNet v2, osmr's",
        shufflenet_v2(116, bias=True),
        Figures(_V2),
        Recount(2_279_760, 2_295_940, 145_814_296),
        note=_OSMR,
        **TORCH,
    ),
    **{
        f"shufflenet_v2{_ending(width)}_torchvision": Preset(
            _title("ShuffleNet v2, torchvision's", width),
            shufflenet_v2(channels, last, bias=True, even=True),
            Figures(_V2),
            recount,
            note=_TORCHVISION,
            **TORCH,
        )
        for width, (channels, last, _, _, recount) in _V2_ROWS.items()
    },
}
