"""A network from a genotype: what stands where, what it costs, and how it is
built.

Names are imported when they are first used: plans need no Keras.
"""

from typing import Any

__all__ = ["build_network", "load_model"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(
            f"module 'nasnet_keras.network' has no attribute {name!r}"
        )
    from nasnet_keras.network import build

    return getattr(build, name)


def __dir__() -> list[str]:
    return __all__
