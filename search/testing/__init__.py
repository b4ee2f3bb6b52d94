"""The contracts of spaces, strategies and evaluators, to run over your own.

Each check says in one sentence what does not hold. In a test of yours:

>>> from search import NASNetSpace
>>> from search.strategies.random import RandomSearch
>>> from search.testing import check_space, check_strategy
>>> check_space(NASNetSpace(blocks=2))
>>> check_strategy(RandomSearch, learns=False)

The same checks run over `SPACES`, `STRATEGIES` and `EVALUATORS`.
"""

from search.testing.contract import ContractError
from search.testing.evaluator_checks import check_evaluator
from search.testing.space_checks import check_space
from search.testing.strategy_checks import check_strategy

__all__ = ["ContractError", "check_evaluator", "check_space", "check_strategy"]
