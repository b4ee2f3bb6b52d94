"""One-shot search: https://proceedings.mlr.press/v80/bender18a.html."""

from search.strategies.random import RandomSearch


class OneShot(RandomSearch):
    """Uniform samples of the space, evaluated with shared weights: the network
    that holds every cell is trained first, on cells drawn at random, then its
    children are measured.

    Args:
        space: The space to search.
        seed: Fixes all proposals.
    """

    name = "one-shot"
    compares_budgets = False  # its children share weights
    evaluator = "shared"
