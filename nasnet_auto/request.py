"""What a run is asked for: `Request`.

Keras is imported here only to check weights.
"""

import dataclasses
import math
import sys
from collections.abc import Callable
from typing import Any, get_args

from nasnet_keras.deployment.formats import find_format
from nasnet_keras.files import is_path
from nasnet_keras.training.recipes import Augmentation
from search.runs.arguments import Check, check_argument, whole

AUGMENTATIONS: tuple[str, ...] = get_args(Augmentation)
MOST_MEMBERS = 10  # of an ensemble
LEAST_HOURS = 1 / 60  # below, no training has time for an epoch


def _number(least: float, most: float) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and least <= value <= most
    )


YES_OR_NO = Check("True or False", lambda value: isinstance(value, bool))


def _is_seed(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**32


# By the name of the argument; None is taken where it is the default.
CHECKS = {
    "hours": Check(
        f"at least {LEAST_HOURS:.3f}, a minute", _number(LEAST_HOURS, 1e5)
    ),
    "max_latency": Check(
        "positive seconds", _number(math.ulp(0.0), sys.float_info.max)
    ),
    "ensemble": Check(
        f"from 2 to {MOST_MEMBERS} networks",
        lambda value: type(value) is int and 2 <= value <= MOST_MEMBERS,
    ),
    "weights": Check("a name, or the path of a file", is_path),
    "preset": Check("a name", lambda value: isinstance(value, str)),
    "workers": whole(1),
    "pretrained": YES_OR_NO,
    "augmentation": Check(
        f"one of {', '.join(AUGMENTATIONS)}",
        lambda value: value in AUGMENTATIONS,
    ),
    "skip_broken": YES_OR_NO,
    "seed": Check("a whole number from 0 to 2**32 - 1", _is_seed),
}


@dataclasses.dataclass(frozen=True)
class Request:
    """What a run was asked for.

    Attributes:
        dataset: A name, a folder or an `.npz` file.
        hours: How long the run may take in all.
        weights: A file of weights for `preset`. This network is fine-tuned,
            and so is the one whose weights come with the package.
        preset: The network of these weights.
        max_latency: Slower networks are not chosen; seconds an image.
        format: The runtime that the latency is measured in and that the
            result is exported for; None for Keras alone.
        ensemble: Of how many of the best networks an ensemble is made; None
            for none.
        workers: Children of the search at once; 1 in this process.
        pretrained: Whether pretrained networks are fine-tuned.
        augmentation: How images are augmented; None for what suits their
            names.
        skip_broken: Whether to leave out files that are no whole images.
        seed: Fixes what is random.
    """

    dataset: str
    hours: float
    weights: str | None = None
    preset: str | None = None
    max_latency: float | None = None
    format: str | None = None
    ensemble: int | None = None
    workers: int = 1
    pretrained: bool = True
    augmentation: Augmentation | None = None
    skip_broken: bool = False
    seed: int = 0

    @property
    def seconds(self) -> float:
        return 3600 * self.hours

    @property
    def runtime(self) -> str | None:
        """In which latencies are measured, if they are."""
        if self.max_latency is None:
            return None
        return self.format or "keras"


def checked_request(dataset: str, **asked: Any) -> Request:
    """What is asked for.

    Args:
        dataset: A name or a path.
        **asked: The other attributes of `Request`.

    Raises:
        ValueError: An argument is out of range.

    Example:

    >>> checked_request("digits", hours=1).seconds
    3600
    """
    defaults = {
        field.name: field.default for field in dataclasses.fields(Request)
    }
    asked = {**defaults, **asked, "dataset": dataset}
    for name in CHECKS:
        if asked[name] is not None or defaults[name] is not None:
            check_argument(name, asked[name], CHECKS)
    if (asked["preset"] is None) != (asked["weights"] is None):
        raise ValueError(
            "Expected `preset` and `weights` together. Received: one of them."
        )
    if asked["preset"] is not None and not asked["pretrained"]:
        raise ValueError(
            "Expected `preset` and `weights`, or no pretrained networks "
            "(`pretrained=False`, --no-pretrained). Received: both."
        )
    if asked["preset"] is not None:
        from zoo import weights as pretrained
        from zoo.preset import find
        from zoo.presets import PRESETS

        find(PRESETS, asked["preset"], "preset", "`zoo.list_models()`")
        pretrained.check(asked["weights"], asked["preset"])
        asked["weights"] = pretrained.resolve(asked["weights"])
    if asked["format"] is not None:
        find_format(asked["format"]).check()
    return Request(**asked)
