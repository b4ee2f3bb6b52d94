"""A part of a network as a table: `GraphNode`, a row each, and what a row may
compute, `GRAPH_OPERATIONS`.

Neither Keras nor TensorFlow is imported here.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

# From a node to a later one.
Edge = tuple[int, int]


class GraphOperation(NamedTuple):
    """What a node of a graph computes.

    Attributes:
        form: A convolution, ordinary, depthwise, or depthwise and pointwise; a
            batch norm alone, a pool, or how what is read is joined.
        size: The side of the kernel or of the window.
        relu: Where a ReLU stands: before or behind, or nowhere.
        normalised: Whether a convolution has a batch norm; there is no bias.
    """

    form: Literal[
        "convolution",
        "depthwise",
        "separable",
        "norm",
        "average",
        "maximum",
        "add",
        "concat",
        "zeros",
    ]
    size: int = 1
    relu: Literal["nowhere", "before", "behind"] = "nowhere"
    normalised: bool = True


GRAPH_OPERATIONS: dict[str, GraphOperation] = {
    "conv_3x3": GraphOperation("convolution", 3),
    "linear_1x1": GraphOperation("convolution", 1, normalised=False),
    "relu_conv_1x1": GraphOperation("convolution", 1, "before"),
    "relu_conv_3x3": GraphOperation("convolution", 3, "before"),
    "conv_1x1_relu": GraphOperation("convolution", 1, "behind"),
    "conv_3x3_relu": GraphOperation("convolution", 3, "behind"),
    "depthwise_3x3_relu": GraphOperation("depthwise", 3, "behind"),
    "separable_3x3_relu": GraphOperation("separable", 3, "behind"),
    "norm_relu": GraphOperation("norm", relu="behind"),
    "avg_pool_2x2": GraphOperation("average", 2),
    "avg_pool_3x3": GraphOperation("average", 3),
    "max_pool_2x2": GraphOperation("maximum", 2),
    "max_pool_3x3": GraphOperation("maximum", 3),
    "add": GraphOperation("add"),
    "concat": GraphOperation("concat"),
    "zeros": GraphOperation("zeros"),
}


CONVOLUTIONS = ("convolution", "depthwise", "separable")


class GraphNode(NamedTuple):
    """A node of a graph of operations.

    State 0 is the graph's input, state i what node i - 1 makes; the last one
    is the output.

    Attributes:
        operation: A key of `GRAPH_OPERATIONS`.
        reads: The states that it reads: several if it adds or concatenates.
        filters: Of a convolution, the channels of its output; of an `add`, to
            how many of their first channels all that is read is cut, 0 for
            none to cut.
        strides: 1, or 2 to halve height and width.
    """

    operation: str
    reads: tuple[int, ...] = (0,)
    filters: int = 0
    strides: int = 1

    def channels(self, states: "list[int]") -> int:
        """Those of what it makes.

        Args:
            states: The channels of the states before it.
        """
        form = GRAPH_OPERATIONS[self.operation].form
        if form == "concat":
            return sum(states[state] for state in self.reads)
        if self.filters and form in ("convolution", "separable", "add"):
            return self.filters
        return states[self.reads[0]]


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
