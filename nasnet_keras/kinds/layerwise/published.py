"""The published network, `NAS_V1`."""

from nasnet_keras.kinds.layerwise.architecture import (
    ConvolutionLayer,
    LayerwiseArchitecture,
)

# The network of 15 layers in figure 7 of Zoph and Le (2017), `v1` in their
# table 1. The search that found it had no strides and no
# pools. With 10 classes it has
# 4,201,630 trainable parameters; the paper says 4.2 million.
NAS_V1 = LayerwiseArchitecture(
    (
        ConvolutionLayer((3, 3), 36),
        ConvolutionLayer((3, 3), 48, (1,)),
        ConvolutionLayer((3, 3), 36, (1, 2)),
        ConvolutionLayer((5, 5), 36, (1, 2, 3)),
        ConvolutionLayer((3, 7), 48, (3, 4)),
        ConvolutionLayer((7, 7), 48, (2, 3, 4, 5)),
        ConvolutionLayer((7, 7), 48, (2, 3, 4, 5, 6)),
        ConvolutionLayer((7, 3), 36, (1, 6, 7)),
        ConvolutionLayer((7, 1), 36, (1, 5, 6, 8)),
        ConvolutionLayer((7, 7), 36, (1, 3, 4, 5, 6, 7, 8, 9)),
        ConvolutionLayer((5, 7), 36, (1, 2, 5, 6, 7, 8, 9, 10)),
        ConvolutionLayer((7, 7), 48, (1, 2, 3, 4, 6, 11)),
        ConvolutionLayer((7, 5), 48, (1, 3, 6, 7, 8, 9, 10, 11, 12)),
        ConvolutionLayer((7, 5), 48, (3, 7, 12, 13)),
        ConvolutionLayer((7, 5), 48, (6, 7, 11, 12, 13, 14)),
    )
)
