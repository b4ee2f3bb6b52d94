"""The networks of hierarchical motifs: `HierarchicalKind`.

Neither Keras nor TensorFlow is imported here before a network is built.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nasnet_keras.graph_nodes import (
    Concatenation,
    Convolution,
    Edge,
    GraphNode,
    GraphNodes,
)
from nasnet_keras.kinds.graphs.kind import GraphKind, PlannedGraph
from nasnet_keras.kinds.graphs.motif_hierarchy import (
    PRIMITIVES,
    MotifHierarchy,
    edges_of,
    live_edges,
    separable,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class HierarchicalKind(GraphKind):
    """A `MotifHierarchy`: its cell, repeated in three stages, with a separable
    convolution behind each, the last of a stage with strides 2.

    Convolutions have batch norm and ReLU behind them. A 1x1 convolution
    behind each motif brings it to the filters of its stage. A cell without a
    path from its first node to its last passes on what it reads.

    Reference:
        [Liu et al. 2018](https://arxiv.org/abs/1711.00436).

    Example:

    >>> from nasnet_keras.kinds.graphs.motif_hierarchy import LIU_2018
    >>> kind = HierarchicalKind()
    >>> kind.complexity(LIU_2018, (32, 32, 3), 10).trainable_parameters
    15727306
    """

    name = "hierarchical"
    published = {"repeats": 2, "filters": 64}
    scale = {"repeats": 1, "filters": 8}

    def to_data(self, architecture: MotifHierarchy) -> Any:
        return architecture.text

    def from_data(self, data: Any) -> MotifHierarchy:
        return MotifHierarchy.from_text(data)

    def text(self, architecture: MotifHierarchy) -> str:
        """A line per motif, one for the cell, each with its edges."""
        names = {letter: name for letter, (name, _) in PRIMITIVES.items()}
        lines = [
            f"motif {number} = {_edges(motif, names)}"
            for number, motif in enumerate(architecture.motifs, start=1)
        ]
        return "\n".join([*lines, f"cell = {_edges(architecture.cell, {})}"])

    def pictures(self, architecture: MotifHierarchy) -> "dict[str, Figure]":
        """The cell and the motifs that are used, in the order of `reduced`."""
        from nasnet_keras.drawing.graph import draw_edges

        short = architecture.reduced
        cell = {
            edge: f"motif {letter}"
            for edge, letter in live_edges(short.cell).items()
        }
        pictures = {"cell": draw_edges(cell, "concat", (), _nodes(cell))}
        for number, motif in enumerate(short.motifs, start=1):
            edges = {
                edge: PRIMITIVES[letter][0]
                for edge, letter in live_edges(motif).items()
            }
            pictures[f"motif_{number}"] = draw_edges(
                edges, "concat", ("identity",), _nodes(edges)
            )
        return pictures

    def plan(
        self, architecture: MotifHierarchy, repeats: int, filters: int
    ) -> Sequence[PlannedGraph]:
        graphs = [PlannedGraph("stem", (GraphNode(Convolution(filters, 3)),))]
        for stage in range(3):
            cell = cell_nodes(architecture, filters)
            for number in range(repeats):
                halves = stage < 2 and number == repeats - 1
                filters *= 1 + halves
                last = separable(filters, 2 if halves else 1)
                nodes = [
                    GraphNode(step, (state,))
                    for state, step in enumerate(last, start=len(cell))
                ]
                name = f"stage_{stage + 1}_cell_{number + 1}"
                graphs.append(PlannedGraph(name, (*cell, *nodes)))
        return graphs


def _edges(text: str, names: Mapping[str, str]) -> str:
    nodes = next(n for n in range(2, 99) if len(edges_of(n)) == len(text))
    return ", ".join(
        f"{source}-{node} {names.get(letter, letter)}"
        for (source, node), letter in zip(edges_of(nodes), text, strict=True)
    )


def _nodes(edges: Mapping[Edge, str]) -> list[int]:
    """The first node, and those of the edges."""
    return sorted({1, *(node for edge in edges for node in edge)})


def cell_nodes(
    architecture: MotifHierarchy, filters: int
) -> tuple[GraphNode, ...]:
    """The nodes of a graph that computes a cell; its last is the output."""
    short = architecture.reduced
    nodes = GraphNodes()

    def primitive(letter: str, state: int) -> int:
        _, steps = PRIMITIVES[letter]
        for step in steps(filters):
            state = nodes.add(step, state)
        return state

    def motif(number: str, state: int) -> int:
        edges = live_edges(short.motifs[int(number) - 1])
        output = _concatenated(nodes, edges, primitive, state)
        return nodes.add(Convolution(filters), output)

    output = _concatenated(nodes, live_edges(short.cell), motif, 0)
    if output != len(nodes.table) or not output:
        nodes.add(Concatenation(), output)
    return nodes.table


def _concatenated(
    nodes: GraphNodes,
    edges: Mapping[Edge, str],
    operate: Callable[[str, int], int],
    state: int,
) -> int:
    """The state of the last node of a motif or a cell that reads a state."""
    states = {1: state}
    for node in sorted({node for _, node in edges}):
        reads = tuple(
            operate(letter, states[source])
            for (source, to), letter in sorted(edges.items())
            if to == node
        )
        if len(reads) == 1:
            (states[node],) = reads
        else:
            states[node] = nodes.add(Concatenation(), *reads)
    return states[max(states)]
