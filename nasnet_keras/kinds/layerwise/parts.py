"""Layers of networks given layer by layer, as tables of latencies have them:
`LayerwisePart`."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self

import pydantic
from keras import ops

from nasnet_keras.deployment.latency.parts import Count, LatencyPart
from nasnet_keras.kinds.layerwise.architecture import ConvolutionLayer
from nasnet_keras.kinds.layerwise.network import Plan, unit_of
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.network.complexity import units_complexity


@dataclass(frozen=True)
class LayerwisePart(LatencyPart):
    """A layer, with the concatenation of what it reads.

    Attributes:
        kernel_size, strides, filters: Its own.
        height, width: Of what it reads.
        channels: Of each output that it reads.
    """

    kernel_size: tuple[int, int]
    strides: tuple[int, int]
    filters: int
    height: Count
    width: Count
    channels: Annotated[tuple[Count, ...], pydantic.Field(min_length=1)]

    @classmethod
    def of_network(
        cls, kind: Any, architecture: Any, setting: Mapping[str, Any]
    ) -> list[Self]:
        given = dict(setting)
        shape, classes = given.pop("input_shape"), given.pop("classes")
        plan = Plan(architecture, shape, classes, given)
        return [
            cls(
                layer.kernel_size,
                layer.strides,
                layer.filters,
                *read.size,
                tuple(plan.channels[source] for source, _ in read.padded),
            )
            for layer, read in zip(
                architecture.layers, plan.inputs, strict=True
            )
        ]

    @property
    def reads(self) -> tuple[int, ...]:
        return self.channels

    @property
    def work(self) -> int:
        """Its multiply-adds."""
        return units_complexity(
            [unit_of(self._layer)],
            sum(self.channels),
            (self.height, self.width),
        ).multiply_adds

    @property
    def alike(self) -> tuple[Hashable, ...]:
        return ((self.kernel_size, self.strides, self.height, self.width),)

    def copy(
        self, shapes: Sequence[Any], conventions: Conventions
    ) -> Callable[..., Any]:
        layer, axis = (
            unit_of(self._layer).layer(conventions),
            conventions.channel_axis,
        )
        shape = list(shapes[0])
        shape[axis] = sum(self.channels)
        layer.build(tuple(shape))

        def call(*states: Any) -> Any:
            joined = ops.concatenate(states, axis) if states[1:] else states[0]
            return ops.relu(layer(joined, training=False))

        return call

    @property
    def _layer(self) -> ConvolutionLayer:
        return ConvolutionLayer(
            self.kernel_size, self.filters, strides=self.strides
        )
