"""PNASNet-5."""

from nasnet_keras import published
from zoo.preset import Figures, Preset, Recount
from zoo.presets.settings import CIFAR, cells

_PNASNET = "https://arxiv.org/abs/1712.00559"

PRESETS: dict[str, Preset] = {
    "pnasnet_5_mobile": cells(
        "PNASNet-5, Mobile",
        published.PNASNET_5,
        3,
        54,
        Figures(_PNASNET, "5.1M", "588M", "74.2 / 91.9"),
        Recount(5_064_487, 5_098_151, 587_293_200),
        frame="pnasnet",
    ),
    "pnasnet_5_large": cells(
        "PNASNet-5, Large",
        published.PNASNET_5,
        4,
        216,
        Figures(_PNASNET, "86.1M", "25.0B", "82.9 / 96.2"),
        Recount(86_057_668, 86_234_656, 24_937_395_792),
        stem_filters=96,
        image_size=331,
        frame="pnasnet",
    ),
    "pnasnet_5_cifar": cells(
        "PNASNet-5, CIFAR-10",
        published.PNASNET_5,
        3,
        48,
        Figures(_PNASNET, "3.2M", None, "error 3.41"),
        Recount(3_189_082, 3_218_170, 574_891_392),
        frame="pnasnet",
        **CIFAR,
    ),
}
