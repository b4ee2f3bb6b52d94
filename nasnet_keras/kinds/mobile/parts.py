"""Layers of mobile networks, as tables of latencies have them:
`MobilePart`."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from nasnet_keras.deployment.latency.parts import Count, LatencyPart
from nasnet_keras.kinds.mobile.architecture import IDENTITY, MobileBlock
from nasnet_keras.kinds.mobile.network import Plan, PlannedLayer
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.network.complexity import units_complexity
from nasnet_keras.network.skeletons import Size, divided

NO_SKIP = "none"


@dataclass(frozen=True)
class MobilePart(LatencyPart):
    """A layer of a block, the stem or the head: a convolution of 3x3 and one
    of 1x1.

    Attributes:
        operator, kernel_size, squeeze_ratio, skip, filters: Of its block; the
            skip is `"none"` where none fits.
        strides: Its own.
        height, width, channels: Of what it reads.
        activation: Of the network.
    """

    operator: str
    kernel_size: int
    squeeze_ratio: float
    skip: str
    strides: int
    height: Count
    width: Count
    channels: Count
    filters: Count
    activation: str

    @classmethod
    def of_network(
        cls, kind: Any, architecture: Any, setting: Mapping[str, Any]
    ) -> list[Self]:
        given = dict(setting)
        shape, classes = given.pop("input_shape"), given.pop("classes")
        plan = Plan(architecture, shape, classes, given)
        architecture = plan.architecture
        size = plan.stack.known_size()
        stem = MobileBlock(
            "convolution",
            architecture.stem_filters,
            strides=architecture.stem_strides,
            skip=NO_SKIP,
        )
        head = MobileBlock(
            "convolution", architecture.head_filters, 1, skip=NO_SKIP
        )
        layers = [
            PlannedLayer("", stem, plan.stack.image_channels, stem.strides),
            *plan.layers,
            PlannedLayer("", head, architecture.blocks[-1].filters, 1),
        ]
        found = []
        for layer in layers:
            found.append(cls._of_layer(layer, size, architecture.activation))
            size = divided(size, (layer.strides, layer.strides))
        return found

    @classmethod
    def _of_layer(
        cls, layer: PlannedLayer, size: Size, activation: str
    ) -> Self:
        block = layer.block
        fits = layer.channels == block.filters and not (
            block.skip == "identity" and layer.strides > 1
        )
        part = cls(
            block.operator,
            block.kernel_size,
            float(block.squeeze_ratio),
            block.skip if fits else NO_SKIP,
            layer.strides,
            *size,
            layer.channels,
            block.filters,
            activation,
        )
        if block.operator == IDENTITY:
            part = replace(part, kernel_size=1, squeeze_ratio=0.0, skip=NO_SKIP)
        return part

    @property
    def planned(self) -> PlannedLayer:
        block = MobileBlock(
            self.operator,
            self.filters,
            self.kernel_size,
            strides=self.strides,
            squeeze_ratio=self.squeeze_ratio,
            skip=self.skip,
        )
        return PlannedLayer("layer", block, self.channels, self.strides)

    @property
    def reads(self) -> tuple[int, ...]:
        return (self.channels,)

    @property
    def work(self) -> int:
        """Its multiply-adds."""
        return units_complexity(
            self.planned.units, self.channels, (self.height, self.width)
        ).multiply_adds

    @property
    def alike(self) -> tuple[Hashable, ...]:
        """What a skip adds that was met nowhere is little."""
        same = replace(self, channels=0, filters=0)
        return (same, replace(same, skip=NO_SKIP))

    def copy(
        self, shapes: Sequence[Any], conventions: Conventions
    ) -> Callable[..., Any]:
        layer = self.planned.layer(self.activation, conventions)
        layer.build(tuple(shapes[0]))
        return lambda state: layer(state, training=False)
