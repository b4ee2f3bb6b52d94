"""How the children of a run are trained: its recipe, completed.

Neither Keras nor TensorFlow is imported here.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from nasnet_keras.training.recipes import (
    RECIPES,
    Recipe,
    adapted,
    find_recipe,
)
from search.evaluation import find_evaluator
from search.evaluation.base import GRADIENT_UNSUPPORTED
from search.spaces import SPACES, create_space
from search.strategies import strategy_class

SEARCH_RECIPE = "search-proxy"
# Of a child: the recipe's 20 are the paper's, for days on many machines.
SEARCH_EPOCHS = 3
DEFAULT_RECIPE = dataclasses.replace(
    RECIPES[SEARCH_RECIPE], epochs=SEARCH_EPOCHS
)


def complete_recipe(recipe: Any, unsupported: Mapping[str, str]) -> Any:
    """What is not given of a recipe is the named one's, the search's if none
    is named, without what the children do not follow.

    Args:
        recipe: The name of a recipe, or its values, or some of them with a
            name or without; anything else comes back as it is.
        unsupported: Of `unsupported_values`.

    Raises:
        ValueError: There is no such recipe, or no such value.
    """
    if recipe == DEFAULT_RECIPE:
        recipe = {}
    if isinstance(recipe, str):
        recipe = {"name": recipe}
    if not isinstance(recipe, Mapping):
        return recipe
    given = dict(recipe)
    named = find_recipe(given.pop("name", SEARCH_RECIPE))
    known = Recipe.__dataclass_fields__
    unknown = [name for name in given if name not in known]
    if unknown:
        raise ValueError(
            f"Unknown setting `recipe.{unknown[0]}`. Expected one of "
            f"name, {', '.join(known)}"
        )
    own = dataclasses.asdict(adapted(named, unsupported))
    return {**own, "epochs": SEARCH_EPOCHS, **given}


def unsupported_values(
    settings: Mapping[str, Any], to_look: bool
) -> Mapping[str, str]:
    """What the children of a run do not follow of a recipe, and why; nothing
    where a setting was wrong, which is told.

    Args:
        settings: Those of the run that are valid.
        to_look: See `create_configuration`.
    """
    names = ("space", "space_options", "strategy", "evaluator")
    if not all(name in settings for name in names):
        return {}
    space, options, strategy, evaluator = (settings[name] for name in names)
    if to_look and space not in SPACES:
        return {}
    try:
        kind = create_space(space, options).kind
    except ValueError:
        return {}
    chosen = strategy_class(strategy)
    row = find_evaluator(evaluator or chosen.evaluator)
    options = settings.get("evaluator_options", {})
    gradients = not to_look and row.learns_by_gradients(
        {**chosen.evaluator_options, **options}
    )
    return {
        **row.unsupported,
        **(GRADIENT_UNSUPPORTED if gradients else {}),
        **(kind.unsupported if kind else {}),
    }
