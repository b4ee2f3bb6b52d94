"""A part of a network as a table. A `GraphNode` is a row; the steps are what a
row may compute.

The layer is in `nasnet_keras.layers.operation_graph`.
`nasnet_keras.network.complexity` counts its costs. Units of several branches
are written as `nasnet_keras.units.Unit`, which knows its nodes.

Neither Keras nor TensorFlow is imported here.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, NamedTuple

import pydantic
from pydantic import Field
from pydantic.dataclasses import dataclass

MAX_NUMBER = 10_000  # of filters, and of groups of channels
MAX_CHANNELS = 1_000_000  # of a state, which may be a concatenation

STRICT = pydantic.ConfigDict(extra="forbid")
Count = Annotated[int, Field(strict=True, ge=1, le=MAX_NUMBER)]
Flag = Annotated[bool, Field(strict=True)]
Side = Literal[1, 3, 5, 7]
Stride = Literal[1, 2]
# From a node to a later one.
Edge = tuple[int, int]


class _Step:
    """What all steps have; most have one of each."""

    strides: int = 1

    def output_channels(self, *channels: int) -> int:
        """Those that it makes, given those that it reads.

        Raises:
            ValueError: These do not fit.
        """
        return channels[0]

    def _divided(self, channels: int, parts: int) -> int:
        if channels % parts:
            raise ValueError(
                "Numbers of channels do not fit. Expected a multiple of "
                f"{parts}. Received: {channels} channels for {self}."
            )
        return channels // parts


@dataclass(frozen=True, config=STRICT)
class Convolution(_Step):
    """A convolution.

    Args:
        filters: The channels of the output. Default None: a depthwise
            convolution, whose output has the channels of the input.
        kernel_size: Height and width of the kernel: 1, 3, 5 or 7. Default 1.
        strides: 1, or 2 to halve height and width. Default 1.
        groups: The number of groups. Each group of filters reads its own group
            of channels. Default 1.
        normalized: Whether a batch norm follows. Default True.
        activated: Whether an activation follows at the end. Default True.
    """

    filters: Count | None = None
    kernel_size: Side = 1
    strides: Stride = 1
    groups: Count = 1
    normalized: Flag = True
    activated: Flag = True
    step: Literal["convolution"] = "convolution"

    def output_channels(self, *channels: int) -> int:
        made = self.filters or channels[0]
        self._divided(channels[0], self.groups)
        self._divided(made, self.groups)
        return made


@dataclass(frozen=True, config=STRICT)
class Normalization(_Step):
    """A batch norm and an activation, before a convolution."""

    step: Literal["normalization"] = "normalization"


@dataclass(frozen=True, config=STRICT)
class Activation(_Step):
    """An activation alone."""

    step: Literal["activation"] = "activation"


@dataclass(frozen=True, config=STRICT)
class Pool(_Step):
    """A pool.

    Args:
        kind: `"average"` or `"maximum"`.
        size: Height and width of the window, 2 or 3. Default 3.
        padding: `"same"`: what is padded counts for nothing (TensorFlow; for
            even sizes Caffe). `"zeros"`: a row of zeros is on all sides, and
            counts (PyTorch, where no state is negative); of size 3 alone.
            Default `"same"`.
        strides: 2 to halve height and width, or 1. Default 2.

    Raises:
        ValueError: Zeros are asked for on all sides of a window of 2.
    """

    kind: Literal["average", "maximum"]
    size: Literal[2, 3] = 3
    padding: Literal["same", "zeros"] = "same"
    strides: Stride = 2
    step: Literal["pool"] = "pool"

    def __post_init__(self) -> None:
        if self.padding == "zeros" and self.size == 2:
            raise ValueError(
                "Invalid value for argument `padding`. Expected 'same' with "
                "windows of 2. Received: 'zeros'."
            )


@dataclass(frozen=True, config=STRICT)
class Shuffle(_Step):
    """A channel shuffle: the first channel of each group, then the second.

    Args:
        groups: How many groups there are.
    """

    groups: Count
    step: Literal["shuffle"] = "shuffle"

    def output_channels(self, *channels: int) -> int:
        return self._divided(channels[0], self.groups) * self.groups


@dataclass(frozen=True, config=STRICT)
class Squeeze(_Step):
    """A squeeze-and-excite.

    Args:
        ratio: The channels between its two convolutions, as a share of those
            that come in. Default 1/16, SENet's.
    """

    ratio: Annotated[float, Field(gt=0, le=1)] = 1 / 16
    step: Literal["squeeze"] = "squeeze"

    def squeezed(self, channels: int) -> int:
        """The channels between the two."""
        return max(1, int(channels * self.ratio))


@dataclass(frozen=True, config=STRICT)
class Gather(_Step):
    """Some of the channels in another order, which is a weight that no
    training changes: what a learned group convolution keeps.

    Args:
        share: How many of the channels. Default 1.
        groups: Those of the convolution that reads them: at first each has
            channels from everywhere. Default 1.
    """

    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    groups: Count = 1
    step: Literal["gather"] = "gather"

    def output_channels(self, *channels: int) -> int:
        return max(1, int(channels[0] * self.share))


@dataclass(frozen=True, config=STRICT)
class Split(_Step):
    """One of equal shares of the channels.

    Args:
        number: Which, from 0.
        shares: How many there are.
    """

    number: Annotated[int, Field(strict=True, ge=0)]
    shares: Count
    step: Literal["split"] = "split"

    def __post_init__(self) -> None:
        if self.number >= self.shares:
            raise ValueError(
                f"Expected the number of one of {self.shares} shares, from 0. "
                f"Received: {self.number}."
            )

    def output_channels(self, *channels: int) -> int:
        return self._divided(channels[0], self.shares)


@dataclass(frozen=True, config=STRICT)
class Drop(_Step):
    """Where a path is dropped in training, see `DropPath`; the layer knows
    how often."""

    step: Literal["drop"] = "drop"


@dataclass(frozen=True, config=STRICT)
class Zeros(_Step):
    """Zeros in the shape of what is read."""

    step: Literal["zeros"] = "zeros"


@dataclass(frozen=True, config=STRICT)
class Sum(_Step):
    """The sum of all that is read.

    Args:
        channels: To how many of their first channels all are cut; none has
            fewer. Default None: to none, they have equally many.
    """

    channels: Count | None = None
    step: Literal["sum"] = "sum"

    def output_channels(self, *channels: int) -> int:
        if self.channels is None:
            expected, fits = "equal ones", len(set(channels)) == 1
        else:
            expected = f"at least {self.channels}"
            fits = min(channels) >= self.channels
        if not fits:
            raise ValueError(
                f"Numbers of channels do not fit. Expected {expected} where "
                f"branches are added. Received: {channels} channels."
            )
        return self.channels or channels[0]


@dataclass(frozen=True, config=STRICT)
class Concatenation(_Step):
    """Concatenates the channels of all states that the node reads."""

    step: Literal["concatenation"] = "concatenation"

    def output_channels(self, *channels: int) -> int:
        return sum(channels)


Step = (
    Convolution
    | Normalization
    | Activation
    | Pool
    | Shuffle
    | Squeeze
    | Gather
    | Split
    | Drop
    | Zeros
    | Sum
    | Concatenation
)


class GraphNode(NamedTuple):
    """A node of a graph.

    State 0 is the graph's input, state i what node i - 1 makes; the last one
    is the output.

    Attributes:
        step: What it computes.
        reads: The states that it reads: several if it adds or concatenates.
        label: The end of the name of its layer. Default: its number.
    """

    step: Annotated[Step, Field(discriminator="step")]
    reads: tuple[int, ...] = (0,)
    label: str = ""


class GraphNodes:
    """A graph that is written node by node.

    Example:

    >>> nodes = GraphNodes()
    >>> half = nodes.add(Pool("maximum"))
    >>> nodes.add(Concatenation(), half, half)
    2
    >>> len(nodes.table)
    2
    """

    def __init__(self) -> None:
        self._nodes: list[GraphNode] = []

    def add(self, step: Step, *reads: int, label: str = "") -> int:
        """The state that a new node makes; it reads 0 by default."""
        self._nodes.append(GraphNode(step, reads or (0,), label))
        return len(self._nodes)

    @property
    def table(self) -> tuple[GraphNode, ...]:
        """All of them."""
        return tuple(self._nodes)


def state_channels(nodes: Sequence[GraphNode], channels: int) -> list[int]:
    """The channels of all states of a graph.

    Args:
        nodes: The graph.
        channels: Those of its input.

    Raises:
        ValueError: They do not fit a step, or the strides of branches that
            meet differ.

    Example:

    >>> state_channels([GraphNode(Convolution(4)), GraphNode(Split(0, 2))], 8)
    [8, 4, 4]
    """
    states, strides = [channels], [1]
    for node in nodes:
        read = [states[state] for state in node.reads]
        divided = sorted({strides[state] for state in node.reads})
        if len(divided) > 1:
            raise ValueError(
                "Strides do not fit. Expected branches that divide height and "
                "width alike where they meet. Received: branches that divide "
                f"them by {' and '.join(map(str, divided))}."
            )
        strides.append(divided[0] * node.step.strides)
        states.append(node.step.output_channels(*read))
        if states[-1] > MAX_CHANNELS:
            raise ValueError(
                "Numbers of channels do not fit. Expected at most "
                f"{MAX_CHANNELS:,}. Received: {states[-1]:,} channels of "
                f"{node.step}."
            )
    return states


def on_paths(edges: Iterable[Edge], first: int, last: int) -> list[Edge]:
    """The edges, in their order, on paths from one node to another.

    Args:
        edges: In the order of the nodes that they lead to.
        first: The node that paths begin with.
        last: The node that they end with.

    Example:

    >>> on_paths([(0, 1), (0, 2), (1, 3)], first=0, last=3)
    [(0, 1), (1, 3)]
    """
    edges = list(edges)
    reached, leading = {first}, {last}
    for source, node in edges:
        if source in reached:
            reached.add(node)
    for source, node in reversed(edges):
        if node in leading:
            leading.add(source)
    return [
        (source, node)
        for source, node in edges
        if source in reached and node in leading
    ]
