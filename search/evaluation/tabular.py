"""Evaluation by looking up: `ArchitectureTable`, `TabularEvaluator`. A search
takes seconds.

Neither Keras nor TensorFlow is imported here.
"""

import contextlib
import csv
import functools
import gzip
import hashlib
import io
import itertools
import math
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nasnet_keras.quotation import quoted, system_reason
from nasnet_keras.strict_json import read_bytes
from search.evaluation.base import Child, EvaluationError, Evaluator
from search.spaces import create_space, name_space
from search.spaces.base import SearchSpace
from search.trial import Decisions, Evaluation

ARCHITECTURE_COLUMN = "arch"
MAX_BYTES = 2**29  # of a table; that of NAS-Bench-101 has 423,624 rows


class ArchitectureTable:
    """Results of architectures of a space, a row each; some may be missing.

    Args:
        path: A CSV file with a header, or one compressed by gzip that ends in
            `.gz`. The column `arch` holds architectures as the space writes
            them in one line (`to_key`). Any other column may hold numbers,
            such as the accuracy after so many epochs; a field is empty where
            an architecture was not trained so. Rows that an option of the
            space excludes, such as fewer operations, are left out.
        space: The space.

    Attributes:
        columns: The names of the columns.
        rows: By decisions, the rows as texts by column.
        notes: Sentences for the user: how many rows are left out.
        fingerprint: The SHA-256 of the file.

    Raises:
        ValueError: The file cannot be read, has no column `arch` or no row
            of the space, or an architecture cannot be read or occurs twice.

    Example:

    >>> from search.spaces.nasbench201 import NASBench201Space
    >>> path = Path("table.csv")
    >>> size = path.write_text("arch,accuracy\\n|none~0|,10\\n")
    >>> table = ArchitectureTable(path, NASBench201Space(nodes=2))
    >>> table.values("accuracy")
    {(1,): 10.0}
    """

    def __init__(self, path: str | Path, space: SearchSpace) -> None:
        self.path = Path(path)
        self.space = space
        try:
            data = read_bytes(self.path, MAX_BYTES)
            plain = _unzipped(data) if self.path.suffix == ".gz" else data
            lines = plain.decode("utf-8-sig").splitlines()
        except UnicodeDecodeError:
            raise self._unreadable("it is no text in UTF-8") from None
        except ValueError as error:
            raise self._unreadable(str(error)) from None
        except OSError as error:
            raise self._unreadable(system_reason(error)) from None
        reader = csv.DictReader(lines, restval="")
        try:
            self.columns = tuple(reader.fieldnames or ())
            rows = list(reader)
        except csv.Error as error:
            raise self._unreadable(str(error)) from None
        twice = [name for name in self.columns if self.columns.count(name) > 1]
        if twice:
            raise self._error(
                f"each column once, but has {quoted(twice[0])} twice"
            )
        if ARCHITECTURE_COLUMN not in self.columns:
            raise self._error(
                f"a column {ARCHITECTURE_COLUMN!r} among {quoted(self.columns)}"
            )
        self.rows: dict[Decisions, dict[str, str]] = {}
        outside = 0
        for number, row in enumerate(rows, start=1):
            key = row[ARCHITECTURE_COLUMN]
            if None in row:
                raise self._error(
                    f"at most {len(self.columns)} fields in row {number}; "
                    "quote what holds a comma"
                )
            try:
                decisions = space.from_key(key)
            except ValueError as error:
                if self._is_excluded(key):
                    outside += 1
                    continue
                raise self._error(
                    f"an architecture of the space {space.name!r} in row "
                    f"{number}. {error}"
                ) from None
            if decisions in self.rows:
                raise self._error(
                    f"each architecture once, but has {quoted(key)} twice"
                )
            self.rows[decisions] = row
        if not self.rows:
            raise self._error(
                "at least one row of the space, whose options exclude all "
                f"{outside:,}"
                if outside
                else "at least one row"
            )
        note = (
            f"{outside:,} of the {len(rows):,} rows of {self.path.name} are "
            "outside the space, and are left out."
        )
        self.notes = (note,) if outside else ()
        self.fingerprint = hashlib.sha256(data).hexdigest()

    def _is_excluded(self, key: str) -> bool:
        """Whether the space had an architecture with fewer options."""
        for space in self._wider:
            try:
                space.from_key(key)
            except ValueError:
                continue
            return True
        return False

    @functools.cached_property
    def _wider(self) -> list[SearchSpace]:
        """The space with some of its options only."""
        spaces: list[SearchSpace] = []
        try:
            name, options = name_space(self.space)
        except ValueError:  # It has no name by which it is made again.
            return spaces
        for count in reversed(range(len(options))):
            for some in itertools.combinations(options.items(), count):
                # An option may need another one.
                with contextlib.suppress(ValueError):
                    spaces.append(create_space(name, dict(some)))
        return spaces

    def values(self, column: str) -> dict[Decisions, float]:
        """The numbers of a column, in its own unit, by decisions; without
        the rows where it is empty.

        Raises:
            ValueError: There is no such column, or it holds something else
                than finite numbers, or none.
        """
        if column not in self.columns:
            raise self._error(
                f"a column {quoted(column)} among {quoted(self.columns)}"
            )
        values = {
            decisions: self._number(row, column)
            for decisions, row in self.rows.items()
            if row[column].strip()
        }
        if not values:
            raise self._error(
                f"finite numbers in the column {quoted(column)}, but it is "
                "empty"
            )
        return values

    def _number(self, row: Mapping[str, str], column: str) -> float:
        text = row[column]
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or "_" in text:  # which Python leaves out
            raise self._error(
                f"finite numbers in the column {quoted(column)}, but has "
                f"{quoted(text)} for {quoted(row[ARCHITECTURE_COLUMN])}"
            )
        return number

    def _unreadable(self, reason: str) -> ValueError:
        return self._error(f"a CSV file that can be read: {reason}")

    def _error(self, expected: str) -> ValueError:
        return ValueError(
            f"Invalid table {str(self.path)!r}. Expected "
            f"{expected.rstrip('.')}."
        )


