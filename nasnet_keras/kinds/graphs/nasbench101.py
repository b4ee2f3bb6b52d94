"""The networks of NAS-Bench-101: `NASBench101Kind`.

Neither Keras nor TensorFlow is imported here before a network is built.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nasnet_keras.graph_nodes import (
    Concatenation,
    Convolution,
    GraphNode,
    GraphNodes,
    Pool,
    Sum,
)
from nasnet_keras.kinds.graphs.kind import GraphKind, PlannedGraph
from nasnet_keras.kinds.graphs.vertex_module import (
    VERTEX_OPERATIONS,
    VertexModule,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class NASBench101Kind(GraphKind):
    """A `VertexModule`, repeated in three stages with pools between.

    Reference:
        [Ying et al. 2019](https://arxiv.org/abs/1902.09635), as
        google-research/nasbench builds it. What is built is
        `VertexModule.pruned`.

    Example:

    >>> module = VertexModule(((0,), (0, 1)), ("conv3x3-bn-relu",))
    >>> kind = NASBench101Kind()
    >>> kind.complexity(module, (32, 32, 3), 10).trainable_parameters
    11051402
    """

    name = "nasbench101"
    published = {"repeats": 3, "filters": 128}
    scale = {"repeats": 1, "filters": 16}

    def to_data(self, architecture: VertexModule) -> Any:
        return architecture.text

    def from_data(self, data: Any) -> VertexModule:
        return VertexModule.from_text(data)

    def text(self, architecture: VertexModule) -> str:
        """A line per vertex: what it applies to the sum of what it reads."""
        labels = [*architecture.operations, "output"]
        return "\n".join(
            f"{vertex} = {label}({', '.join(map(str, reads))})"
            for vertex, (label, reads) in enumerate(
                zip(labels, architecture.reads, strict=True), start=1
            )
        )

    def pictures(self, architecture: VertexModule) -> "dict[str, Figure]":
        """The module that is built."""
        from nasnet_keras.drawing.graph import GraphBox, draw_graph

        module = architecture.pruned
        labels = [*module.operations, "output"]
        boxes = [
            GraphBox(label, reads, label.replace("maxpool", "max_pool"))
            for label, reads in zip(labels, module.reads, strict=True)
        ]
        return {"module": draw_graph([GraphBox("input"), *boxes])}

    def plan(
        self, architecture: VertexModule, repeats: int, filters: int
    ) -> Sequence[PlannedGraph]:
        graphs = [PlannedGraph("stem", (GraphNode(Convolution(filters, 3)),))]
        for stage in range(3):
            if stage:
                filters *= 2
                pool = (GraphNode(Pool("maximum", 2)),)
                graphs.append(PlannedGraph(f"reduction_{stage}", pool))
            nodes = module_nodes(architecture.pruned, filters)
            graphs += [
                PlannedGraph(f"stage_{stage + 1}_module_{number + 1}", nodes)
                for number in range(repeats)
            ]
        return graphs


def vertex_filters(module: VertexModule, filters: int) -> list[int]:
    """The channels of each inner vertex.

    Those that the output reads share its channels, the first ones one more
    where these do not divide; every other has as many as the widest that
    reads it.

    Args:
        module: A pruned module.
        filters: The channels of the output.

    Raises:
        ValueError: There are fewer than vertices to share them.

    Example:

    >>> module = VertexModule(((0,), (0, 1), (0, 2)), ("maxpool3x3",) * 2)
    >>> vertex_filters(module, 16)
    [16, 16]
    """
    *inner, output = module.reads
    sharing = [vertex for vertex in output if vertex]
    if filters < len(sharing):
        raise ValueError(
            "Invalid value for argument `filters`. Expected at least one for "
            f"each of the {len(sharing)} vertices that the output reads. "
            f"Received: filters={filters}."
        )
    widths = [0] * (len(inner) + 1)
    for place, vertex in enumerate(sharing):
        share, more = divmod(filters, len(sharing))
        widths[vertex] = share + (place < more)
    for vertex in range(len(inner), 0, -1):
        if vertex not in sharing:
            widths[vertex] = max(
                widths[reader]
                for reader in range(vertex + 1, len(inner) + 1)
                if vertex in inner[reader - 1]
            )
    return widths[1:]


def module_nodes(module: VertexModule, filters: int) -> tuple[GraphNode, ...]:
    """The nodes of a graph that computes a pruned module."""
    nodes, states = GraphNodes(), [0]

    def projected(width: int) -> int:
        return nodes.add(Convolution(width))

    *inner, output = module.reads
    for reads, name, width in zip(
        inner, module.operations, vertex_filters(module, filters), strict=True
    ):
        terms = [
            states[vertex] if vertex else projected(width) for vertex in reads
        ]
        total = nodes.add(Sum(width), *terms)
        states.append(nodes.add(VERTEX_OPERATIONS[name](width), total))
    joined = tuple(states[vertex] for vertex in output if vertex)
    terms = [nodes.add(Concatenation(), *joined)] if joined else []
    if 0 in output:
        terms.append(projected(filters))
    nodes.add(Sum(filters), *terms)
    return nodes.table
