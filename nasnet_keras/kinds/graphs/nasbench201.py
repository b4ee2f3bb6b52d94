"""The networks of NAS-Bench-201: `NASBench201Kind`.

Neither Keras nor TensorFlow is imported here before a network is built.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nasnet_keras.graph_nodes import (
    Activation,
    Convolution,
    GraphNode,
    GraphNodes,
    Normalization,
    Pool,
    Sum,
)
from nasnet_keras.kinds.graphs.edge_cell import EDGE_OPERATIONS, EdgeCell
from nasnet_keras.kinds.graphs.kind import GraphKind, PlannedGraph

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class NASBench201Kind(GraphKind):
    """An `EdgeCell`, repeated in three stages with residual blocks between.

    Reference:
        [Dong and Yang 2020](https://arxiv.org/abs/2001.00326), as
        D-X-Y/AutoDL-Projects builds it. What no output hears of is built and
        counted too, as there.

    Example:

    >>> cell = EdgeCell.from_text(
    ...     "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0"
    ...     "|nor_conv_3x3~1|nor_conv_1x1~2|"
    ... )
    >>> kind = NASBench201Kind()
    >>> kind.complexity(cell, (32, 32, 3), 10).trainable_parameters
    1073466
    """

    name = "nasbench201"
    published = {"repeats": 5, "filters": 16}
    scale = {"repeats": 1, "filters": 16}

    def to_data(self, architecture: EdgeCell) -> Any:
        return architecture.text

    def from_data(self, data: Any) -> EdgeCell:
        return EdgeCell.from_text(data)

    def text(self, architecture: EdgeCell) -> str:
        """A line per node: the sum of what it reads."""
        return "\n".join(
            f"{number} = "
            + " + ".join(f"{name}({node})" for node, name in enumerate(row))
            for number, row in enumerate(architecture.operations, start=1)
        )

    def pictures(self, architecture: EdgeCell) -> "dict[str, Figure]":
        """The cell, without `none`."""
        from nasnet_keras.drawing.graph import draw_edges

        edges = {
            (source, node): name
            for node, row in enumerate(architecture.operations, start=1)
            for source, name in enumerate(row)
            if name != "none"
        }
        nodes = range(1 + len(architecture.operations))
        return {"cell": draw_edges(edges, "add", ("skip_connect",), nodes)}

    def plan(
        self, architecture: EdgeCell, repeats: int, filters: int
    ) -> Sequence[PlannedGraph]:
        stem = Convolution(filters, 3, activated=False)
        graphs = [PlannedGraph("stem", (GraphNode(stem),))]
        for stage in range(3):
            if stage:
                filters *= 2
                graphs.append(
                    PlannedGraph(f"reduction_{stage}", _residual(filters))
                )
            nodes = cell_nodes(architecture, filters)
            graphs += [
                PlannedGraph(f"stage_{stage + 1}_cell_{number + 1}", nodes)
                for number in range(repeats)
            ]
        return [*graphs, PlannedGraph("head", (GraphNode(Normalization()),))]


def cell_nodes(cell: EdgeCell, filters: int) -> tuple[GraphNode, ...]:
    """The nodes of a graph that computes a cell."""
    nodes, states = GraphNodes(), [0]
    activated: dict[int, int] = {}  # what convolutions read, by the state
    for row in cell.operations:
        reads = []
        for state, name in zip(states, row, strict=True):
            operation = EDGE_OPERATIONS[name]
            if operation is not None:
                step = operation(filters)
                if isinstance(step, Convolution):
                    if state not in activated:
                        activated[state] = nodes.add(Activation(), state)
                    state = activated[state]
                state = nodes.add(step, state)
            reads.append(state)
        states.append(nodes.add(Sum(), *reads))
    return nodes.table


def _residual(filters: int) -> tuple[GraphNode, ...]:
    nodes = GraphNodes()
    state = nodes.add(Activation())
    state = nodes.add(Convolution(filters, 3, 2, activated=False), state)
    state = nodes.add(Activation(), state)
    state = nodes.add(Convolution(filters, 3, activated=False), state)
    beside = nodes.add(Pool("average", 2))
    project = Convolution(filters, normalized=False, activated=False)
    nodes.add(Sum(), state, nodes.add(project, beside))
    return nodes.table
