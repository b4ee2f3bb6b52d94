"""Evaluation by looking up: `TabularEvaluator`. A search takes seconds.

Neither Keras nor TensorFlow is imported here.
"""

import time
from typing import Any

from search.evaluation.base import Child, EvaluationError, Evaluator
from search.spaces.tabular import CellTable
from search.trial import Evaluation


class TabularEvaluator(Evaluator):
    """Looks up the reward of a cell, in the unit of its column.

    Args:
        table: The table.
        column: The column that holds the rewards. No other is read.

    Raises:
        ValueError: The column is missing, or does not hold numbers.
    """

    def __init__(self, table: CellTable, column: str) -> None:
        self.column = column
        self.fingerprint = table.fingerprint
        self._values = table.values(column)

    def evaluate(self, child: Child) -> Evaluation:
        """The architecture alone matters."""
        began = time.perf_counter()
        architecture = child.architecture
        if architecture not in self._values:
            raise EvaluationError(f"The table has no cell {architecture!r}.")
        reward = self._values[architecture]
        return Evaluation(
            reward,
            metrics={self.column: reward},
            seconds={"lookup": time.perf_counter() - began},
        )

    def describe(self) -> dict[str, Any]:
        return {"column": self.column, "data": {"sha256": self.fingerprint}}
