"""The published networks as data, one frozen `Preset` each.

Figures are those of the papers as they print them; a recount is what
`nasnet_keras.network.complexity` counts.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from nasnet_keras import published
from nasnet_keras.genotype import Genotype

_UNITS = {"M": 1e6, "B": 1e9}
_Known = TypeVar("_Known")


@dataclass(frozen=True)
class Figures:
    """What a paper says of a network, as printed.

    Attributes:
        source: Where.
        parameters: Such as `"5.3M"`, None if it says nothing.
        multiply_adds: Such as `"564M"`, None if it says nothing.
        accuracy: Of ImageNet the top-1 and top-5 accuracy, of CIFAR-10 the
            test error, in percent; None if it says nothing.
    """

    source: str
    parameters: str | None = None
    multiply_adds: str | None = None
    accuracy: str | None = None


@dataclass(frozen=True)
class Recount:
    """What our network of that name has.

    Attributes:
        trainable_parameters: Kernels, biases, scales and offsets.
        parameters: Those and the moving statistics of batch norms.
        multiply_adds: For one image of the preset's size.
    """

    trainable_parameters: int
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Preset:
    """A published network.

    Attributes:
        title: Its name in the paper.
        genotype: Its cells.
        repeats: N, or what the frame calls repeats.
        filters: F.
        published: The paper's figures.
        recount: Ours.
        stem: `"imagenet"` or `"cifar"`.
        stem_filters: The filters of the stem's convolution, None for the
            default of its frame.
        image_size: Height and width of the images it was published for.
        frame: A key of `nasnet_keras.network.skeletons.FRAMES`.
        conventions: Where it differs from the default `Conventions`, apart
            from the batch norms.
        batch_norm: Momentum and epsilon, None for TF-slim's of the stem:
            0.9997 and 1e-3 on ImageNet, 0.9 and 1e-5 on CIFAR.
        skip_reduction_layer_input: See
            `nasnet_keras.network.skeletons.plan_cells`.
        note: What else one should know.
    """

    title: str
    genotype: Genotype
    repeats: int
    filters: int
    published: Figures
    recount: Recount
    stem: str = "imagenet"
    stem_filters: int | None = None
    image_size: int = 224
    frame: str = "nasnet"
    conventions: dict[str, Any] = field(default_factory=dict)
    batch_norm: tuple[float, float] | None = None
    skip_reduction_layer_input: bool = False
    note: str = ""

    @property
    def classes(self) -> int:
        return 1000 if self.stem == "imagenet" else 10

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return (self.image_size, self.image_size, 3)

    @property
    def parameters_agree(self) -> bool | None:
        """Whether the recount is the paper's figure, None if it has none.

        Papers count trainable parameters.
        """
        return agrees(
            self.published.parameters, self.recount.trainable_parameters
        )

    @property
    def multiply_adds_agree(self) -> bool | None:
        """As `parameters_agree`."""
        return agrees(self.published.multiply_adds, self.recount.multiply_adds)

    def network_arguments(self) -> dict[str, Any]:
        """What `genotype_complexity` and `build_network` both take."""
        momentum, epsilon = self.batch_norm or (
            (0.9997, 1e-3) if self.stem == "imagenet" else (0.9, 1e-5)
        )
        return {
            "genotype": self.genotype,
            "input_shape": self.input_shape,
            "classes": self.classes,
            "repeats": self.repeats,
            "filters": self.filters,
            "stem": self.stem,
            "stem_filters": self.stem_filters,
            "skip_reduction_layer_input": self.skip_reduction_layer_input,
            "frame": self.frame,
            "conventions": {
                **self.conventions,
                "bn_momentum": momentum,
                "bn_epsilon": epsilon,
            },
        }


def agrees(printed: str | None, count: int) -> bool | None:
    """Whether a count is a printed figure: rounds to it, or differs by no
    more than half a percent.

    Example:

    >>> agrees("5.3M", 5_289_978), agrees("27.6M", 32_590_954)
    (True, False)
    """
    if printed is None:
        return None
    number, unit = printed[:-1], _UNITS[printed[-1]]
    half_digit = unit / 10 ** len(number.partition(".")[2]) / 2
    figure = float(number) * unit
    return abs(figure - count) <= max(half_digit, 0.005 * figure)


def find(
    known: Mapping[str, _Known], name: Any, argument: str, listed: str
) -> _Known:
    """What has a name.

    Raises:
        ValueError: Nothing has; close names are told.
    """
    if isinstance(name, str) and name in known:
        return known[name]
    close = difflib.get_close_matches(str(name), known, n=3)
    hint = f" Close: {', '.join(close)}." if close else ""
    raise ValueError(
        f"Invalid value for argument `{argument}`. Expected one of {listed}. "
        f"Received: {argument}={name!r}.{hint}"
    )


_NASNET = "https://arxiv.org/abs/1707.07012"
_NASNET_CIFAR = f"{_NASNET}, table 1"
_NASNET_IMAGENET = f"{_NASNET}, table 2"
_NASNET_MOBILE = f"{_NASNET}, table 3"
_PNASNET = "https://arxiv.org/abs/1712.00559"
_AMOEBANET = "https://arxiv.org/abs/1802.01548"
_GPIPE = "https://arxiv.org/abs/1811.06965"
_ENAS = "https://arxiv.org/abs/1802.03268"
_DARTS = "https://arxiv.org/abs/1806.09055"
_TPU_CODE = "https://github.com/tensorflow/tpu, models/official/amoeba_net"
_AUTOAUGMENT = "https://arxiv.org/abs/1805.09501"

_CIFAR: dict[str, Any] = {"stem": "cifar", "image_size": 32}
# The stem keeps the 32 filters that are the default of the TPU code: with them
# the multiply-adds are those of the papers, with 96 they are more.
_TPU: dict[str, Any] = {"conventions": {"convolution_form": "bottleneck"}}
_FACTORIZED: dict[str, Any] = {
    "conventions": {"strided_identity": "factorized"}
}
_DARTS_FRAME: dict[str, Any] = {"frame": "darts", **_FACTORIZED}

PRESETS: dict[str, Preset] = {
    "nasnet_mobile": Preset(
        "NASNet-A (4 @ 1056), Mobile",
        published.NASNET_A,
        4,
        44,
        Figures(_NASNET_MOBILE, "5.3M", "564M", "74.0 / 91.6"),
        Recount(5_289_978, 5_326_716, 563_638_816),
    ),
    "nasnet_large": Preset(
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
    "nasnet_a_5_1538": Preset(
        "NASNet-A (5 @ 1538)",
        published.NASNET_A,
        5,
        64,
        Figures(_NASNET_IMAGENET, "10.9M", "2.35B", "78.6 / 94.2"),
        Recount(12_247_544, 12_311_704, 2_552_240_432),
        image_size=299,
        note=(
            "Five times 24F would be 1536: 1538 is no multiple of 24. The "
            "count is of the cells of the published checkpoints. With those "
            "of figure 4 (`NASNET_A_FIGURE`) it is 11.10M and 2.33B."
        ),
    ),
    "nasnet_a_7_1920": Preset(
        "NASNet-A (7 @ 1920)",
        published.NASNET_A,
        7,
        80,
        Figures(_NASNET_IMAGENET, "22.6M", "4.93B", "80.8 / 95.3"),
        Recount(24_595_884, 24_702_948, 5_226_678_524),
        image_size=299,
        note=(
            "The count is of the cells of the published checkpoints. With "
            "those of figure 4 (`NASNET_A_FIGURE`) it is 22.34M and 4.77B."
        ),
    ),
    "nasnet_a_cifar": Preset(
        "NASNet-A (6 @ 768), CIFAR-10",
        published.NASNET_A,
        6,
        32,
        Figures(_NASNET_CIFAR, "3.3M", None, "error 3.41; with cutout 2.65"),
        Recount(3_346_538, 3_383_786, 544_333_312),
        **_CIFAR,
    ),
    "nasnet_a_cifar_nano": Preset(
        "NASNet-A (1 @ 384), CIFAR-10",
        published.NASNET_A,
        1,
        16,
        Figures(
            "ours, to try things with: of no paper",
            accuracy="error 15.60, with the weights that ship",
        ),
        Recount(230_362, 235_546, 43_257_600),
        **_CIFAR,
    ),
    "nasnet_a_7_2304": Preset(
        "NASNet-A (7 @ 2304), CIFAR-10",
        published.NASNET_A,
        7,
        96,
        Figures(_NASNET_CIFAR, "27.6M", None, "error 2.97; with cutout 2.40"),
        Recount(32_590_954, 32_718_826, 5_151_250_944),
        note=(
            "The count is of the cells of the published checkpoints. With "
            "those of figure 4 (`NASNET_A_FIGURE`) it is 29.8M."
        ),
        **_CIFAR,
    ),
    "nasnet_c_4_640": Preset(
        "NASNet-C (4 @ 640), CIFAR-10",
        published.NASNET_C,
        4,
        32,
        Figures(_NASNET_CIFAR, "3.1M", None, "error 3.59"),
        Recount(3_177_706, 3_212_394, 508_647_680),
        note=(
            "Read from figure 9; no code was published. With the bottleneck "
            "form of the wide convolutions it is 2.53M; the form here is the "
            "one that comes nearer the paper's figure."
        ),
        **_CIFAR,
    ),
    "nasnet_c_3_960": Preset(
        "NASNet-C (3 @ 960)",
        published.NASNET_C,
        3,
        48,
        Figures(_NASNET_MOBILE, "4.9M", "558M", "72.5 / 91.0"),
        Recount(5_178_148, 5_218_526, 554_299_580),
        note=(
            "Read from figure 9; no code was published. With the plain form "
            "of the wide convolutions it is 6.41M and 709M; the form here is "
            "the one that comes nearer the paper's figures."
        ),
        **_TPU,
    ),
    "nasnet_b_4_1152": Preset(
        "NASNet-B (4 @ 1152), CIFAR-10",
        published.NASNET_B,
        4,
        48,
        Figures(_NASNET_CIFAR, "2.6M", None, "error 3.73"),
        Recount(3_001_090, 3_039_274, 496_270_848),
        note=(
            "Read from figure 8; no code was published. F is 1152 / 24, as of "
            "NASNet-A. With the plain form of the wide convolutions it is "
            "3.20M."
        ),
        **_CIFAR,
        **_TPU,
    ),
    "nasnet_b_4_1536": Preset(
        "NASNet-B (4 @ 1536)",
        published.NASNET_B,
        4,
        64,
        Figures(_NASNET_MOBILE, "5.3M", "488M", "72.8 / 91.3"),
        Recount(6_164_524, 6_216_536, 645_804_896),
        note=(
            "Read from figure 8; no code was published. F is 1536 / 24, as of "
            "NASNet-A. With the plain form of the wide convolutions it is "
            "6.53M and 681M."
        ),
        **_TPU,
    ),
    "pnasnet_5_mobile": Preset(
        "PNASNet-5, Mobile",
        published.PNASNET_5,
        3,
        54,
        Figures(_PNASNET, "5.1M", "588M", "74.2 / 91.9"),
        Recount(5_064_487, 5_098_151, 587_293_200),
        frame="pnasnet",
    ),
    "pnasnet_5_large": Preset(
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
    "pnasnet_5_cifar": Preset(
        "PNASNet-5, CIFAR-10",
        published.PNASNET_5,
        3,
        48,
        Figures(_PNASNET, "3.2M", None, "error 3.41"),
        Recount(3_189_082, 3_218_170, 574_891_392),
        frame="pnasnet",
        **_CIFAR,
    ),
    "amoebanet_a_6_32": Preset(
        "AmoebaNet-A (6, 32), CIFAR-10",
        published.AMOEBANET_A,
        6,
        32,
        Figures(_AMOEBANET, "2.6M", None, "error 3.40"),
        Recount(2_567_754, 2_599_466, 407_671_808),
        **_CIFAR,
        **_TPU,
    ),
    "amoebanet_a_6_36": Preset(
        "AmoebaNet-A (6, 36), CIFAR-10",
        published.AMOEBANET_A,
        6,
        36,
        Figures(_AMOEBANET, "3.2M", None, "error 3.34"),
        Recount(3_218_266, 3_253_942, 509_668_992),
        **_CIFAR,
        **_TPU,
    ),
    "amoebanet_a_4_50": Preset(
        "AmoebaNet-A (4, 50), mobile",
        published.AMOEBANET_A,
        4,
        50,
        Figures(_AMOEBANET, "5.1M", "555M", "74.5 / 92.0"),
        Recount(5_086_930, 5_122_936, 554_687_204),
        **_TPU,
    ),
    "amoebanet_a_6_190": Preset(
        "AmoebaNet-A (6, 190)",
        published.AMOEBANET_A,
        6,
        190,
        Figures(_AMOEBANET, "86.7M", "23.1B", "82.8 / 96.1"),
        Recount(86_718_797, 86_908_673, 23_133_663_507),
        image_size=331,
        **_TPU,
    ),
    "amoebanet_a_6_448": Preset(
        "AmoebaNet-A (6, 448)",
        published.AMOEBANET_A,
        6,
        448,
        Figures(_AMOEBANET, "469M", "104B", "83.9 / 96.6"),
        Recount(468_151_184, 468_598_856, 126_520_757_776),
        image_size=331,
        note="On images of 299 x 299 it is 103.9B.",
        **_TPU,
    ),
    "amoebanet_b_6_36": Preset(
        "AmoebaNet-B (6, 36), CIFAR-10",
        published.AMOEBANET_B,
        6,
        36,
        Figures(_AMOEBANET, "2.8M", None, "with cutout, error 2.55"),
        Recount(2_839_186, 2_873_458, 454_925_952),
        **_CIFAR,
        **_TPU,
    ),
    "amoebanet_b_3_62": Preset(
        "AmoebaNet-B (3, 62), mobile",
        published.AMOEBANET_B,
        3,
        62,
        Figures(_AMOEBANET, "5.3M", "555M", "74.0 / 91.5"),
        Recount(5_258_700, 5_291_750, 555_060_408),
        **_TPU,
    ),
    "amoebanet_b_6_512": Preset(
        "AmoebaNet-B (6, 512), GPipe",
        published.AMOEBANET_B,
        6,
        512,
        Figures(_GPIPE, "557M", None, "84.3 / 97.0"),
        Recount(557_277_864, 557_765_480, 298_794_036_064),
        image_size=480,
        **_TPU,
    ),
    "amoebanet_c_4_50": Preset(
        "AmoebaNet-C (4, 50), mobile",
        published.AMOEBANET_C,
        4,
        50,
        Figures(_AMOEBANET, "6.4M", "570M", "75.7 / 92.4"),
        Recount(6_353_815, 6_397_613, 676_936_592),
        **_TPU,
    ),
    "amoebanet_c_6_228": Preset(
        "AmoebaNet-C (6, 228), AutoAugment",
        published.AMOEBANET_C,
        6,
        228,
        Figures(_AUTOAUGMENT, "155M", "41B", "83.5 / 96.5"),
        Recount(155_272_667, 155_548_839, 41_129_488_875),
        image_size=331,
        **_TPU,
    ),
    "amoebanet_d_6_256": Preset(
        "AmoebaNet-D (6, 256)",
        published.AMOEBANET_D,
        6,
        256,
        Figures(_TPU_CODE),
        Recount(121_911_016, 122_115_464, 26_964_901_216),
        image_size=299,
        note="The size is the default of the TPU code; no count was published.",
        **_TPU,
    ),
    "enas_micro": Preset(
        "ENAS micro, CIFAR-10",
        published.ENAS_MICRO,
        5,
        36,
        Figures(_ENAS, "4.6M", None, "with cutout, error 2.89"),
        Recount(3_894_372, 3_939_300, 620_907_552),
        frame="enas",
        note=(
            "The cells of the authors' script, counted as their code builds "
            "it: 15 layers and 2 reductions."
        ),
        **_CIFAR,
        **_FACTORIZED,
    ),
    "darts_v1_cifar": Preset(
        "DARTS, first order, CIFAR-10",
        published.DARTS_V1,
        20,
        36,
        Figures(_DARTS, "3.3M", None, "with cutout, error 3.00"),
        Recount(3_169_414, 3_206_782, 500_987_520),
        **_CIFAR,
        **_DARTS_FRAME,
    ),
    "darts_v2_cifar": Preset(
        "DARTS, second order, CIFAR-10",
        published.DARTS_V2,
        20,
        36,
        Figures(_DARTS, "3.3M", None, "with cutout, error 2.76"),
        Recount(3_349_342, 3_389_734, 528_359_040),
        **_CIFAR,
        **_DARTS_FRAME,
    ),
    "darts_v2_imagenet": Preset(
        "DARTS, second order, mobile",
        published.DARTS_V2,
        14,
        48,
        Figures(_DARTS, "4.7M", "574M", "73.3 / 91.3"),
        Recount(4_718_752, 4_755_088, 529_911_552),
        batch_norm=(0.9, 1e-05),
        **_DARTS_FRAME,
    ),
    "nasnet_a_darts": Preset(
        "NASNet-A as DARTS evaluates it, CIFAR-10",
        published.NASNET_A_FIGURE,
        20,
        32,
        Figures(_DARTS, "3.1M", None, "with cutout, error 2.83"),
        Recount(3_061_738, 3_098_794, 483_842_304),
        **_CIFAR,
        **_DARTS_FRAME,
    ),
    "amoebanet_a_darts": Preset(
        "AmoebaNet-A as DARTS evaluates it, CIFAR-10",
        published.AMOEBANET_A_DARTS,
        20,
        36,
        Figures(_DARTS, "3.1M", None, "with cutout, error 3.12"),
        Recount(3_145_510, 3_181_150, 488_931_552),
        note=(
            "DARTS has no batch norm between the two halves of its 1x7 then "
            "7x1 convolutions, which makes 432 parameters fewer."
        ),
        **_CIFAR,
        **_DARTS_FRAME,
    ),
}
