"""Search spaces as sequences of decisions: `Decision`, `SearchSpace`.

Strategies, evaluators and views know a space by this interface alone, and no
space by its class. Neither Keras nor TensorFlow is imported here.
"""

import abc
import csv
import functools
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from nasnet_keras import architectures
from nasnet_keras.architectures import ArchitectureKind
from nasnet_keras.quotation import quoted
from search.trial import Decisions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DecisionKind = Literal["input", "operation", "combiner", "ordered", "free"]
Capability = Literal[
    "network", "shared-weights", "mixture", "paths", "latency-table"
]

# What a space that lacks a capability cannot be used for.
CAPABILITIES: dict[Capability, str] = {
    "network": "architectures of which networks are built",
    "shared-weights": "cells, whose weights one network can hold",
    "mixture": "cells whose operations are summed: the combiner add alone",
    "paths": "architectures of which each layer is one of several that fit",
    "latency-table": "architectures whose parts are measured one by one",
}


@dataclass(frozen=True)
class Decision:
    """One choice that a strategy makes.

    Attributes:
        name: Unique in the space, such as `normal/0/operation_1`.
        choices: What there is to choose from, as written to files.
        kind: What is chosen: an input, an operation, a combiner, a number
            among others that are near to it or far (`"ordered"`), or anything
            else (`"free"`). Strategies may treat kinds differently.
        group: The number of the block that the decision belongs to.
    """

    name: str
    choices: tuple[str, ...]
    kind: DecisionKind = "free"
    group: int = 0

    def __post_init__(self) -> None:
        if self.kind == "ordered":
            self.numbers  # noqa: B018

    @property
    def numbers(self) -> tuple[float, ...]:
        """The choices of an ordered decision as numbers.

        Raises:
            ValueError: A choice is no number.
        """
        try:
            return tuple(map(float, self.choices))
        except ValueError:
            raise ValueError(
                f"Invalid choices of the decision `{self.name}`. Expected "
                f"numbers. Received: {', '.join(self.choices)}."
            ) from None


