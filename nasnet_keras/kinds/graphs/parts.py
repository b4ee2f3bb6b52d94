"""Steps of graphs, as tables of latencies have them: `StepPart`."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Self

import pydantic

from nasnet_keras.deployment.latency.parts import Count, LatencyPart
from nasnet_keras.graph_nodes import (
    Concatenation,
    Convolution,
    GraphNode,
    Step,
    Sum,
    state_channels,
)
from nasnet_keras.layers.operation_graph import OperationGraph, units_of
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.network.complexity import units_complexity
from nasnet_keras.network.skeletons import divided


@dataclass(frozen=True)
class StepPart(LatencyPart):
    """A step of a graph, and what it reads.

    Attributes:
        step: What it computes.
        height, width: Of the states that it reads.
        channels: Of each of these.
    """

    step: Annotated[Step, pydantic.Field(discriminator="step")]
    height: Count
    width: Count
    channels: Annotated[tuple[Count, ...], pydantic.Field(min_length=1)]

    @classmethod
    def of_network(
        cls, kind: Any, architecture: Any, setting: Mapping[str, Any]
    ) -> list[Self]:
        given = dict(setting)
        _, channels, size = kind.image(given.pop("input_shape"), given)
        del given["classes"]
        found = []
        for graph in kind.planned(architecture, given):
            states, sizes = state_channels(graph.nodes, channels), [size]
            for step, reads, _ in graph.nodes:
                size = sizes[reads[0]]
                read = tuple(states[state] for state in reads)
                if not _passes_on(step, read):
                    found.append(cls(step, size[0], size[1], read))
                sizes.append(divided(size, (step.strides, step.strides)))
            channels, size = states[-1], sizes[-1]
        return found

    @property
    def reads(self) -> tuple[int, ...]:
        return self.channels

    @property
    def work(self) -> int:
        """Its multiply-adds, or, if it has none, the values that it reads."""
        (channels, *_), size = self.channels, (self.height, self.width)
        state_channels([self._node], channels)  # do these fit?
        units = units_of(self.step, channels)
        if units:
            return units_complexity(units, channels, size).multiply_adds
        return self.height * self.width * sum(self.channels)

    @property
    def alike(self) -> tuple[Hashable, ...]:
        step: Any = self.step
        if isinstance(step, Convolution) and step.filters is not None:
            step = replace(step, filters=1)
        elif isinstance(step, Sum):
            step = Sum()
        place = (step, self.height, self.width)
        several = (*place, "several")  # what cuts a state that it reads alone
        return (several,) if len(self.channels) > 1 else (place, several)

    def copy(
        self, shapes: Sequence[Any], conventions: Conventions
    ) -> Callable[..., Any]:
        graph = OperationGraph([self._node], conventions=conventions)
        graph.build(tuple(shapes[0]))
        return lambda *states: graph.node_output(0, states, training=False)

    @property
    def _node(self) -> GraphNode:
        return GraphNode(self.step, (0,) * len(self.channels))


def _passes_on(step: Any, channels: tuple[int, ...]) -> bool:
    """Whether a step joins a single state, as it is."""
    match step:
        case Concatenation() | Sum(channels=None):
            return len(channels) == 1
        case Sum(channels=most):
            return channels == (most,)
    return False
