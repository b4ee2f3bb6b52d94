"""The hierarchical architectures of Liu et al. as data: `MotifHierarchy`."""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

from nasnet_keras.graph_nodes import (
    Convolution,
    Edge,
    Pool,
    Step,
    Stride,
    on_paths,
)
from nasnet_keras.quotation import quoted

# Letter of a primitive -> its name, and its steps for a number of filters.
PRIMITIVES: dict[str, tuple[str, Callable[[int], tuple[Step, ...]]]] = {
    "a": ("avg_pool_3x3", lambda _: (Pool("average", strides=1),)),
    "p": ("conv_1x1", lambda filters: (Convolution(filters),)),
    "d": ("depthwise_3x3", lambda _: (Convolution(None, 3),)),
    "i": ("identity", lambda _: ()),
    "m": ("max_pool_3x3", lambda _: (Pool("maximum", strides=1),)),
    "s": ("sep_conv_3x3", lambda filters: separable(filters)),
}
NONE = "-"  # no edge
MAX_MOTIFS = 9
MAX_NODES = 6


def separable(filters: int, strides: Stride = 1) -> tuple[Step, ...]:
    """A separable 3x3 convolution."""
    depthwise = Convolution(None, 3, strides, normalized=False, activated=False)
    return depthwise, Convolution(filters)


def edges_of(nodes: int) -> list[Edge]:
    """All edges between nodes, which are numbered from 1, in the order in which
    the text of a motif has them.

    Example:

    >>> edges_of(3)
    [(1, 2), (1, 3), (2, 3)]
    """
    return [
        (source, node)
        for source in range(1, nodes + 1)
        for node in range(source + 1, nodes + 1)
    ]


def live_edges(text: str) -> dict[Edge, str]:
    """The edges of a motif or a cell that are on a path from its first node
    to its last, each with its letter; none where there is no path.

    Example:

    >>> live_edges("m-ps-i")
    {(1, 2): 'm', (1, 4): 'p', (2, 3): 's', (3, 4): 'i'}
    """
    nodes = _nodes(text)
    edges = {
        edge: letter
        for edge, letter in zip(edges_of(nodes), text, strict=True)
        if letter != NONE
    }
    ascending = sorted(edges, key=lambda edge: edge[1])
    live = {*on_paths(ascending, 1, nodes)}
    return {edge: edges[edge] for edge in edges if edge in live}


def _nodes(text: str) -> int:
    """Of how many nodes the edges of a text are; 0 if of none."""
    counts = {len(edges_of(nodes)): nodes for nodes in range(2, MAX_NODES + 1)}
    return counts.get(len(text), 0)


@dataclass(frozen=True)
class MotifHierarchy:
    """Motifs, graphs of primitives, and a cell, a graph of motifs. A node
    concatenates what reaches it.

    Args:
        motifs: 1 to 9, of as many nodes each. Of a motif the letters of the
            primitives on its edges, in the order of `edges_of`: a key of
            `PRIMITIVES`, or `-` where there is no edge.
        cell: Of the cell the numbers of the motifs on its edges, from 1 on,
            or `-`.

    Raises:
        ValueError: A letter is unknown, or there are not as many as edges
            between 2 to 6 nodes.

    Example:

    >>> MotifHierarchy.from_text("m/i 2").reduced.text
    'i 1'
    """

    motifs: tuple[str, ...]
    cell: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "motifs", tuple(self.motifs))
        numbers = {str(number + 1) for number in range(len(self.motifs))}
        if (
            not 1 <= len(self.motifs) <= MAX_MOTIFS
            or len({len(motif) for motif in self.motifs}) > 1
            or not _nodes(self.motifs[0])
            or not _nodes(self.cell)
            or not set("".join(self.motifs)) <= {*PRIMITIVES, NONE}
            or not set(self.cell) <= {*numbers, NONE}
        ):
            raise ValueError(
                "Invalid hierarchy. Expected 1 to 9 motifs, of each a letter "
                f"of {', '.join(PRIMITIVES)}, {NONE} for each edge between 2 "
                f"to {MAX_NODES} nodes, and of a cell the numbers of motifs. "
                f"Received: {quoted(self.motifs)}, {quoted(self.cell)}."
            )

    @functools.cached_property
    def reduced(self) -> "MotifHierarchy":
        """The same network in short: the motifs that are used, each once, in
        the order in which the cell has them first, and no edge that is on no
        path. A motif without a path is no edge."""
        nothing = NONE * len(self.motifs[0])
        edges = [
            nothing
            if letter == NONE
            else self._on_paths(self.motifs[int(letter) - 1])
            for letter in self.cell
        ]
        live = self._on_paths(
            "".join(NONE if motif == nothing else "1" for motif in edges)
        )
        used = list(
            dict.fromkeys(
                motif
                for motif, letter in zip(edges, live, strict=True)
                if letter != NONE
            )
        )
        return MotifHierarchy(
            tuple(used) or (nothing,),
            "".join(
                NONE if letter == NONE else str(used.index(motif) + 1)
                for motif, letter in zip(edges, live, strict=True)
            ),
        )

    @staticmethod
    def _on_paths(text: str) -> str:
        live = live_edges(text)
        return "".join(live.get(edge, NONE) for edge in edges_of(_nodes(text)))

    @property
    def text(self) -> str:
        """The motifs and the cell in one line."""
        return f"{'/'.join(self.motifs)} {self.cell}"

    @classmethod
    def from_text(cls, text: str) -> "MotifHierarchy":
        """The inverse of `text`.

        Raises:
            ValueError: The text is of another form.
        """
        if not isinstance(text, str) or not re.fullmatch(
            r"[a-z/-]{1,200} [0-9-]{1,20}", text
        ):
            raise ValueError(
                "Invalid value for argument `text`. Expected motifs and a cell "
                f"such as 'mps/i-s 12-'. Received: {quoted(text)}."
            )
        motifs, cell = text.split(" ")
        return cls(tuple(motifs.split("/")), cell)


# The network that Liu et al. (2018) found, as NASLib transcribes it (naslib,
# `search_spaces/hierarchical`). The figure of the paper does not show the first
# edge of motif 5 clearly.
LIU_2018 = MotifHierarchy(
    ("mpsdpm", "mdpdss", "sdssia", "asisma", "issiis", "dmsmia"), "5334315355"
)
