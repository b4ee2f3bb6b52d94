"""The operations of a block, one Keras layer class each.

`OPERATIONS` maps the names that genotypes use to the classes: the paper's in
the order of its list (section 3), then those that published cells and the
spaces of other papers need.
"""

from nasnet_keras.layers.operations.base import Operation
from nasnet_keras.layers.operations.convolution import (
    Convolution1x1,
    Convolution1x3Then3x1,
    Convolution1x7Then7x1,
    Convolution3x3,
    DilatedConvolution3x3,
)
from nasnet_keras.layers.operations.identity import Identity
from nasnet_keras.layers.operations.pooling import (
    AveragePooling3x3,
    MaxPooling2x2,
    MaxPooling3x3,
    MaxPooling5x5,
    MaxPooling7x7,
)
from nasnet_keras.layers.operations.separable_convolution import (
    DilatedSeparableConvolution3x3,
    DilatedSeparableConvolution5x5,
    SeparableConvolution3x3,
    SeparableConvolution5x5,
    SeparableConvolution7x7,
)
from nasnet_keras.layers.operations.zero import Zero

# The layer of each operation, by the name that genotypes use.
OPERATIONS: dict[str, type[Operation]] = {
    "identity": Identity,
    "conv_1x3_3x1": Convolution1x3Then3x1,
    "conv_1x7_7x1": Convolution1x7Then7x1,
    "dil_conv_3x3": DilatedConvolution3x3,
    "avg_pool_3x3": AveragePooling3x3,
    "max_pool_3x3": MaxPooling3x3,
    "max_pool_5x5": MaxPooling5x5,
    "max_pool_7x7": MaxPooling7x7,
    "conv_1x1": Convolution1x1,
    "conv_3x3": Convolution3x3,
    "sep_conv_3x3": SeparableConvolution3x3,
    "sep_conv_5x5": SeparableConvolution5x5,
    "sep_conv_7x7": SeparableConvolution7x7,
    "max_pool_2x2": MaxPooling2x2,
    "dil_sep_conv_3x3": DilatedSeparableConvolution3x3,
    "dil_sep_conv_5x5": DilatedSeparableConvolution5x5,
    "none": Zero,
}

__all__ = [
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
    "Operation",
    "SeparableConvolution3x3",
    "SeparableConvolution5x5",
    "SeparableConvolution7x7",
    "Zero",
]
