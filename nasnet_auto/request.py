"""What a run is asked for: `Request`.

Keras is imported here only to check weights.
"""

import dataclasses
import math
from typing import Any

from nasnet_keras.deployment.formats import find_format
from nasnet_keras.quotation import quoted

MOST_MEMBERS = 10  # of an ensemble
LEAST_HOURS = 1 / 60  # below, no training has time for an epoch


@dataclasses.dataclass(frozen=True)
class Request:
    """What a run was asked for.

    Attributes:
        dataset: A name, a folder or an `.npz` file.
        hours: How long the run may take in all.
        weights: A file of weights for `preset`, to fine-tune beside the
            network that comes with its weights.
        preset: The network of these weights.
        max_latency: Slower networks are not chosen; seconds an image.
        format: The runtime that the latency is measured in and that the
            result is exported for; None for Keras alone.
        ensemble: Of how many of the best networks an ensemble is made; None
            for none.
        workers: Children of the search at once; 1 in this process.
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
    hours = asked["hours"]
    if not isinstance(hours, int | float) or not LEAST_HOURS <= hours <= 1e5:
        raise ValueError(
            "Invalid value for argument `hours`. Expected at least "
            f"{LEAST_HOURS:.3f}, a minute. Received: hours={quoted(hours)}."
        )
    latency = asked["max_latency"]
    if latency is not None and not (
        isinstance(latency, int | float) and 0 < latency < math.inf
    ):
        raise ValueError(
            "Invalid value for argument `max_latency`. Expected positive "
            f"seconds. Received: max_latency={quoted(latency)}."
        )
    ensemble = asked["ensemble"]
    if ensemble is not None and (
        type(ensemble) is not int or not 2 <= ensemble <= MOST_MEMBERS
    ):
        raise ValueError(
            "Invalid value for argument `ensemble`. Expected from 2 to "
            f"{MOST_MEMBERS} networks. Received: ensemble={quoted(ensemble)}."
        )
    workers = asked["workers"]
    if type(workers) is not int or workers < 1:
        raise ValueError(
            "Invalid value for argument `workers`. Expected at least 1. "
            f"Received: workers={quoted(workers)}."
        )
    if (asked["preset"] is None) != (asked["weights"] is None):
        raise ValueError(
            "Expected `preset` and `weights` together. Received: one of them."
        )
    if asked["preset"] is not None:
        from zoo import weights as pretrained

        pretrained.check(asked["weights"], asked["preset"])
    if asked["format"] is not None:
        find_format(asked["format"]).check()
    return Request(**asked)
