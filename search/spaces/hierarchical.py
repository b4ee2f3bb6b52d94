"""The space of hierarchical motifs: `HierarchicalSpace`.

Neither Keras nor TensorFlow is imported here.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from nasnet_keras.kinds.graphs.motif_hierarchy import (
    MAX_MOTIFS,
    MAX_NODES,
    NONE,
    PRIMITIVES,
    MotifHierarchy,
    edges_of,
)
from nasnet_keras.quotation import quoted
from search.spaces.base import Decision, SearchSpace, positional_features
from search.trial import Decisions

# As in the texts; `none` is no edge.
LETTERS = "".join(PRIMITIVES) + NONE
NAMES = (*(name for name, _ in PRIMITIVES.values()), "none")


class HierarchicalSpace(SearchSpace):
    """Motifs, graphs of primitives, and a cell, a graph of motifs: a decision
    for each edge between two nodes, a group for each motif and for the cell.

    Reference:
        [Liu et al. 2018](https://arxiv.org/abs/1711.00436), section 3: three
        levels.

    Args:
        motifs: How many, 1 to 9. Default 6, the paper's, as for the next two.
        motif_nodes: The nodes of a motif, 2 to 6. Default 4.
        cell_nodes: The nodes of the cell, 2 to 6. Default 5.

    Raises:
        ValueError: An argument is out of range.

    Example:

    >>> space = HierarchicalSpace()
    >>> len(space.decisions), f"{space.size:.1e}"
    (46, '7.5e+38')
    """

    name = "hierarchical"
    version = 1
    kind_name = "hierarchical"

    def __init__(
        self, motifs: int = 6, motif_nodes: int = 4, cell_nodes: int = 5
    ) -> None:
        self._options = {
            "motifs": motifs,
            "motif_nodes": motif_nodes,
            "cell_nodes": cell_nodes,
        }
        for argument, value in self._options.items():
            least, most = (
                (1, MAX_MOTIFS) if argument == "motifs" else (2, MAX_NODES)
            )
            if type(value) is not int or not least <= value <= most:
                raise ValueError(
                    f"Invalid value for argument `{argument}`. Expected an "
                    f"integer from {least} to {most}. Received: "
                    f"{argument}={quoted(value)}."
                )
        self._motifs = motifs
        self._edges = len(edges_of(motif_nodes))  # of a motif
        self._numbers = "".join(str(n + 1) for n in range(motifs)) + NONE
        self.decisions = (
            *(
                Decision(
                    f"motif_{number + 1}/{node}/{source}",
                    NAMES,
                    "operation",
                    number,
                )
                for number in range(motifs)
                for source, node in edges_of(motif_nodes)
            ),
            *(
                Decision(
                    f"cell/{node}/{source}",
                    (*(f"motif_{n + 1}" for n in range(motifs)), "none"),
                    "free",
                    motifs,
                )
                for source, node in edges_of(cell_nodes)
            ),
        )

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "version": self.version, **self._options}

    def decode(self, decisions: Decisions) -> MotifHierarchy:
        self.check(decisions)
        first = self._motifs * self._edges  # of the cell
        letters = "".join(LETTERS[choice] for choice in decisions[:first])
        return MotifHierarchy(
            tuple(
                letters[start : start + self._edges]
                for start in range(0, first, self._edges)
            ),
            "".join(self._numbers[choice] for choice in decisions[first:]),
        )

    def encode(self, architecture: MotifHierarchy) -> Decisions:
        letters = "".join(architecture.motifs)
        first = self._motifs * self._edges
        if (
            len(architecture.motifs) != self._motifs
            or len(letters) != first
            or len(architecture.cell) != len(self.decisions) - first
        ):
            raise ValueError(
                "Invalid value for argument `architecture`. Expected "
                f"{self._motifs} motifs of {self._edges} edges and a cell of "
                f"{len(self.decisions) - first}. Received: "
                f"{architecture.text}."
            )
        return (
            *map(LETTERS.index, letters),
            *map(self._numbers.index, architecture.cell),
        )

    def covering(self) -> Iterator[Decisions]:
        """Of each primitive, motifs that have it on all edges, and such that
        have it on one alone; of each of these, cells of all edges and of
        one."""
        none, no_motif = len(NAMES) - 1, self._motifs
        edges = len(self.decisions) - self._motifs * self._edges
        cells = [[0] * edges, [no_motif] * edges]
        # From the first node to the last.
        cells[1][self._options["cell_nodes"] - 2] = 0
        for primitive in range(none):
            motifs = [[primitive] * self._edges, [none] * self._edges]
            motifs[1][self._options["motif_nodes"] - 2] = primitive
            for motif, cell in itertools.product(motifs, cells):
                yield (*motif * self._motifs, *cell)

    def to_key(self, decisions: Decisions) -> str:
        """The letters of the motifs, the numbers of the cell."""
        return self.decode(decisions).text

    def from_key(self, key: str) -> Decisions:
        return self.encode(MotifHierarchy.from_text(key))

    def canonical(self, decisions: Decisions) -> Decisions:
        """`MotifHierarchy.reduced`, with no edge in the motifs that are not
        used. Nodes that change places within a motif still count as two."""
        short = self.decode(decisions).reduced
        unused = (NONE * self._edges,) * (self._motifs - len(short.motifs))
        return self.encode(MotifHierarchy((*short.motifs, *unused), short.cell))

    def features(self, decisions: Decisions) -> np.ndarray:
        return positional_features(self.decisions, self.canonical(decisions))
