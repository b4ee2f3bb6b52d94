"""Searches for NASNet cells.

Example:

>>> import search
>>> run = search.run(
...     "runs/first",
...     dataset="digits",
...     strategy="ppo",
...     trials=2,
...     seed=1,
...     recipe={"epochs": 1},
... )
>>> run.best.number, run.best.reward
(..., 0...)
>>> run = search.resume("runs/first", trials=3)  # after a kill, or for more
>>> run = search.load("runs/first")  # from another process, at any time
>>> [(trial.number, trial.state.value) for trial in run.trials]
[(0, 'complete'), (1, 'complete'), (2, 'complete')]
>>> print(run.space.text(run.architecture))
normal cell
...
>>> files = search.export(run, "best")

Names are imported when they are first used, so that the command line answers
at once.
"""

import importlib
from typing import Any

_MODULES = {
    "nasnet_keras.console.command_line": ("InputError",),
    "search.runs.config": ("ChildConfig", "RunConfig"),
    "search.actions.export": ("export",),
    "search.actions.rank_correlation": ("rank_correlation",),
    "search.actions.retrain": ("retrain",),
    "search.runs.begin": ("resume", "run"),
    "search.evaluation.base": ("Child", "EvaluationError", "Evaluator"),
    "search.executors.base": ("SearchError",),
    "search.executors.configuration": ("ExecutionConfig",),
    "search.observers.base": ("Observer",),
    "search.runs.record": ("Run", "load"),
    "search.spaces.base": ("Decision", "SearchSpace"),
    "search.spaces.choices": ("ChoiceSpace",),
    "search.spaces.nasnet": ("NASNetSpace",),
    "search.spaces.recipe": ("RecipeSpace",),
    "search.strategies.base": ("Strategy",),
    "search.trial": ("Evaluation", "Trial", "TrialState"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOMES)

# Before Keras, for oneDNN.
importlib.import_module("nasnet_keras")


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'search' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
