"""The strategies of search, by name.

Listing the names imports neither Keras nor TensorFlow, nor any strategy; a
strategy is imported when it is created.
"""

import importlib
from typing import Any

from nasnet_keras.own_modules import check_options
from nasnet_keras.quotation import quoted
from search.spaces.base import SearchSpace
from search.strategies.base import Strategy

# Name -> "module:class".
STRATEGIES: dict[str, str] = {
    "auto": "search.strategies.auto:AutoSearch",
    "random": "search.strategies.random:RandomSearch",
    "ppo": "search.strategies.ppo:PPO",
    "reinforce": "search.strategies.reinforce:Reinforce",
    "regularized-evolution": (
        "search.strategies.regularized_evolution:RegularizedEvolution"
    ),
    "nsga2": "search.strategies.nsga2:NSGA2",
    "local-search": "search.strategies.local_search:LocalSearch",
    "predictor": "search.strategies.predictor:PredictorSearch",
    "bayesian": "search.strategies.bayesian:BayesianSearch",
    "bohb": "search.strategies.bohb:BOHB",
    "optuna-tpe": "search.strategies.optuna_samplers:OptunaTPE",
    "optuna-gp": "search.strategies.optuna_samplers:OptunaGP",
    "progressive": "search.strategies.progressive:ProgressiveSearch",
    "grid": "search.strategies.grid:GridSearch",
    "one-shot": "search.strategies.one_shot:OneShot",
    "enas": "search.strategies.enas:ENAS",
    "darts": "search.strategies.darts:DARTS",
    "proxylessnas": "search.strategies.proxylessnas:ProxylessNAS",
}


def create_strategy(
    name: str, space: SearchSpace, seed: int, /, **options: Any
) -> Strategy:
    """Creates a strategy by its name.

    Args:
        name: A key of `STRATEGIES`.
        space: The space to search.
        seed: Fixes all proposals, given the outcomes.
        **options: The strategy's own arguments.

    Raises:
        ValueError: There is no such strategy, or it has no such option, or
            an option is out of range.

    Example:

    >>> from search.spaces.nasnet import NASNetSpace
    >>> create_strategy("random", NASNetSpace(blocks=1), 0).ask(0)
    (1, 1, 6, 3, 0, 0, 0, 0, 2, 1)
    """
    strategy = strategy_class(name)
    check_options(f"the strategy {name!r}", strategy, options, space, seed)
    return strategy(space, seed, **options)


def strategy_class(name: str) -> type[Strategy]:
    """The class of a strategy, which says what it asks of a run.

    Raises:
        ValueError: There is no such strategy.
    """
    if not isinstance(name, str) or name not in STRATEGIES:
        raise ValueError(
            "Invalid value for argument `strategy`. Expected one of "
            f"{', '.join(STRATEGIES)}. Received: {quoted(name)}."
        )
    module, _, class_name = STRATEGIES[name].partition(":")
    return getattr(importlib.import_module(module), class_name)
