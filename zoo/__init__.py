"""Published networks by name.

Example:

>>> import zoo
>>> zoo.list_models("nasnet_*e")
['nasnet_large', 'nasnet_mobile']
>>> model = zoo.create_model("nasnet_a_cifar_nano", classes=37)
>>> model.output_shape
(None, 37)

Names are imported when they are first used.
"""

import importlib
from typing import Any

_MODULES = {
    "zoo.cells": ("plot_cell",),
    "zoo.comparison": ("table",),
    "zoo.models": (
        "AmoebaNetA",
        "CondenseNet74",
        "MnasNetA1",
        "MnasNetB1",
        "MnasNetSmall",
        "MobileNetV2",
        "NASNetCIFAR",
        "NASNetCIFARNano",
        "NASNetLarge",
        "NASNetMobile",
        "PNASNet5Large",
        "PNASNet5Mobile",
        "ProxylessNASCPU",
        "ProxylessNASGPU",
        "ProxylessNASMobile",
        "SENet154",
        "SEResNet50",
        "ShuffleNetV1",
        "ShuffleNetV2",
        "create_model",
        "list_models",
    ),
    "zoo.preprocessing": (
        "CIFAR10_CLASSES",
        "decode_predictions",
        "preprocess_input",
    ),
    "zoo.preset": ("Preset",),
    "zoo.presets": ("PRESETS",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOMES)

# Before Keras, for oneDNN.
importlib.import_module("nasnet_keras")


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
