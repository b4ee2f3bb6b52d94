"""What can be searched: a space a file, by name in `SPACES`.

Neither Keras nor TensorFlow is imported here.
"""

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from search.spaces.base import SearchSpace

# Name -> "module:attribute": a class, or a space that is made already.
SPACES: dict[str, str] = {
    "nasnet": "search.spaces.nasnet:NASNetSpace",
    "pnasnet": "search.spaces.subspaces:PNASNET",
    "enas": "search.spaces.subspaces:ENAS",
    "darts": "search.spaces.subspaces:DARTS",
    "amoebanet": "search.spaces.subspaces:AMOEBANET",
    "layerwise": "search.spaces.layerwise:LayerwiseSpace",
}


def create_space(name: str, options: Mapping[str, Any] = {}) -> SearchSpace:
    """Creates a space by its name.

    Args:
        name: A key of `SPACES`; or "module:attribute", a `SearchSpace` or a
            class of such, for a space of one's own. Nothing else is called,
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
            f"{dict(options)}."
        )
    try:
        inspect.signature(made).bind(**options)
    except TypeError as error:
        raise ValueError(
            f"Invalid options for the space {name!r}: {error}. Received: "
            f"{dict(options)}."
        ) from None
    return made(**options)


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
    for known in SPACES:
        made = _find(known)
        if type(made) is type(space) and made.describe() == space.describe():
            return known, {}
    place = f"{type(space).__module__}:{type(space).__qualname__}"
    names = {known: name for name, known in SPACES.items()}
    options = {
        name: value
        for name, value in space.describe().items()
        if name not in ("name", "version")
    }
    name = names.get(place, place)
    try:
        again = create_space(name, options).describe()
    except ValueError as error:
        again = {"error": str(error)}
    if again != space.describe():
        raise ValueError(
            "Invalid value for argument `space`. Expected a space that can be "
            "made again by its module, its class and what its `describe` "
            f"names; or its name, 'module:attribute'. Received: {place}, "
            f"{options}."
        )
    return name, options


def _find(name: str) -> Any:
    place = SPACES.get(name, name)
    module, colon, attribute = place.partition(":")
    if not (module and colon and attribute):
        raise ValueError(
            "Invalid value for argument `space`. Expected one of "
            f"{', '.join(SPACES)}, or 'module:attribute'. Received: "
            f"space={name!r}."
        )
    try:
        found = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            "Invalid value for argument `space`. Expected a module that can "
            f"be imported and an attribute of it. Received: space={name!r} "
            f"({error})."
        ) from None
    if isinstance(found, SearchSpace) or (
        isinstance(found, type) and issubclass(found, SearchSpace)
    ):
        return found
    raise ValueError(
        "Invalid value for argument `space`. Expected a `SearchSpace` or a "
        f"class of such. Received: space={name!r}."
    )
