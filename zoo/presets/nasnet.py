"""NASNet-A, -B and -C."""

from nasnet_keras import published
from zoo.preset import Figures, Preset, Recount
from zoo.presets.settings import CIFAR, TPU, cells

_NASNET = "https://arxiv.org/abs/1707.07012"
_NASNET_CIFAR = f"{_NASNET}, table 1"
_NASNET_IMAGENET = f"{_NASNET}, table 2"
_NASNET_MOBILE = f"{_NASNET}, table 3"

PRESETS: dict[str, Preset] = {
    "nasnet_mobile": cells(
        "NASNet-A (4 @ 1056), Mobile",
        published.NASNET_A,
        4,
        44,
        Figures(_NASNET_MOBILE, "5.3M", "564M", "74.0 / 91.6"),
        Recount(5_289_978, 5_326_716, 563_638_816),
    ),
    "nasnet_large": cells(
        "NASNet-A (6 @ 4032), Large",
        published.NASNET_A,
        6,
        168,
        Figures(_NASNET_IMAGENET, "88.9M", "23.8B", "82.7 / 96.2"),
        Recount(88_753_150, 88_949_818, 23_783_414_658),
        stem_filters=96,
        image_size=331,
        skip_reduction_layer_input=True,
    ),
    "nasnet_a_5_1538": cells(
        "NASNet-A (5 @ 1538)",
        published.NASNET_A,
        5,
        64,
        Figures(_NASNET_IMAGENET, "10.9M", "2.35B", "78.6 / 94.2"),
        Recount(12_247_544, 12_311_704, 2_552_240_432),
        image_size=299,
        note=(
            "The number of the name is 24F, but 1538 is not a multiple of 24; "
            "with F = 64 it is 1536. Our counts are of the cells of the "
            "published checkpoints. The cells of figure 4 "
            "(`NASNET_A_FIGURE`) have 11.10M and 2.33B."
        ),
    ),
    "nasnet_a_7_1920": cells(
        "NASNet-A (7 @ 1920)",
        published.NASNET_A,
        7,
        80,
        Figures(_NASNET_IMAGENET, "22.6M", "4.93B", "80.8 / 95.3"),
        Recount(24_595_884, 24_702_948, 5_226_678_524),
        image_size=299,
        note=(
            "Our counts are of the cells of the published checkpoints. The "
            "cells of figure 4 (`NASNET_A_FIGURE`) have 22.34M and 4.77B."
        ),
    ),
    "nasnet_a_cifar": cells(
        "NASNet-A (6 @ 768), CIFAR-10",
        published.NASNET_A,
        6,
        32,
        Figures(_NASNET_CIFAR, "3.3M", None, "error 3.41; with cutout 2.65"),
        Recount(3_346_538, 3_383_786, 544_333_312),
        **CIFAR,
    ),
    "nasnet_a_cifar_nano": cells(
        "NASNet-A (1 @ 384), CIFAR-10",
        published.NASNET_A,
        1,
        16,
        Figures(
            "this package, for trials; no paper has it",
            accuracy="error 15.60, with the weights that ship",
        ),
        Recount(230_362, 235_546, 43_257_600),
        **CIFAR,
    ),
    "nasnet_a_7_2304": cells(
        "NASNet-A (7 @ 2304), CIFAR-10",
        published.NASNET_A,
        7,
        96,
        Figures(_NASNET_CIFAR, "27.6M", None, "error 2.97; with cutout 2.40"),
        Recount(32_590_954, 32_718_826, 5_151_250_944),
        note=(
            "Our count is of the cells of the published checkpoints. The "
            "cells of figure 4 (`NASNET_A_FIGURE`) have 29.8M."
        ),
        **CIFAR,
    ),
    "nasnet_c_4_640": cells(
        "NASNet-C (4 @ 640), CIFAR-10",
        published.NASNET_C,
        4,
        32,
        Figures(_NASNET_CIFAR, "3.1M", None, "error 3.59"),
        Recount(3_177_706, 3_212_394, 508_647_680),
        note=(
            "Read from figure 9; no code was published. The bottleneck form "
            "of the wide convolutions has 2.53M; the form here is nearer to "
            "the paper's figure."
        ),
        **CIFAR,
    ),
    "nasnet_c_3_960": cells(
        "NASNet-C (3 @ 960)",
        published.NASNET_C,
        3,
        48,
        Figures(_NASNET_MOBILE, "4.9M", "558M", "72.5 / 91.0"),
        Recount(5_178_148, 5_218_526, 554_299_580),
        note=(
            "Read from figure 9; no code was published. The plain form of "
            "the wide convolutions has 6.41M and 709M; the form here is "
            "nearer to the paper's figures."
        ),
        **TPU,
    ),
    "nasnet_b_4_1152": cells(
        "NASNet-B (4 @ 1152), CIFAR-10",
        published.NASNET_B,
        4,
        48,
        Figures(_NASNET_CIFAR, "2.6M", None, "error 3.73"),
        Recount(3_001_090, 3_039_274, 496_270_848),
        note=(
            "Read from figure 8; no code was published. F is 1152 / 24, as in "
            "NASNet-A. The plain form of the wide convolutions has 3.20M."
        ),
        **CIFAR,
        **TPU,
    ),
    "nasnet_b_4_1536": cells(
        "NASNet-B (4 @ 1536)",
        published.NASNET_B,
        4,
        64,
        Figures(_NASNET_MOBILE, "5.3M", "488M", "72.8 / 91.3"),
        Recount(6_164_524, 6_216_536, 645_804_896),
        note=(
            "Read from figure 8; no code was published. F is 1536 / 24, as in "
            "NASNet-A. The plain form of the wide convolutions has 6.53M and "
            "681M."
        ),
        **TPU,
    ),
}
