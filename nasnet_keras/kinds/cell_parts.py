"""Operations of cells, as tables of latencies have them: `CellPart`."""

import dataclasses
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Annotated, Any, Self

import pydantic
from keras import ops

from nasnet_keras.deployment.latency.parts import Count, LatencyPart
from nasnet_keras.layers.combiners import COMBINERS
from nasnet_keras.layers.operations import OPERATIONS
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.layers.parts.convolution_unit import ConvolutionBatchNorm
from nasnet_keras.layers.parts.factorized_reduction import FactorizedReduction
from nasnet_keras.network.placed_operations import (
    ADJUSTMENT,
    OUTPUT,
    network_operations,
)
from nasnet_keras.network.plan import NetworkPlan
from nasnet_keras.quotation import quoted

NAMES = (*OPERATIONS, *COMBINERS, ADJUSTMENT, OUTPUT)


def _known(name: str) -> str:
    if name not in NAMES:
        raise ValueError(
            f"Expected one of {', '.join(NAMES)}. Received: {quoted(name)}"
        )
    return name


@dataclasses.dataclass(frozen=True)
class CellPart(LatencyPart):
    """A `PlacedOperation`, with its attributes."""

    name: Annotated[str, pydantic.AfterValidator(_known)]
    height: Count
    width: Count
    channels: Count
    filters: Count
    strides: Annotated[int, pydantic.Field(ge=1, le=2)] = 1

    @classmethod
    def of_network(
        cls, kind: Any, architecture: Any, setting: Mapping[str, Any]
    ) -> list[Self]:
        plan = _plan(architecture, setting)
        return [
            cls(**dataclasses.asdict(place))
            for place in network_operations(plan)
        ]

    @property
    def reads(self) -> tuple[int, ...]:
        if self.name in COMBINERS:
            return (self.channels, self.channels)
        if self.name == OUTPUT:
            return (self.filters,) * (self.channels // self.filters)
        return (self.channels,)

    @property
    def work(self) -> int:
        """The filters are the same among those that are alike."""
        return self.channels

    @property
    def alike(self) -> tuple[Hashable, ...]:
        return (dataclasses.replace(self, channels=0),)

    def copy(
        self, shapes: Sequence[Any], conventions: Conventions
    ) -> Callable[..., Any]:
        if self.name == OUTPUT:
            axis = conventions.channel_axis
            return lambda *states: ops.concatenate(states, axis=axis)
        if self.name in COMBINERS:
            combiner = COMBINERS[self.name](conventions=conventions)
            combiner.build([tuple(shape) for shape in shapes])
            return lambda *states: combiner(states)
        layer: Any
        if self.name != ADJUSTMENT:
            layer = OPERATIONS[self.name](
                self.filters, self.strides, conventions=conventions
            )
        elif self.strides == 2:
            layer = FactorizedReduction(self.filters, conventions=conventions)
        else:
            layer = ConvolutionBatchNorm(
                self.filters, (1, 1), conventions=conventions
            )
        layer.build(tuple(shapes[0]))
        if self.name == ADJUSTMENT:
            return lambda state: layer(
                conventions.activate(state), training=False
            )
        return lambda state: layer(state, training=False)


def _plan(genotype: Any, arguments: Mapping[str, Any]) -> NetworkPlan:
    """The plan of a network of cells, of which the table has all parts."""
    known = {each.name for each in dataclasses.fields(NetworkPlan)}
    given = {**arguments}
    ratio = given.pop("squeeze_excite", 0)
    if ratio:
        raise ValueError(
            "Invalid value for argument `squeeze_excite`. Expected 0: tables "
            f"of latencies have none. Received: squeeze_excite={quoted(ratio)}."
        )
    if unknown := sorted({*given} - known):
        raise ValueError(
            "Invalid value for the setting of networks. Expected some of "
            f"{', '.join(sorted(known))}. Received: {', '.join(unknown)}."
        )
    conventions = Conventions.from_dict(given.pop("conventions", None))
    return NetworkPlan(genotype, **{**given, "conventions": conventions})
