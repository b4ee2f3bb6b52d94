"""From a folder of photographs to a deployed network.

Example:

>>> import nasnet_auto
>>> result = nasnet_auto.run("digits", hours=1 / 60, output="runs/auto")
>>> result.chosen in {row["name"] for row in result.leaderboard}
True

Names are imported when they are first used.
"""

import importlib
from typing import Any

_HOMES = {
    "Display": "nasnet_auto.display",
    "Result": "nasnet_auto.results.result",
    "load": "nasnet_auto.results.result",
    "run": "nasnet_auto.auto",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nasnet_auto' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
