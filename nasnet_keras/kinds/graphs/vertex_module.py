"""The modules of NAS-Bench-101 as data: `VertexModule`."""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

from nasnet_keras.graph_nodes import Convolution, Edge, Pool, Step, on_paths
from nasnet_keras.quotation import quoted

# Operation of a vertex -> its step for a number of filters.
VERTEX_OPERATIONS: dict[str, Callable[[int], Step]] = {
    "conv1x1-bn-relu": lambda filters: Convolution(filters),
    "conv3x3-bn-relu": lambda filters: Convolution(filters, 3),
    "maxpool3x3": lambda filters: Pool("maximum", strides=1),
}
MAX_VERTICES = 7
MAX_EDGES = 9  # between vertices on a path from the input to the output
MAX_LENGTH = 300  # of a text


@dataclass(frozen=True)
class VertexModule:
    """A module of vertices that read each other, the first its input, the
    last its output.

    Any such vertices are a module: what is not on a path from the input to
    the output is left out, as NAS-Bench-101 does, and what its table has not
    is made one of it, see `pruned`.

    Args:
        reads: Of each vertex but the first, the vertices before it that it
            reads, ascending.
        operations: Of each vertex between the first and the last, a key of
            `VERTEX_OPERATIONS`.

    Raises:
        ValueError: There are not 2 to 7 vertices, one reads what is not
            before it, or an operation is unknown.

    Example:

    >>> module = VertexModule(((0,), (0, 1)), ("maxpool3x3",))
    >>> module.text
    '011/001/000 input maxpool3x3 output'
    >>> VertexModule.from_text(module.text) == module
    True
    """

    reads: tuple[tuple[int, ...], ...]
    operations: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "reads", tuple(map(tuple, self.reads)))
        object.__setattr__(self, "operations", tuple(self.operations))
        if (
            not 1 <= len(self.reads) < MAX_VERTICES
            or len(self.operations) != len(self.reads) - 1
            or not set(self.operations) <= set(VERTEX_OPERATIONS)
            or any(
                sorted(set(row) & set(range(vertex))) != list(row)
                for vertex, row in enumerate(self.reads, start=1)
            )
        ):
            raise ValueError(
                f"Invalid module. Expected 2 to {MAX_VERTICES} vertices that "
                "read vertices before them, the inner ones with an operation "
                f"of {', '.join(VERTEX_OPERATIONS)}. Received: "
                f"reads={quoted(self.reads)}, "
                f"operations={quoted(self.operations)}."
            )

    @property
    def edges(self) -> list[Edge]:
        """The edges, each from a vertex to a later vertex, in the order of the
        later vertices."""
        return [
            (source, vertex)
            for vertex, row in enumerate(self.reads, start=1)
            for source in row
        ]

    @functools.cached_property
    def pruned(self) -> "VertexModule":
        """The module that is built: a valid one of NAS-Bench-101.

        It has only the edges on paths from the input to the output, and the
        vertices of these edges. If there is no path, the output reads the
        input. If there are more than nine edges, edges are left out until
        there are nine: each time the last edge without which a path remains.
        """
        last = len(self.reads)
        edges = on_paths(self.edges, 0, last) or [(0, last)]
        while len(edges) > MAX_EDGES:
            for left_out in reversed(edges):
                others = [edge for edge in edges if edge != left_out]
                rest = on_paths(others, 0, last)
                if rest:
                    edges = rest
                    break
        kept = [0, *sorted({vertex for _, vertex in edges})]
        return VertexModule(
            tuple(
                tuple(
                    number
                    for number, source in enumerate(kept)
                    if (source, vertex) in edges
                )
                for vertex in kept[1:]
            ),
            tuple(self.operations[vertex - 1] for vertex in kept[1:-1]),
        )

    @property
    def text(self) -> str:
        """The rows of the matrix of edges, and the labels of the vertices, as
        NAS-Bench-101 has them."""
        count = len(self.reads) + 1
        edges = set(self.edges)
        rows = [
            "".join(str(int((source, to) in edges)) for to in range(count))
            for source in range(count)
        ]
        return " ".join(["/".join(rows), "input", *self.operations, "output"])

    @classmethod
    def from_text(cls, text: str) -> "VertexModule":
        """The inverse of `text`.

        Raises:
            ValueError: The text is of another form.
        """
        module = None
        if isinstance(text, str) and re.fullmatch(
            r"[01/]+ input( [^ ]+)* output", text[:MAX_LENGTH]
        ):
            matrix, _, *operations, _ = text.split(" ")
            rows = matrix.split("/")
            try:
                module = cls(
                    tuple(
                        tuple(
                            source
                            for source, row in enumerate(rows)
                            if row[vertex : vertex + 1] == "1"
                        )
                        for vertex in range(1, len(rows))
                    ),
                    tuple(operations),
                )
            except ValueError:
                module = None
        if module is None or module.text != text:
            raise ValueError(
                "Invalid value for argument `text`. Expected a matrix of "
                f"edges and the labels of 2 to {MAX_VERTICES} vertices such as "
                "'011/001/000 input maxpool3x3 output', with operations of "
                f"{', '.join(VERTEX_OPERATIONS)}. Received: {quoted(text)}."
            )
        return module
