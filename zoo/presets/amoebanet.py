"""AmoebaNet-A to -D."""

from nasnet_keras import published
from zoo.preset import Figures, Preset, Recount
from zoo.presets.settings import CIFAR, TPU, cells

_AMOEBANET = "https://arxiv.org/abs/1802.01548"
_GPIPE = "https://arxiv.org/abs/1811.06965"
_AUTOAUGMENT = "https://arxiv.org/abs/1805.09501"
_TPU_CODE = "https://github.com/tensorflow/tpu, models/official/amoeba_net"

PRESETS: dict[str, Preset] = {
    "amoebanet_a_6_32": cells(
        "AmoebaNet-A (6, 32), CIFAR-10",
        published.AMOEBANET_A,
        6,
        32,
        Figures(_AMOEBANET, "2.6M", None, "error 3.40"),
        Recount(2_567_754, 2_599_466, 407_671_808),
        **CIFAR,
        **TPU,
    ),
    "amoebanet_a_6_36": cells(
        "AmoebaNet-A (6, 36), CIFAR-10",
        published.AMOEBANET_A,
        6,
        36,
        Figures(_AMOEBANET, "3.2M", None, "error 3.34"),
        Recount(3_218_266, 3_253_942, 509_668_992),
        **CIFAR,
        **TPU,
    ),
    "amoebanet_a_4_50": cells(
        "AmoebaNet-A (4, 50), mobile",
        published.AMOEBANET_A,
        4,
        50,
        Figures(_AMOEBANET, "5.1M", "555M", "74.5 / 92.0"),
        Recount(5_086_930, 5_122_936, 554_687_204),
        **TPU,
    ),
    "amoebanet_a_6_190": cells(
        "AmoebaNet-A (6, 190)",
        published.AMOEBANET_A,
        6,
        190,
        Figures(_AMOEBANET, "86.7M", "23.1B", "82.8 / 96.1"),
        Recount(86_718_797, 86_908_673, 23_133_663_507),
        image_size=331,
        **TPU,
    ),
    "amoebanet_a_6_448": cells(
        "AmoebaNet-A (6, 448)",
        published.AMOEBANET_A,
        6,
        448,
        Figures(_AMOEBANET, "469M", "104B", "83.9 / 96.6"),
        Recount(468_151_184, 468_598_856, 126_520_757_776),
        image_size=331,
        note="On images of 299 x 299 it has 103.9B multiply-adds.",
        **TPU,
    ),
    "amoebanet_b_6_36": cells(
        "AmoebaNet-B (6, 36), CIFAR-10",
        published.AMOEBANET_B,
        6,
        36,
        Figures(_AMOEBANET, "2.8M", None, "with cutout, error 2.55"),
        Recount(2_839_186, 2_873_458, 454_925_952),
        **CIFAR,
        **TPU,
    ),
    "amoebanet_b_3_62": cells(
        "AmoebaNet-B (3, 62), mobile",
        published.AMOEBANET_B,
        3,
        62,
        Figures(_AMOEBANET, "5.3M", "555M", "74.0 / 91.5"),
        Recount(5_258_700, 5_291_750, 555_060_408),
        **TPU,
    ),
    "amoebanet_b_6_512": cells(
        "AmoebaNet-B (6, 512), GPipe",
        published.AMOEBANET_B,
        6,
        512,
        Figures(_GPIPE, "557M", None, "84.3 / 97.0"),
        Recount(557_277_864, 557_765_480, 298_794_036_064),
        image_size=480,
        **TPU,
    ),
    "amoebanet_c_4_50": cells(
        "AmoebaNet-C (4, 50), mobile",
        published.AMOEBANET_C,
        4,
        50,
        Figures(_AMOEBANET, "6.4M", "570M", "75.7 / 92.4"),
        Recount(6_353_815, 6_397_613, 676_936_592),
        **TPU,
    ),
    "amoebanet_c_6_228": cells(
        "AmoebaNet-C (6, 228), AutoAugment",
        published.AMOEBANET_C,
        6,
        228,
        Figures(_AUTOAUGMENT, "155M", "41B", "83.5 / 96.5"),
        Recount(155_272_667, 155_548_839, 41_129_488_875),
        image_size=331,
        **TPU,
    ),
    "amoebanet_d_6_256": cells(
        "AmoebaNet-D (6, 256)",
        published.AMOEBANET_D,
        6,
        256,
        Figures(_TPU_CODE),
        Recount(121_911_016, 122_115_464, 26_964_901_216),
        image_size=299,
        note="The size is the default of the TPU code; no count was published.",
        **TPU,
    ),
}
