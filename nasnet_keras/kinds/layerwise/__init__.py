"""Networks given layer by layer: `ConvolutionLayer`,
`LayerwiseArchitecture`, their kind, and the published one, `NAS_V1`.

Reference:
    [Zoph and Le 2017](https://arxiv.org/abs/1611.01578), section 3.

Neither Keras nor TensorFlow is imported here before a network is built.
"""

from nasnet_keras.kinds.layerwise.architecture import (
    ConvolutionLayer,
    LayerwiseArchitecture,
)
from nasnet_keras.kinds.layerwise.kind import LayerwiseKind
from nasnet_keras.kinds.layerwise.published import NAS_V1

__all__ = [
    "NAS_V1",
    "ConvolutionLayer",
    "LayerwiseArchitecture",
    "LayerwiseKind",
]
