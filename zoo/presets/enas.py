"""ENAS, micro search."""

from nasnet_keras import published
from zoo.preset import Figures, Preset, Recount
from zoo.presets.settings import CIFAR, FACTORIZED, cells

_ENAS = "https://arxiv.org/abs/1802.03268"

PRESETS: dict[str, Preset] = {
    "enas_micro": cells(
        "ENAS micro, CIFAR-10",
        published.ENAS_MICRO,
        5,
        36,
        Figures(_ENAS, "4.6M", None, "with cutout, error 2.89"),
        Recount(3_894_372, 3_939_300, 620_907_552),
        frame="enas",
        note=(
            "The cells of the authors' script, in the stack of their code: "
            "15 layers and 2 reductions."
        ),
        **CIFAR,
        **FACTORIZED,
    ),
}
