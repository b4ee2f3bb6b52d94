"""The points on which the published implementations differ."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import keras

from nasnet_keras.layers.parts.activations import ACTIVATIONS
from nasnet_keras.layers.parts.batch_normalization import (
    BatchNormalization,
    Bias,
    NoNormalization,
)
from nasnet_keras.quotation import quoted


@dataclass(frozen=True)
class Conventions:
    """How the layers of a network compute, where its sources disagree.

    Args:
        convolution_form: `"plain"`: each convolution of an operation is ReLU,
            convolution, batch norm (paper A.4). `"bottleneck"`: the wide
            convolutions run at a reduced width between two 1x1 convolutions
            (the TPU code of AmoebaNet). Default `"plain"`.
        pool_padding: `"same"`: strided pools leave the padding out of
            averages and maxima (TF-slim). `"zeros"`: they pool over explicit
            zeros (keras.applications). Default `"same"`.
        bn_momentum: Momentum of the moving statistics. Default 0.9 (TF-slim
            on CIFAR); published ImageNet networks: 0.9997.
        bn_epsilon: Default 1e-5 (TF-slim on CIFAR); ImageNet: 1e-3.
        data_format: `"channels_last"` or `"channels_first"`. Default: that
            of the Keras configuration.
        strided_identity: What halves a state in the place of an identity.
            `"convolution"`: a 1x1 convolution (TF-slim). `"factorized"`: a
            factorized reduction (DARTS, ENAS). Default `"convolution"`.
        normalization: `"batch"`: batch norm. `"bias"`: a bias in the place of
            each batch norm, and one convolution in that of each factorized
            reduction: the networks of `fuse_for_inference`. `"none"`:
            nothing. Default `"batch"`.
        strided_padding: Where the zeros are around a map that a convolution
            halves. `"same"`: one more behind than before, if they are odd
            (TensorFlow). `"symmetric"`: as many on all sides (PyTorch,
            Caffe); the size is the same. Default `"same"`.
        activation: Of cells: what comes before each convolution of an
            operation, and before the classifier, a key of `ACTIVATIONS`. Other
            networks have one of their own, and refuse another. Default
            `"relu"` (paper A.4).

    Raises:
        ValueError: A value is not among those named here.
    """

    convolution_form: Literal["plain", "bottleneck"] = "plain"
    pool_padding: Literal["same", "zeros"] = "same"
    bn_momentum: float = 0.9
    bn_epsilon: float = 1e-5
    data_format: str = dataclasses.field(
        default_factory=lambda: keras.config.image_data_format()
    )
    strided_identity: Literal["convolution", "factorized"] = "convolution"
    normalization: Literal["batch", "bias", "none"] = "batch"
    strided_padding: Literal["same", "symmetric"] = "same"
    activation: Literal["relu", "relu6", "swish", "hard_swish"] = "relu"

    def __post_init__(self) -> None:
        for argument, known in _CHOICES.items():
            value = getattr(self, argument)
            if value not in known:
                raise ValueError(
                    f"Invalid value for argument `{argument}`. Expected one "
                    f"of {', '.join(known)}. Received: "
                    f"{argument}={quoted(value)}."
                )

        if not (
            isinstance(self.bn_momentum, int | float)
            and isinstance(self.bn_epsilon, int | float)
            and 0 <= self.bn_momentum <= 1
            and self.bn_epsilon > 0
        ):
            raise ValueError(
                "Invalid value for argument `bn_momentum` or `bn_epsilon`. "
                "Expected a momentum from 0 to 1 and a positive epsilon. "
                f"Received: bn_momentum={quoted(self.bn_momentum)}, "
                f"bn_epsilon={quoted(self.bn_epsilon)}."
            )

    @property
    def channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    @property
    def spatial_axes(self) -> tuple[int, int]:
        return (1, 2) if self.data_format == "channels_last" else (2, 3)

    @property
    def kernel_initializer(self) -> keras.initializers.Initializer:
        """Variance scaling, factor 2, fan-out (TF-slim, `nasnet.py`)."""
        return keras.initializers.VarianceScaling(
            2.0, "fan_out", "truncated_normal"
        )

    def activate(self, states: Any) -> Any:
        """The activation of hidden states."""
        return ACTIVATIONS[self.activation](states)

    def activation_layer(self, name: str) -> keras.layers.Layer:
        """The same as a layer of a network."""
        return keras.layers.Activation(ACTIVATIONS[self.activation], name=name)

    def batch_norm(self, **kwargs: Any) -> keras.layers.Layer:
        """A batch norm over the channels, or what stands for it, not
        built."""
        if self.normalization == "bias":
            return Bias(axis=self.channel_axis, **kwargs)
        if self.normalization == "none":
            return NoNormalization(**kwargs)
        return BatchNormalization(
            axis=self.channel_axis,
            momentum=self.bn_momentum,
            epsilon=self.bn_epsilon,
            **kwargs,
        )

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def output_shape(
        self, input_shape: Any, filters: int, strides: tuple[int, int]
    ) -> tuple[int | None, ...]:
        """The shape after a SAME operation with these filters and strides."""
        shape = list(input_shape)
        for axis, stride in zip(self.spatial_axes, strides, strict=True):
            if shape[axis] is not None:
                shape[axis] = -(-shape[axis] // stride)
        shape[self.channel_axis] = filters
        return tuple(shape)

    @classmethod
    def from_dict(
        cls, data: "Conventions | Mapping[str, Any] | None"
    ) -> "Conventions":
        """Conventions of themselves, of their `to_dict`, or the defaults.

        Raises:
            ValueError: There is a name that conventions do not have.
        """
        if isinstance(data, Conventions):
            return data
        known = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(data or {}, Mapping) or set(data or {}) - known:
            raise ValueError(
                "Invalid value for argument `conventions`. Expected a "
                f"`Conventions` or a dict of some of {sorted(known)}. "
                f"Received: conventions={quoted(data)}."
            )
        return cls(**(data or {}))

    @classmethod
    def of_no_cells(
        cls, data: "Conventions | Mapping[str, Any] | None"
    ) -> "Conventions":
        """As `from_dict`, of a network whose architecture says its
        activation.

        Raises:
            ValueError: The conventions have another.
        """
        conventions = cls.from_dict(data)
        if conventions.activation != cls.activation:
            raise ValueError(
                "Invalid value for argument `conventions`. Expected no "
                "activation, which is a convention of cells alone; other "
                "architectures have their own. Received: "
                f"activation={conventions.activation}."
            )
        return conventions


_CHOICES: dict[str, tuple[str, ...]] = {
    "convolution_form": ("plain", "bottleneck"),
    "pool_padding": ("same", "zeros"),
    "strided_identity": ("convolution", "factorized"),
    "normalization": ("batch", "bias", "none"),
    "strided_padding": ("same", "symmetric"),
    "data_format": ("channels_last", "channels_first"),
    "activation": tuple(ACTIVATIONS),
}
