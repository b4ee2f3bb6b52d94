"""Differentiable architecture search, DARTS:
https://arxiv.org/abs/1806.09055."""

from search.strategies.gradients import GradientStrategy


class DARTS(GradientStrategy):
    """Proposes what the evaluator has learnt by gradients: first the strongest
    architecture, which is the result of DARTS, then the next ones in order of
    strength. The evaluator `shared` trains a
    network whose edges are mixtures of all operations.

    Args:
        space: The space to search.
        seed: Of no influence here: all is learnt by the evaluator.
    """

    name = "darts"
    evaluator = "shared"
    evaluator_options = {"order": 1}
    needs = frozenset({"mixture"})
