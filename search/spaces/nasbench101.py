"""The space of NAS-Bench-101: `NASBench101Space`.

Neither Keras nor TensorFlow is imported here.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from nasnet_keras.kinds.graphs.vertex_module import (
    MAX_VERTICES,
    VERTEX_OPERATIONS,
    VertexModule,
)
from nasnet_keras.quotation import quoted
from search.spaces.base import Decision, SearchSpace
from search.spaces.graph_features import edge_features
from search.trial import Decisions

OPERATIONS = tuple(VERTEX_OPERATIONS)


class NASBench101Space(SearchSpace):
    """Modules of up to seven vertices and nine edges: a vertex decides which
    of those before it to read, and the inner ones an operation; a group per
    vertex.

    Every vector is a module: of one that NAS-Bench-101 would refuse,
    `VertexModule.pruned` says what is built. Of random vectors it would
    refuse 27 %.

    Reference:
        [Ying et al. 2019](https://arxiv.org/abs/1902.09635).

    Args:
        vertices: The most that there may be, input and output among them, 3
            to 7. Default 7, the paper's.

    Raises:
        ValueError: `vertices` is out of range.

    Example:

    >>> space = NASBench101Space(vertices=3)
    >>> len(space.decisions), space.size
    (4, 24)
    >>> space.to_key((1, 2, 0, 1))
    '010/001/000 input maxpool3x3 output'
    """

    name = "nasbench101"
    version = 1
    kind_name = "nasbench101"
    same_costs = False

    def __init__(self, vertices: int = MAX_VERTICES) -> None:
        if type(vertices) is not int or not 3 <= vertices <= MAX_VERTICES:
            raise ValueError(
                "Invalid value for argument `vertices`. Expected an integer "
                f"from 3 to {MAX_VERTICES}. Received: "
                f"vertices={quoted(vertices)}."
            )
        self.vertices = vertices
        self.decisions = tuple(
            decision
            for vertex in range(1, vertices)
            for decision in self._vertex_decisions(vertex)
        )

    def _vertex_decisions(self, vertex: int) -> list[Decision]:
        group = vertex - 1
        decisions = [
            Decision(f"{vertex}/reads_{source}", ("no", "yes"), "input", group)
            for source in range(vertex)
        ]
        if vertex < self.vertices - 1:
            decisions.append(
                Decision(f"{vertex}/operation", OPERATIONS, "operation", group)
            )
        return decisions

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "version": self.version,
            "vertices": self.vertices,
        }

    def decode(self, decisions: Decisions) -> VertexModule:
        self.check(decisions)
        choices, reads, operations = iter(decisions), [], []
        for vertex in range(1, self.vertices):
            row = [next(choices) for _ in range(vertex)]
            reads.append(tuple(at for at, read in enumerate(row) if read))
            if vertex < self.vertices - 1:
                operations.append(OPERATIONS[next(choices)])
        return VertexModule(tuple(reads), tuple(operations))

    def encode(self, architecture: VertexModule) -> Decisions:
        """Of a module of fewer vertices, those that it lacks read nothing
        and are read by none."""
        *inner, output = architecture.reads
        if len(inner) > self.vertices - 2:
            raise ValueError(
                "Invalid value for argument `architecture`. Expected at most "
                f"{self.vertices} vertices. Received: {len(inner) + 2}."
            )
        decisions: list[int] = []
        for vertex in range(1, self.vertices - 1):
            known = vertex <= len(inner)
            reads = inner[vertex - 1] if known else ()
            name = architecture.operations[vertex - 1] if known else None
            decisions += [int(source in reads) for source in range(vertex)]
            decisions.append(OPERATIONS.index(name) if name else 0)
        last = range(self.vertices - 1)
        return (*decisions, *(int(source in output) for source in last))

    def covering(self) -> Iterator[Decisions]:
        """Of each operation a chain, whose vertices have the most channels;
        modules in which one, two and more vertices share them, with and
        without the input beside them; and sums of two states and more, of the
        fewest and of the most channels."""
        inner = range(1, self.vertices - 1)
        for name in OPERATIONS:
            yield self._module([(v - 1,) for v in inner], name, inner[-1:])
            for sharing in inner:
                beside = [(0,) for _ in inner]
                read = inner[:sharing]
                yield self._module(beside, name, read)
                yield self._module(beside, name, (0, *read))
                # A sum of all that share, and one within each number of them.
                joined = [*beside[:sharing], tuple(read)]
                after = (sharing + 1,)
                if sharing + 1 in inner:
                    rest = [(0,) for _ in inner[sharing + 1 :]]
                    yield self._module([*joined, *rest], name, after)
                chain = [(0,), (0, 1), *((v - 1,) for v in inner[2:])]
                yield self._module(chain[: len(inner)], name, read)

    def _module(
        self, reads: Sequence[Any], name: str, output: Any
    ) -> Decisions:
        return self.encode(VertexModule((*reads, output), (name,) * len(reads)))

    def to_key(self, decisions: Decisions) -> str:
        """The matrix of edges and the labels of the vertices."""
        return self.decode(decisions).text

    def from_key(self, key: str) -> Decisions:
        return self.encode(VertexModule.from_text(key))

    def canonical(self, decisions: Decisions) -> Decisions:
        """The module that is built, its vertices in the first order (by what
        they read and their operations) that keeps them before their readers.

        Where three or more vertices share the channels of the output, the
        first of them may have one more: such modules that are the same may so
        differ in cost. NAS-Bench-101 has one row for them.
        """
        module = self.decode(decisions).pruned
        rows = _first_order(module, (0,))
        return self.encode(
            VertexModule(
                tuple(
                    tuple(at for at, read in enumerate(row) if read)
                    for row, _ in rows
                ),
                tuple(OPERATIONS[operation] for _, operation in rows[:-1]),
            )
        )

    def features(self, decisions: Decisions) -> np.ndarray:
        """How many vertices of each operation are built, and what
        `edge_features` says of them, an edge having the operation to which
        it leads."""
        module = self.decode(decisions).pruned
        labels = [*module.operations, "output"]
        return np.array(
            [
                *(float(labels.count(name)) for name in OPERATIONS),
                *edge_features(
                    {
                        (vertex, source): labels[vertex - 1]
                        for source, vertex in module.edges
                    },
                    (*OPERATIONS, "output"),
                ),
            ]
        )


def _first_order(
    module: VertexModule, placed: Sequence[int]
) -> tuple[tuple[Decisions, int], ...]:
    """The least sequence of the vertices that are not yet placed: of each
    which placed ones it reads, and its operation.

    Args:
        module: A pruned module.
        placed: The vertices that have a place, in order, the input first.
    """
    last = len(module.reads)
    rows = {}
    for vertex in range(1, last):
        reads = module.reads[vertex - 1]
        if vertex not in placed and set(reads) <= set(placed):
            rows[vertex] = (
                tuple(int(each in reads) for each in placed),
                OPERATIONS.index(module.operations[vertex - 1]),
            )
    if not rows:
        output = module.reads[-1]
        return ((tuple(int(each in output) for each in placed), 0),)
    least = min(rows.values())
    return (
        least,
        *min(
            _first_order(module, (*placed, vertex))
            for vertex, row in rows.items()
            if row == least
        ),
    )
