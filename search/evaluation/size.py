"""Scores that ask for no network: what it would cost."""

from typing import Any

from search.evaluation.score import ScoreEvaluator


class ParametersEvaluator(ScoreEvaluator):
    """Scores an architecture by the parameters of its network: what every
    other score is to be compared with.

    Args:
        settings: How the children are made.

    Raises:
        ValueError: See `TrainingEvaluator`.
    """

    name = "parameters"

    def score(self, architecture: Any, seed: int) -> float:
        return float(self.costs(architecture)["parameters"])


class MultiplyAddsEvaluator(ScoreEvaluator):
    """Scores an architecture by the multiply-adds of its network for one
    image.

    Args:
        settings: How the children are made.

    Raises:
        ValueError: See `TrainingEvaluator`.
    """

    name = "multiply-adds"

    def score(self, architecture: Any, seed: int) -> float:
        return float(self.costs(architecture)["multiply_adds"])
