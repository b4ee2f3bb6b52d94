"""The published networks as data, a family a file: `PRESETS`.

Figures are those of the papers as they print them; a recount is what the
`complexity` of their kind counts.
"""

from zoo.preset import Preset
from zoo.presets import (
    amoebanet,
    darts,
    enas,
    mnasnet,
    mobilenet,
    nasnet,
    pnasnet,
    proxylessnas,
)
from zoo.presets.companions import condensenet, senet, shufflenet

# Every published network, by the name that `create_model` takes.
PRESETS: dict[str, Preset] = {
    **nasnet.PRESETS,
    **pnasnet.PRESETS,
    **amoebanet.PRESETS,
    **enas.PRESETS,
    **darts.PRESETS,
    **mobilenet.PRESETS,
    **mnasnet.PRESETS,
    **proxylessnas.PRESETS,
    **senet.PRESETS,
    **shufflenet.PRESETS,
    **condensenet.PRESETS,
}
