"""What can be searched: a space a file, by name in `SPACES`.

Neither Keras nor TensorFlow is imported here.
"""

import inspect
import json
from collections.abc import Mapping
from typing import Any

from nasnet_keras.own_modules import check_options, find_attribute
from nasnet_keras.quotation import quoted
from search.spaces.base import SearchSpace

# Name -> "module:attribute": a class, or a space that is made already.
SPACES: dict[str, str] = {
    "nasnet": "search.spaces.nasnet:NASNetSpace",
    "pnasnet": "search.spaces.subspaces:PNASNET",
    "enas": "search.spaces.subspaces:ENAS",
    "darts": "search.spaces.subspaces:DARTS",
    "amoebanet": "search.spaces.subspaces:AMOEBANET",
    "layerwise": "search.spaces.layerwise:LayerwiseSpace",
    "mobile": "search.spaces.mobile:MobileSpace",
    "hierarchical": "search.spaces.hierarchical:HierarchicalSpace",
    "proxylessnas": "search.spaces.proxylessnas:ProxylessNASSpace",
    "macro": "search.spaces.macro:MacroSpace",
    "nasbench101": "search.spaces.nasbench101:NASBench101Space",
    "nasbench201": "search.spaces.nasbench201:NASBench201Space",
    "recipe": "search.spaces.recipe:RecipeSpace",
}


def create_space(name: str, options: Mapping[str, Any] = {}) -> SearchSpace:
    """Creates a space by its name.

    Args:
        name: A key of `SPACES`; or "module:attribute", a `SearchSpace` or a
            class of such, for a space of your own. Nothing else is called,
            since the name may come from a file.
        options: The space's own arguments.

    Raises:
        ValueError: There is no such space, it has no such option, or an
            option is out of range.

    Example:

    >>> create_space("nasnet", {"blocks": 3}).groups
    3
    """
    made = _find(name)
    if isinstance(made, SearchSpace) and not options:
        return made
    if isinstance(made, SearchSpace):
        raise ValueError(
            f"Invalid options for the space {name!r}. Expected none, since it "
            f"is made already, as {made.describe()}. Received: "
            f"{quoted(dict(options))}."
        )
    check_options(f"the space {name!r}", made, options)
    try:
        return made(**options)
    except TypeError as error:  # of a class that checks nothing itself
        raise ValueError(
            f"Invalid options for the space {quoted(name)}: {error}. Received: "
            f"{quoted(dict(options))}."
        ) from None


def name_space(space: SearchSpace) -> tuple[str, dict[str, Any]]:
    """The name and the options by which `create_space` makes a space again,
    as workers and a resumed run do.

    Raises:
        ValueError: It cannot be made again: its class is no class of a
            module, or its `describe` names not all arguments.

    Example:

    >>> from search.spaces.nasnet import NASNetSpace
    >>> name_space(NASNetSpace(3, ("add",)))
    ('nasnet', {'blocks': 3, 'combiners': ['add']})
    >>> name_space(create_space("pnasnet"))
    ('pnasnet', {})
    """
    described = _as_json(space.describe())
    if space.location is not None:
        return space.location, {}
    for known in SPACES:
        made = _find(known)
        if type(made) is type(space) and _as_json(made.describe()) == described:
            return known, {}
    location = f"{type(space).__module__}:{type(space).__qualname__}"
    names = {known: name for name, known in SPACES.items()}
    options = {
        name: value
        for name, value in described.items()
        if name not in ("name", "version")
    }
    name = names.get(location, location)
    try:
        again = create_space(name, options)
        same = (
            type(space).__module__ != "__main__"
            and _as_json(again.describe()) == described
            and again.decisions == space.decisions
        )
    except ValueError:
        same = False
    if not same:
        raise ValueError(
            "Invalid value for argument `space`. Expected a space that can be "
            "made again by its module, its class and what its `describe` "
            f"names; or its name, 'module:attribute'. Received: {location}, "
            f"{quoted(options)}."
        )
    return name, options


def _as_json(description: Mapping[str, Any]) -> dict[str, Any]:
    """A description as it comes back from a file.

    Raises:
        ValueError: It is no JSON data.
    """
    try:
        return json.loads(json.dumps(description))
    except TypeError as error:
        raise ValueError(
            "Invalid value for argument `space`. Expected a space whose "
            f"`describe` returns JSON data. Received: {quoted(description)} "
            f"({error})."
        ) from None


def _find(name: str) -> Any:
    found = find_attribute(
        SPACES.get(name, name), "space", f"one of {', '.join(SPACES)}, or "
    )
    if isinstance(found, SearchSpace) or (
        isinstance(found, type)
        and issubclass(found, SearchSpace)
        and not inspect.isabstract(found)
    ):
        return found
    raise ValueError(
        "Invalid value for argument `space`. Expected a `SearchSpace` or a "
        f"class of such. Received: space={quoted(name)}."
    )
