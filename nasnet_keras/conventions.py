"""The points on which the published implementations differ."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import keras


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

    def __post_init__(self) -> None:
        for argument, known in _CHOICES.items():
            value = getattr(self, argument)
            if value not in known:
                raise ValueError(
                    f"Invalid value for argument `{argument}`. Expected one "
                    f"of {', '.join(known)}. Received: {argument}={value!r}."
                )

    @property
    def channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    @property
    def spatial_axes(self) -> tuple[int, int]:
        return (1, 2) if self.data_format == "channels_last" else (2, 3)

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(
        cls, data: "Conventions | Mapping[str, Any] | None"
    ) -> "Conventions":
        """Conventions of themselves, of their `to_dict`, or the defaults."""
        if isinstance(data, Conventions):
            return data
        return cls(**(data or {}))


_CHOICES: dict[str, tuple[str, ...]] = {
    "convolution_form": ("plain", "bottleneck"),
    "pool_padding": ("same", "zeros"),
    "data_format": ("channels_last", "channels_first"),
}
