"""DARTS, and what its paper compares it with in the same frame."""

from typing import Any

from nasnet_keras import published
from zoo.preset import Figures, Preset, Recount
from zoo.presets.settings import CIFAR, FACTORIZED, cells

_DARTS = "https://arxiv.org/abs/1806.09055"

_DARTS_FRAME: dict[str, Any] = {"frame": "darts", **FACTORIZED}

PRESETS: dict[str, Preset] = {
    "darts_v1_cifar": cells(
        "DARTS, first order, CIFAR-10",
        published.DARTS_V1,
        20,
        36,
        Figures(_DARTS, "3.3M", None, "with cutout, error 3.00"),
        Recount(3_169_414, 3_206_782, 500_987_520),
        **CIFAR,
        **_DARTS_FRAME,
    ),
    "darts_v2_cifar": cells(
        "DARTS, second order, CIFAR-10",
        published.DARTS_V2,
        20,
        36,
        Figures(_DARTS, "3.3M", None, "with cutout, error 2.76"),
        Recount(3_349_342, 3_389_734, 528_359_040),
        **CIFAR,
        **_DARTS_FRAME,
    ),
    "darts_v2_imagenet": cells(
        "DARTS, second order, mobile",
        published.DARTS_V2,
        14,
        48,
        Figures(_DARTS, "4.7M", "574M", "73.3 / 91.3"),
        Recount(4_718_752, 4_755_088, 529_911_552),
        batch_norm=(0.9, 1e-05),
        **_DARTS_FRAME,
    ),
    "nasnet_a_darts": cells(
        "NASNet-A as DARTS evaluates it, CIFAR-10",
        published.NASNET_A_FIGURE,
        20,
        32,
        Figures(_DARTS, "3.1M", None, "with cutout, error 2.83"),
        Recount(3_061_738, 3_098_794, 483_842_304),
        **CIFAR,
        **_DARTS_FRAME,
    ),
    "amoebanet_a_darts": cells(
        "AmoebaNet-A as DARTS evaluates it, CIFAR-10",
        published.AMOEBANET_A_DARTS,
        20,
        36,
        Figures(_DARTS, "3.1M", None, "with cutout, error 3.12"),
        Recount(3_145_510, 3_181_150, 488_931_552),
        note=(
            "The code of DARTS has no batch norm between its 1x7 and its 7x1 "
            "convolution, and so 432 parameters fewer."
        ),
        **CIFAR,
        **_DARTS_FRAME,
    ),
}
