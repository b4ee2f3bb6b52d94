"""Mobile networks, stacks of inverted residuals: `MobileBlock`,
`MobileArchitecture`, their kind, and the published ones.

References:
    [MobileNetV2](https://arxiv.org/abs/1801.04381),
    [MnasNet](https://arxiv.org/abs/1807.11626),
    [ProxylessNAS](https://arxiv.org/abs/1812.00332).

Neither Keras nor TensorFlow is imported here before a network is built.
"""

from nasnet_keras.kinds.mobile.architecture import (
    IDENTITY,
    OPERATORS,
    SKIPS,
    MobileArchitecture,
    MobileBlock,
    rounded,
)
from nasnet_keras.kinds.mobile.kind import MobileKind
from nasnet_keras.kinds.mobile.published import (
    MNASNET_A1,
    MNASNET_B1,
    MNASNET_SMALL,
    MOBILENET_V2,
    PROXYLESSNAS_CPU,
    PROXYLESSNAS_GPU,
    PROXYLESSNAS_MOBILE,
)

__all__ = [
    "IDENTITY",
    "MNASNET_A1",
    "MNASNET_B1",
    "MNASNET_SMALL",
    "MOBILENET_V2",
    "OPERATORS",
    "PROXYLESSNAS_CPU",
    "PROXYLESSNAS_GPU",
    "PROXYLESSNAS_MOBILE",
    "SKIPS",
    "MobileArchitecture",
    "MobileBlock",
    "MobileKind",
    "rounded",
]
