"""ProxylessNAS: https://arxiv.org/abs/1812.00332."""

from search.strategies.gradients import GradientStrategy


class ProxylessNAS(GradientStrategy):
    """Proposes what the evaluator has learnt by gradients: first the likeliest
    paths, which are the result of ProxylessNAS, then the next ones in order of
    likelihood. The evaluator `gated` trains a network of all paths, two at a
    time, and says what the settings are and where they are from.

    Args:
        space: The space to search.
        seed: Of no influence here: all is learnt by the evaluator.
    """

    name = "proxylessnas"
    evaluator = "gated"
    needs = frozenset({"paths"})
