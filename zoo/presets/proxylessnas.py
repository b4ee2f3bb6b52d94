"""ProxylessNAS."""

from typing import Any

from nasnet_keras.kinds import mobile
from zoo.preset import Figures, Preset, Recount

_PROXYLESSNAS = (
    "https://arxiv.org/abs/1812.00332; accuracy: logs of "
    "https://github.com/mit-han-lab/proxylessnas"
)

# Batch norms of mit-han-lab/proxylessnas.
_MOBILE: dict[str, Any] = {"kind": "mobile", "batch_norm": (0.9, 1e-3)}

PRESETS: dict[str, Preset] = {
    "proxylessnas_cpu": Preset(
        "ProxylessNAS, CPU",
        mobile.PROXYLESSNAS_CPU,
        Figures(_PROXYLESSNAS, accuracy="75.29 / 92.39"),
        Recount(4_361_648, 4_396_736, 439_243_864),
        **_MOBILE,
    ),
    "proxylessnas_gpu": Preset(
        "ProxylessNAS, GPU",
        mobile.PROXYLESSNAS_GPU,
        Figures(_PROXYLESSNAS, accuracy="75.08 / 92.54"),
        Recount(7_119_848, 7_165_368, 465_260_160),
        **_MOBILE,
    ),
    "proxylessnas_mobile": Preset(
        "ProxylessNAS, mobile",
        mobile.PROXYLESSNAS_MOBILE,
        Figures(_PROXYLESSNAS, accuracy="74.59 / 92.20"),
        Recount(4_080_512, 4_115_008, 320_427_584),
        **_MOBILE,
    ),
}
