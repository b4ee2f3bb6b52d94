"""The cells of NAS-Bench-201 as data: `EdgeCell`."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from nasnet_keras.graph_nodes import Convolution, Pool, Step, Zeros
from nasnet_keras.quotation import quoted

# Operation of an edge -> its step for a number of filters, behind a ReLU if it
# is a convolution; None for the identity.
EDGE_OPERATIONS: dict[str, Callable[[int], Step] | None] = {
    "avg_pool_3x3": lambda filters: Pool("average", strides=1),
    "none": lambda filters: Zeros(),
    "nor_conv_1x1": lambda filters: Convolution(filters, activated=False),
    "nor_conv_3x3": lambda filters: Convolution(filters, 3, activated=False),
    "skip_connect": None,
}
MAX_NODES = 8
MAX_LENGTH = 1000  # of a text
_EDGE = re.compile(r"([^|+~]+)~(\d+)")


@dataclass(frozen=True)
class EdgeCell:
    """A cell of nodes that add what reaches them, each node joined to every
    one before it by an operation.

    Args:
        operations: Of each node but the first, which is the input, the
            operations on the edges from the nodes before it, keys of
            `EDGE_OPERATIONS`. The last node is the output.

    Raises:
        ValueError: There are not 2 to 8 nodes, one has not an edge from each
            before it, or an operation is unknown.

    Example:

    >>> cell = EdgeCell((("skip_connect",), ("none", "nor_conv_3x3")))
    >>> cell.text
    '|skip_connect~0|+|none~0|nor_conv_3x3~1|'
    >>> EdgeCell.from_text(cell.text) == cell
    True
    """

    operations: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        rows = self.operations
        if (
            not isinstance(rows, list | tuple)
            or not 1 <= len(rows) < MAX_NODES
            or not all(isinstance(row, list | tuple) for row in rows)
            or [len(row) for row in rows] != [*range(1, len(rows) + 1)]
            or not all(
                isinstance(name, str) and name in EDGE_OPERATIONS
                for row in rows
                for name in row
            )
        ):
            raise ValueError(
                "Invalid value for argument `operations`. Expected for node 1 "
                f"to up to {MAX_NODES - 1} as many operations as there are "
                f"nodes before it, of {', '.join(EDGE_OPERATIONS)}. Received: "
                f"operations={quoted(rows)}."
            )
        object.__setattr__(self, "operations", tuple(map(tuple, rows)))

    @property
    def text(self) -> str:
        """As NAS-Bench-201 writes a cell."""
        return "+".join(
            "|" + "".join(f"{name}~{node}|" for node, name in enumerate(row))
            for row in self.operations
        )

    @classmethod
    def from_text(cls, text: str) -> "EdgeCell":
        """The inverse of `text`.

        Raises:
            ValueError: The text is of another form.
        """
        known = isinstance(text, str) and len(text) <= MAX_LENGTH
        if known:
            rows = [
                tuple(name for name, _ in _EDGE.findall(part))
                for part in text.split("+")
            ]
            try:
                cell = cls(tuple(rows))
            except ValueError:
                known = False
        if not known or cell.text != text:
            raise ValueError(
                "Invalid value for argument `text`. Expected a cell such as "
                "'|skip_connect~0|+|none~0|nor_conv_3x3~1|', with operations "
                f"of {', '.join(EDGE_OPERATIONS)}. Received: {quoted(text)}."
            )
        return cell
