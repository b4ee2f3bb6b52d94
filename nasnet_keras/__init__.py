"""The networks of NASNet for Keras.

Example:

>>> import nasnet_keras
>>> model = nasnet_keras.build_network(
...     nasnet_keras.NASNET_A, input_shape=(32, 32, 3), repeats=2, filters=8
... )
>>> model.save("nasnet.keras")
>>> model = nasnet_keras.load_model("nasnet.keras")

Names are imported when they are first used: genotypes need neither Keras nor
TensorFlow. Imported before TensorFlow, the package switches oneDNN on; see
`nasnet_keras.processor`.
"""

import importlib
from typing import Any

from nasnet_keras.processor import enable_onednn

_MODULES = {
    "nasnet_keras.complexity": (
        "Complexity",
        "genotype_complexity",
        "multiply_adds",
    ),
    "nasnet_keras.conventions": ("Conventions",),
    "nasnet_keras.deployment.export": ("export",),
    "nasnet_keras.deployment.fuse": ("fuse_for_inference",),
    "nasnet_keras.deployment.latency": ("LatencyTable", "measure_latency"),
    "nasnet_keras.drawing": ("draw_cell", "draw_genotype"),
    "nasnet_keras.genotype": ("Block", "CellSpec", "Genotype"),
    "nasnet_keras.network": ("build_network", "load_model"),
    "nasnet_keras.published": ("NASNET_A",),
    "nasnet_keras.training.datasets": ("load_dataset",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOMES)

enable_onednn()


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nasnet_keras' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
