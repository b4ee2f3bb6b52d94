"""What stands in a module of a user's own: `find_attribute`, `find_location`.

Neither Keras nor TensorFlow is imported here.
"""

import importlib
import sys
from typing import Any

from nasnet_keras.quotation import quoted


def find_attribute(location: str, argument: str, known: str = "") -> Any:
    """What stands at a location. Its module is imported; nothing is called.

    Args:
        location: "module:attribute".
        argument: What a message calls it.
        known: What else a message says is expected, such as names.

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