def _unzipped(data: bytes) -> bytes:
    """Raises:
    ValueError: The file is damaged, or that within is too large.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            plain = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        raise ValueError("it is no whole file of gzip, as .gz says") from None
    if len(plain) > MAX_BYTES:
        raise ValueError(f"it unfolds to more than {MAX_BYTES // 2**20} MiB")
    return plain


class TabularEvaluator(Evaluator):
    """Looks up the reward of an architecture, in the unit of its column.

    Args:
        table: The table.
        column: The column that holds the rewards. No other is read.

    Raises:
        ValueError: The column is missing, or does not hold numbers.
    """

    def __init__(self, table: ArchitectureTable, column: str) -> None:
        self.table = table
        self.column = column
        self.notes = table.notes
        self._values = table.values(column)

    def find(self, decisions: Decisions) -> Decisions | None:
        """The decisions of the row of an architecture: its own if that has a
        number, else the first with a number of one that is the same by
        `canonical`, else None."""
        if decisions in self._values:
            return decisions
        return self._forms.get(self.table.space.canonical(decisions))

    @functools.cached_property
    def _forms(self) -> dict[Decisions, Decisions]:
        forms: dict[Decisions, Decisions] = {}
        for decisions in self._values:
            forms.setdefault(self.table.space.canonical(decisions), decisions)
        return forms

    def evaluate(self, child: Child) -> Evaluation:
        """The architecture alone matters."""
        began = time.perf_counter()
        decisions = self.table.space.encode(child.architecture)
        row = self.find(decisions)
        if row is None:
            raise EvaluationError(
                f"The table has no {self.column} of the architecture "
                f"{self.table.space.to_key(decisions)!r}."
            )
        reward = self._values[row]
        return Evaluation(
            reward,
            metrics={self.column: reward},
            seconds={"lookup": time.perf_counter() - began},
        )

    def describe(self) -> dict[str, Any]:
        return {
            "column": self.column,
            "data": {"sha256": self.table.fingerprint},
        }
