"""A space as a run has recorded it: `RecordedSpace`.

Neither Keras nor TensorFlow is imported here.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from nasnet_keras.quotation import quoted
from search.spaces.base import Decision, SearchSpace
from search.trial import Decisions


class RecordedSpace(SearchSpace):
    """A space of one's own to look at without importing its module: its
    architectures are the decisions themselves.

    Args:
        description: What the space described itself by.
        decisions: Its decisions, as of `record_decisions`.

    Raises:
        ValueError: These are no such data.

    Example:

    >>> data = [{"name": "depth", "choices": ["1", "2"]}]
    >>> space = RecordedSpace({"name": "mine", "version": 1}, data)
    >>> space.text(space.decode((1,)))
    'depth = 2'
    """

    def __init__(
        self, description: Mapping[str, Any], decisions: Sequence[Any]
    ) -> None:
        named: Any = self  # of the class, where a space is written down
        try:
            named.name = description["name"]
            named.version = description["version"]
            self._description = dict(description)
            self.decisions = tuple(
                Decision(**{**each, "choices": tuple(each["choices"])})
                for each in decisions
            )
        except (KeyError, TypeError, ValueError):
            raise ValueError(
                "Invalid record of a space. Expected its decisions. Received: "
                f"{quoted(decisions)}."
            ) from None

    def decode(self, decisions: Decisions) -> Decisions:
        self.check(decisions)
        return decisions

    def encode(self, architecture: Decisions) -> Decisions:
        return architecture

    def describe(self) -> dict[str, Any]:
        return self._description

    def text(self, architecture: Decisions) -> str:
        """A line for each decision."""
        names = self.to_names(architecture)
        return "\n".join(f"{name} = {choice}" for name, choice in names.items())


def record_decisions(space: SearchSpace) -> list[dict[str, Any]]:
    """The decisions of a space as JSON data."""
    return [dataclasses.asdict(decision) for decision in space.decisions]
