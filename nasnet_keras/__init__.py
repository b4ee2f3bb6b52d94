"""The networks of NASNet for Keras.

Example:

>>> import nasnet_keras
>>> model = nasnet_keras.build_network(
...     nasnet_keras.NASNET_A, input_shape=(32, 32, 3), repeats=1, filters=8
... )
>>> model.save("nasnet.keras")
>>> nasnet_keras.load_model("nasnet.keras").output_shape
(None, 10)

Names are imported when they are first used: genotypes need neither Keras nor
TensorFlow. Imported before TensorFlow, the package switches oneDNN on; see
`nasnet_keras.processor`.
"""

import importlib
from typing import Any

from nasnet_keras.processor import enable_onednn

_MODULES = {
    "nasnet_keras.deployment.classifier": ("as_classifier", "classify"),
    "nasnet_keras.deployment.export": ("export",),
    "nasnet_keras.deployment.fuse": ("fuse_for_inference",),
    "nasnet_keras.deployment.latency.latency_table": ("LatencyTable",),
    "nasnet_keras.deployment.latency.measurement": ("measure_latency",),
    "nasnet_keras.drawing.draw": ("draw_cell", "draw_genotype"),
    "nasnet_keras.genotype": ("Block", "CellSpec", "Genotype"),
    "nasnet_keras.genotype_formats": ("read_genotype", "write_genotype"),
    "nasnet_keras.layers.auxiliary_head": ("AuxiliaryHead",),
    "nasnet_keras.layers.cell": ("Cell",),
    "nasnet_keras.layers.parts.channel_gather": ("ChannelGather",),
    "nasnet_keras.layers.class_names": ("ClassNames",),
    "nasnet_keras.layers.combiners": (
        "COMBINERS",
        "Add",
        "AddInstanceNorm",
        "AddLayerNorm",
        "Concatenate",
    ),
    "nasnet_keras.layers.parts.conventions": ("Conventions",),
    "nasnet_keras.layers.parts.drop_path": ("DropPath",),
    "nasnet_keras.layers.parts.factorized_reduction": ("FactorizedReduction",),
    "nasnet_keras.layers.inverted_residual": (
        "InvertedResidual",
        "ResidualConvolution",
    ),
    "nasnet_keras.layers.operation_graph": ("OperationGraph",),
    "nasnet_keras.layers.operations": (
        "OPERATIONS",
        "AveragePooling3x3",
        "Convolution1x1",
        "Convolution1x3Then3x1",
        "Convolution1x7Then7x1",
        "Convolution3x3",
        "DilatedConvolution3x3",
        "DilatedSeparableConvolution3x3",
        "DilatedSeparableConvolution5x5",
        "Identity",
        "MaxPooling2x2",
        "MaxPooling3x3",
        "MaxPooling5x5",
        "MaxPooling7x7",
        "SeparableConvolution3x3",
        "SeparableConvolution5x5",
        "SeparableConvolution7x7",
        "Zero",
    ),
    "nasnet_keras.layers.parts.squeeze_excite": ("SqueezeExcite",),
    "nasnet_keras.network.build": ("build_network", "load_model"),
    "nasnet_keras.network.complexity": (
        "Complexity",
        "genotype_complexity",
    ),
    "nasnet_keras.network.model_cost": ("multiply_adds",),
    "nasnet_keras.published": (
        "AMOEBANET_A",
        "AMOEBANET_A_DARTS",
        "AMOEBANET_B",
        "AMOEBANET_C",
        "AMOEBANET_D",
        "DARTS_V1",
        "DARTS_V2",
        "ENAS_MICRO",
        "NASNET_A",
        "NASNET_A_FIGURE",
        "NASNET_B",
        "NASNET_C",
        "PNASNET_5",
    ),
    "nasnet_keras.training.data.datasets": ("load_dataset",),
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
