"""What stands in a module of a user's own: `find_attribute`, `find_location`;
whether it takes the options that are given: `check_options`.

Neither Keras nor TensorFlow is imported here.
"""

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any

from nasnet_keras.quotation import quoted


def find_attribute(location: str, argument: str, known: str = "") -> Any:
    """The object at a location. Its module is imported; nothing is called.

    Args:
        location: "module:attribute".
        argument: The name of the argument in messages.
        known: Other expected values, such as names, for messages.

    Raises:
        ValueError: There is no such location, or it is in the standard library.

    Example:

    >>> find_attribute("nasnet_keras.published:NASNET_A", "space")
    Genotype(...)
    """
    module, colon, attribute = location.partition(":")
    if not (module and colon and attribute):
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected "
            f"{known}'module:attribute'. Received: "
            f"{argument}={quoted(location)}."
        )
    # The location may come from a file: no program is started by it. Python's
    # own list leaves out its tests.
    if module.partition(".")[0] in {*sys.stdlib_module_names, "test"}:
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected a module of "
            f"your own. Received: {argument}={quoted(location)}, of the "
            "standard library."
        )
    try:
        found = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (Exception, SystemExit) as error:  # whatever a module may do
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected a module that "
            "can be imported and an attribute of it. Received: "
            f"{argument}={quoted(location)} ({type(error).__name__}: {error})."
        ) from None
    return found


def find_location(thing: Any, first: str = "") -> str | None:
    """Where something stands as "module:attribute", None if nowhere.

    Args:
        thing: What to look for in the modules that are imported.
        first: The module to look in first. The script that runs comes last,
            since other processes cannot import it.
    """
    names = sorted(
        list(sys.modules), key=lambda name: (name == "__main__", name != first)
    )
    for name in names:
        # Of a module that a worker runs as its script, both names are known.
        for attribute, value in list(
            getattr(sys.modules[name], "__dict__", {}).items()
        ):
            if value is thing and name != "__mp_main__":
                return f"{name}:{attribute}"
    return None


def check_options(
    what: str,
    made: Callable[..., Any],
    options: Mapping[str, Any],
    *given: Any,
) -> None:
    """Whether a class, or a function, takes options.

    Args:
        what: What a message calls it.
        made: The class or the function.
        options: Its arguments by name.
        *given: Those that it is called with besides, which come first.

    Raises:
        ValueError: It has no such argument, or asks for others.

    Example:

    >>> check_options("`print`", print, {"colour": "red"}, "a text")
    Traceback (most recent call last):
    ValueError: Invalid options for `print`. Expected some of sep, end, ...
    """
    signature = inspect.signature(made)
    try:
        signature.bind(*given, **options)
    except TypeError:
        rest = list(signature.parameters.values())[len(given) :]
        named = [
            each
            for each in rest
            if each.kind in (each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD)
        ]
        expected = ", ".join(each.name for each in named)
        expected = f"some of {expected}" if named else "none"
        needed = ", ".join(
            each.name for each in named if each.default is each.empty
        )
        if needed:
            expected += f"; {needed} always"
        raise ValueError(
            f"Invalid options for {what}. Expected {expected}. Received: "
            f"{quoted(dict(options))}."
        ) from None
