"""MnasNet."""

from typing import Any

from nasnet_keras.kinds import mobile
from zoo.preset import Figures, Preset, Recount

_MNASNET = "https://arxiv.org/abs/1807.11626"

# Batch norms of tensorflow/tpu, `mnasnet_models.py`.
_MOBILE: dict[str, Any] = {"kind": "mobile", "batch_norm": (0.99, 1e-3)}

PRESETS: dict[str, Preset] = {
    "mnasnet_a1": Preset(
        "MnasNet-A1",
        mobile.MNASNET_A1,
        Figures(_MNASNET, "3.9M", "312M", "75.2 / 92.5"),
        Recount(3_887_038, 3_920_526, 311_579_072),
        **_MOBILE,
    ),
    "mnasnet_b1": Preset(
        "MnasNet-B1",
        mobile.MNASNET_B1,
        Figures(_MNASNET, "4.4M", "315M"),
        Recount(4_383_312, 4_421_232, 314_415_872),
        **_MOBILE,
    ),
    "mnasnet_small": Preset(
        "MnasNet-small",
        mobile.MNASNET_SMALL,
        Figures(_MNASNET, "2.0M", "68M", "66"),
        Recount(2_030_264, 2_047_192, 68_339_184),
        **_MOBILE,
    ),
}
