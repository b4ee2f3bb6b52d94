"""Small spaces whose cells were all trained: `CellTable`, `TabularSpace`.
Neither Keras nor TensorFlow is imported here.
"""

import csv
import gzip
import hashlib
import io
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from nasnet_keras.quotation import quoted
from nasnet_keras.strict_json import read_bytes
from search.spaces.base import Decision, SearchSpace
from search.spaces.graph_features import Edge, edge_features
from search.trial import Decisions

ARCHITECTURE_COLUMN = "arch"
_NODE = re.compile(r"\|([^|+~]+~\d+\|)+")
_EDGE = re.compile(r"([^|+~]+)~(\d+)")


def parse_cell(text: str) -> dict[Edge, str]:
    """The operation on every edge of a cell, in the order of the text.

    Args:
        text: The nodes from 1 on, joined by `+`; of each, the operation and
            the number of the node it reads, for every edge that leads there.

    Raises:
        ValueError: The text is of another form.

    Example:

    >>> parse_cell("|conv~0|+|skip~0|conv~1|")
    {(1, 0): 'conv', (2, 0): 'skip', (2, 1): 'conv'}
    """
    cell: dict[Edge, str] = {}
    for node, part in enumerate(text.split("+"), start=1):
        edges = [(op, int(source)) for op, source in _EDGE.findall(part)]
        sources = {source for _, source in edges}
        if (
            not _NODE.fullmatch(part)
            or len(sources) < len(edges)
            or max(sources) >= node
        ):
            raise ValueError(
                "Invalid value for argument `text`. Expected a cell such as "
                f"'|conv~0|+|skip~0|conv~1|'. Received: {quoted(text)}."
            )
        cell.update({(node, source): op for op, source in edges})
    return cell


MAX_BYTES = 2**27  # of a table; those of NAS-Bench-201 have some millions


class CellTable:
    """The rows of a table in the form of NAS-Bench-201.

    Reference:
        [Dong and Yang 2020](https://arxiv.org/abs/2001.00326).

    Args:
        path: A CSV file with a header, or one compressed by gzip that ends in
            `.gz`. The column `arch` holds cells as `parse_cell` reads them;
            any other column may hold numbers.

    Attributes:
        columns: The names of the columns.
        rows: The cells' texts, each with its row as texts by column.
        fingerprint: The SHA-256 of the file.

    Raises:
        ValueError: The file cannot be read, has no column `arch` or no row,
            or a cell occurs twice.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            data = read_bytes(self.path, MAX_BYTES)
            plain = _unzipped(data) if self.path.suffix == ".gz" else data
            lines = plain.decode("utf-8-sig").splitlines()
        except (OSError, EOFError, zlib.error, ValueError) as error:
            raise self._error(f"a CSV file that can be read: {error}") from None
        reader = csv.DictReader(lines, restval="")
        try:
            self.columns = tuple(reader.fieldnames or ())
            rows = list(reader)
        except csv.Error as error:
            raise self._error(f"a CSV file that can be read: {error}") from None
        if ARCHITECTURE_COLUMN not in self.columns:
            raise self._error(
                f"a column {ARCHITECTURE_COLUMN!r} among {quoted(self.columns)}"
            )
        self.rows: dict[str, dict[str, str]] = {}
        for row in rows:
            cell = row[ARCHITECTURE_COLUMN]
            if cell in self.rows:
                raise self._error(
                    f"each cell once, but has {quoted(cell)} twice"
                )
            self.rows[cell] = row
        if not self.rows:
            raise self._error("at least one row")
        self.fingerprint = hashlib.sha256(data).hexdigest()

    def values(self, column: str) -> dict[str, float]:
        """The numbers of a column, in its own unit, by the cells' texts.

        Raises:
            ValueError: There is no such column, or it holds something else
                than finite numbers.
        """
        if column not in self.columns:
            raise self._error(
                f"a column {quoted(column)} among {quoted(self.columns)}"
            )
        try:
            values = {
                cell: float(row[column]) for cell, row in self.rows.items()
            }
            if not np.isfinite(list(values.values())).all():
                raise ValueError("not every number is finite")
        except ValueError as error:
            raise self._error(
                f"finite numbers in the column {column!r}: {error}"
            ) from None
        return values

    def _error(self, expected: str) -> ValueError:
        return ValueError(
            f"Invalid table {str(self.path)!r}. Expected {expected}."
        )


def _unzipped(data: bytes) -> bytes:
    """Raises:
    ValueError: The file within is too large.
    """
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        plain = file.read(MAX_BYTES + 1)
    if len(plain) > MAX_BYTES:
        raise ValueError(f"it unfolds to more than {MAX_BYTES // 2**20} MiB")
    return plain


class TabularSpace(SearchSpace):
    """The cells of a table: a decision per edge, a group per node.

    An edge's choices are the operations that the table has on it, in
    alphabetical order. Every row is an architecture of its own, isomorphic
    ones too, since each was trained for itself: `canonical` changes nothing.
    `decode` and `encode` go to and from the cells' texts.

    Args:
        table: The table. Only its column `arch` is read.

    Raises:
        ValueError: A cell's text is not understood, or has other edges than
            the first.

    Example:

    >>> path = Path("table.csv")
    >>> size = path.write_text("arch,accuracy\\n|conv~0|,91\\n|skip~0|,88\\n")
    >>> space = TabularSpace(CellTable(path))
    >>> len(space.decisions), space.groups, space.size
    (1, 1, 2)
    >>> space.decode((1,))
    '|skip~0|'
    """

    name = "tabular"
    version = 1

    def __init__(self, table: CellTable) -> None:
        cells = {text: parse_cell(text) for text in table.rows}
        first, edges = next((text, tuple(cell)) for text, cell in cells.items())
        for text, cell in cells.items():
            if tuple(cell) != edges:
                raise ValueError(
                    f"Invalid table {str(table.path)!r}. Expected the same "
                    "edges in every cell, in the same order. Received: "
                    f"{quoted(first)} and {quoted(text)}."
                )
        self.edges = edges
        self.decisions = tuple(
            Decision(
                f"{node}/{source}/operation",
                tuple(sorted({cell[node, source] for cell in cells.values()})),
                "operation",
                node - 1,
            )
            for node, source in edges
        )
        self._operations = sorted(
            {choice for each in self.decisions for choice in each.choices}
        )

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "version": self.version,
            "operations": {
                decision.name: list(decision.choices)
                for decision in self.decisions
            },
        }

    def features(self, decisions: Decisions) -> np.ndarray:
        """What `edge_features` says of the cell."""
        chosen = self.to_names(decisions).values()
        return np.array(
            edge_features(
                dict(zip(self.edges, chosen, strict=True)), self._operations
            )
        )

    def decode(self, decisions: Decisions) -> str:
        operations = self.to_names(decisions).values()
        nodes: dict[int, str] = {}
        for (node, source), operation in zip(
            self.edges, operations, strict=True
        ):
            nodes[node] = f"{nodes.get(node, '|')}{operation}~{source}|"
        return "+".join(nodes.values())

    def encode(self, architecture: str) -> Decisions:
        cell = parse_cell(architecture)
        return self.from_names(
            {
                f"{node}/{source}/operation": operation
                for (node, source), operation in cell.items()
            }
        )
