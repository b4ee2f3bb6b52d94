"""The published networks as data, a family a file: `PRESETS`.

Figures are those of the papers as they print them; a recount is what
`nasnet_keras.network.complexity` counts.
"""

from zoo.preset import Preset
from zoo.presets import amoebanet, darts, enas, nasnet, pnasnet

PRESETS: dict[str, Preset] = {
    **nasnet.PRESETS,
    **pnasnet.PRESETS,
    **amoebanet.PRESETS,
    **enas.PRESETS,
    **darts.PRESETS,
}