class SearchSpace(abc.ABC):
    """A set of architectures, each given by a vector of decisions; and all
    that others must know of such an architecture.

    Attributes:
        name: Identifies the space in run folders, with `version`.
        version: Raise it when a decision vector gets another meaning.
        decisions: The decisions, in the order in which a controller makes
            them.
        kind_name: The kind of its architectures, a key of
            `nasnet_keras.architectures.KINDS`. None if there are no networks,
            as in a table.
        same_costs: Whether networks with equal `canonical` have equal costs.
            Default True. False if a published rule treats networks of
            different costs as equal.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    decisions: tuple[Decision, ...]
    kind_name: ClassVar[str | None] = None
    same_costs: ClassVar[bool] = True

    @property
    def location(self) -> str | None:
        """The place of the space, "module:attribute", from which a run imports
        it. Default None: the run makes the space again by its class and its
        description."""
        return None

    @functools.cached_property
    def kind(self) -> ArchitectureKind | None:
        """How architectures become data, text, pictures and networks."""
        if self.kind_name is None:
            return None
        return architectures.find_kind(self.kind_name)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What works with this space and not with all; by default what its
        kind has, if it has one."""
        found: set[Capability] = set()
        if self.kind is not None:
            found.add("network")
            if self.kind.latency_part is not None:
                found.add("latency-table")
        return frozenset(found)

    @abc.abstractmethod
    def decode(self, decisions: Decisions) -> Any:
        """The architecture of a decision vector."""

    @abc.abstractmethod
    def encode(self, architecture: Any) -> Decisions:
        """A decision vector of an architecture: the inverse of `decode`.

        Raises:
            ValueError: The architecture is not in the space.
        """

    @abc.abstractmethod
    def describe(self) -> dict[str, Any]:
        """The space as JSON data: its name, its version, and the arguments
        that make it again."""

    def to_data(self, architecture: Any) -> dict[str, Any]:
        """An architecture as JSON data: with its kind, or by decisions."""
        if self.kind is not None:
            return architectures.to_data(self.kind, architecture)
        return {"decisions": self.to_names(self.encode(architecture))}

    def text(self, architecture: Any) -> str:
        """An architecture in a few lines for a person."""
        return (
            str(architecture)
            if self.kind is None
            else self.kind.text(architecture)
        )

    def pictures(self, architecture: Any) -> "Mapping[str, Figure]":
        """An architecture as pictures, by name."""
        return {} if self.kind is None else self.kind.pictures(architecture)

    def canonical(self, decisions: Decisions) -> Decisions:
        """One decision vector for all vectors whose networks compute the same
        function, so that duplicates are recognised. By default each vector
        is its own.

        Raises:
            ValueError: It is no vector of the space.
        """
        self.check(decisions)
        return decisions

    def features(self, decisions: Decisions) -> np.ndarray:
        """Numbers by which surrogates learn from few architectures, as many
        for each and equal for all of equal `canonical`.

        By default, of decisions of the same kind and choices how many take
        each choice, whatever their order, and of ordered ones the sum. A
        space that knows its graphs has more to say.
        """
        alike: dict[Decision, list[int]] = {}
        for decision, choice in zip(
            self.decisions, self.canonical(decisions), strict=True
        ):
            key = Decision("", decision.choices, decision.kind)
            alike.setdefault(key, []).append(choice)
        numbers: list[float] = []
        for decision, taken in alike.items():
            counts = np.bincount(taken, minlength=len(decision.choices))
            numbers += counts.tolist()
            if decision.kind == "ordered":
                values = decision.numbers
                numbers.append(math.fsum(values[choice] for choice in taken))
        return np.array(numbers, float)

    @property
    def groups(self) -> int:
        """The number of groups of decisions: the blocks of a cell."""
        return 1 + max(decision.group for decision in self.decisions)

    @property
    def size(self) -> int:
        """The number of decision vectors."""
        product = 1
        for decision in self.decisions:
            product *= len(decision.choices)
        return product

    def sample(self, rng: np.random.Generator) -> Decisions:
        """A decision vector, each choice uniform."""
        return tuple(
            int(rng.integers(len(decision.choices)))
            for decision in self.decisions
        )

    def mutate(
        self, decisions: Decisions, rng: np.random.Generator
    ) -> Decisions:
        """A copy in which one decision takes another choice; all such changes
        are equally likely per decision.

        Raises:
            ValueError: The space has a single architecture.
        """
        positions = [
            position
            for position, decision in enumerate(self.decisions)
            if len(decision.choices) > 1
        ]
        if not positions:
            raise ValueError(
                "Expected a space with a decision of two or more choices. "
                f"Received: {self.describe()}."
            )
        position = positions[int(rng.integers(len(positions)))]
        count = len(self.decisions[position].choices)
        step = 1 + int(rng.integers(count - 1))
        changed = list(decisions)
        changed[position] = (changed[position] + step) % count
        return tuple(changed)

    def neighbours(self, decisions: Decisions) -> Iterator[Decisions]:
        """All vectors that differ in exactly one decision."""
        for position, decision in enumerate(self.decisions):
            for choice in range(len(decision.choices)):
                if choice != decisions[position]:
                    yield (
                        *decisions[:position],
                        choice,
                        *decisions[position + 1 :],
                    )

    def covering(self) -> Iterator[Decisions]:
        """Vectors whose networks together have all parts that a table of
        latencies measures; by default each choice of each decision once."""
        first = (0,) * len(self.decisions)
        yield first
        yield from self.neighbours(first)

    def check(self, decisions: Decisions) -> None:
        """Raises:
        ValueError: The vector has another length than the space has
            decisions, or a position beyond a decision's choices.
        """
        if len(decisions) != len(self.decisions):
            raise ValueError(
                "Invalid value for argument `decisions`. Expected "
                f"{len(self.decisions)} decisions. Received: "
                f"{len(decisions)}."
            )
        for decision, choice in zip(self.decisions, decisions, strict=True):
            if not 0 <= choice < len(decision.choices):
                raise ValueError(
                    "Invalid value for argument `decisions`. Expected for "
                    f"`{decision.name}` a position from 0 to "
                    f"{len(decision.choices) - 1}. Received: {choice}."
                )

    def to_names(self, decisions: Decisions) -> dict[str, str]:
        """The decisions by name, the form in which files hold them."""
        self.check(decisions)
        return {
            decision.name: decision.choices[choice]
            for decision, choice in zip(self.decisions, decisions, strict=True)
        }

    def from_names(self, names: Mapping[str, str]) -> Decisions:
        """The inverse of `to_names`.

        Raises:
            ValueError: A decision is missing or unknown, or takes a choice
                that the space does not have.
        """
        positions = self._positions
        if list(names) != list(positions):
            raise ValueError(
                "Invalid value for argument `names`. Expected the decisions "
                f"of space {self.name!r} version {self.version}, in order. "
                f"Received: {list(names)}."
            )
        decisions = []
        for name, choice in names.items():
            try:
                decisions.append(positions[name][choice])
            except (KeyError, TypeError):
                raise ValueError(
                    f"Invalid value for decision `{name}`. Expected one of "
                    f"{', '.join(positions[name])}. Received: {quoted(choice)}."
                ) from None
        return tuple(decisions)

    def to_key(self, decisions: Decisions) -> str:
        """An architecture in one line, by which tables name it; by default
        its choices, joined by commas, those with commas in quotes.

        Example:

        >>> from search.spaces import create_space
        >>> space = create_space("nasnet", {"blocks": 1, "cells": 1})
        >>> space.to_key((0, 1, 0, 1, 0))
        '0,1,identity,conv_1x3_3x1,add'
        """
        line = io.StringIO()
        names = self.to_names(decisions).values()
        csv.writer(line, lineterminator="").writerow(names)
        return line.getvalue()

    def from_key(self, key: str) -> Decisions:
        """A decision vector of an architecture as tables name it: the inverse
        of `to_key`.

        Raises:
            ValueError: The architecture is not in the space.
        """
        names = next(csv.reader([key]), [])
        if len(names) != len(self.decisions):
            raise ValueError(
                "Invalid value for argument `key`. Expected "
                f"{len(self.decisions)} choices joined by commas. Received: "
                f"{quoted(key)}."
            )
        return self.from_names(dict(zip(self._positions, names, strict=True)))

    @functools.cached_property
    def _positions(self) -> dict[str, dict[str, int]]:
        """By decision the positions of its choices."""
        return {
            decision.name: {
                choice: position
                for position, choice in enumerate(decision.choices)
            }
            for decision in self.decisions
        }


def positional_features(
    decisions: Sequence[Decision], choices: Decisions
) -> np.ndarray:
    """Of each decision which choice is taken, and of ordered ones the number:
    features of a space in which it matters where a choice is taken.

    Example:

    >>> positional_features([Decision("kernel", ("3", "5"), "ordered")], (1,))
    array([0., 1., 5.])
    """
    numbers: list[float] = []
    for decision, choice in zip(decisions, choices, strict=True):
        count = len(decision.choices)
        numbers += [float(choice == each) for each in range(count)]
        if decision.kind == "ordered":
            numbers.append(decision.numbers[choice])
    return np.array(numbers, float)


def lacks(space: SearchSpace, capability: Capability) -> str:
    """The sentence to say where a space lacks what is needed."""
    return (
        f"Invalid value for `space`. Expected a space of "
        f"{CAPABILITIES[capability]}. Received: {space.describe()}."
    )
