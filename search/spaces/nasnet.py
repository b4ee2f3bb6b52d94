"""Search spaces as sequences of decisions: `Decision`, `SearchSpace`, and
`NASNetSpace`, the paper's space of 2 x 5B decisions.

Strategies know a space by the interface alone, and no space by its class.
Neither Keras nor TensorFlow is imported here.
"""

import abc
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from nasnet_keras.genotype import (
    MAX_BLOCKS,
    NASNET_COMBINERS,
    NASNET_OPERATIONS,
    Block,
    CellSpec,
    Genotype,
)
from search.trial import Decisions

Kind = Literal["input", "operation", "combiner", "free"]


@dataclass(frozen=True)
class Decision:
    """One choice that a strategy makes.

    Attributes:
        name: Unique in the space, such as `normal/0/operation_1`.
        choices: What there is to choose from, as written to files.
        kind: What is chosen: an input, an operation, a combiner, or
            anything else (`"free"`). Strategies may treat kinds differently.
        group: The number of the block that the decision belongs to.
    """

    name: str
    choices: tuple[str, ...]
    kind: Kind = "free"
    group: int = 0


class SearchSpace(abc.ABC):
    """A set of architectures, each given by a vector of decisions.

    `name` and `version` identify the space in run directories: a change of
    what a decision vector means is a change of version. `decisions` are the
    decisions in the order in which a controller makes them.
    """

    name: str
    version: int
    decisions: tuple[Decision, ...]

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
        """The space as JSON data: its name, version and arguments."""

    def canonical(self, decisions: Decisions) -> Decisions:
        """One decision vector for all that compute the same function, so
        that equal results are recognised as duplicates."""
        return decisions

    def prefix(self, groups: int) -> "SearchSpace | None":
        """The space of architectures of the first `groups` groups, or None
        where the space has no smaller ones."""
        return None

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
        self,
        decisions: Decisions,
        rng: np.random.Generator,
        kind: Kind | None = None,
    ) -> Decisions:
        """A copy in which one decision, of the given kind if one is given,
        takes another choice; all such changes are equally likely per
        decision.

        Raises:
            ValueError: The space has no decision of that kind to change.
        """
        positions = [
            position
            for position, decision in enumerate(self.decisions)
            if len(decision.choices) > 1 and kind in (None, decision.kind)
        ]
        if not positions:
            raise ValueError(
                "Invalid value for argument `kind`. Expected a kind of which "
                "the space has a decision with two or more choices. "
                f"Received: kind={kind!r}."
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
                    f"{', '.join(positions[name])}. Received: {choice!r}."
                ) from None
        return tuple(decisions)

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


class NASNetSpace(SearchSpace):
    """The NASNet search space: two cells of B blocks, five decisions a block.

    For the normal cell and then for the reduction cell, each block chooses
    hidden state 1, hidden state 2, operation 1, operation 2 and the combiner,
    in that order. What no block of a cell reads is concatenated.

    Reference:
        [Zoph et al. 2018](https://arxiv.org/abs/1707.07012), section 3 and
        appendix A.1.

    Args:
        blocks: B, the number of blocks of each cell. Default 5, the paper's.
        combiners: The combiners to choose from. Default both of the paper's;
            `("add",)` gives the spaces of AmoebaNet and PNASNet.

    Raises:
        ValueError: `blocks` is not from 1 to 10, or a combiner is unknown.

    Example:

    >>> space = NASNetSpace()
    >>> len(space.decisions)
    50
    """

    name = "nasnet"
    version = 1

    def __init__(
        self, blocks: int = 5, combiners: tuple[str, ...] = NASNET_COMBINERS
    ) -> None:
        if type(blocks) is not int or not 1 <= blocks <= MAX_BLOCKS:
            raise ValueError(
                "Invalid value for argument `blocks`. Expected an integer "
                f"from 1 to {MAX_BLOCKS}. Received: blocks={blocks!r}."
            )
        if (
            not combiners
            or not set(combiners) <= set(NASNET_COMBINERS)
            or len(set(combiners)) < len(combiners)
        ):
            raise ValueError(
                "Invalid value for argument `combiners`. Expected some of "
                f"{', '.join(NASNET_COMBINERS)}, each once. Received: "
                f"combiners={combiners!r}."
            )
        self.blocks = blocks
        self.combiners = tuple(combiners)
        self.decisions = tuple(
            decision
            for cell in ("normal", "reduction")
            for block in range(blocks)
            for decision in self._block_decisions(cell, block)
        )

    def _block_decisions(self, cell: str, block: int) -> list[Decision]:
        states = tuple(str(state) for state in range(2 + block))
        slots: list[tuple[str, tuple[str, ...], Kind]] = [
            ("input_1", states, "input"),
            ("input_2", states, "input"),
            ("operation_1", NASNET_OPERATIONS, "operation"),
            ("operation_2", NASNET_OPERATIONS, "operation"),
            ("combiner", self.combiners, "combiner"),
        ]
        return [
            Decision(f"{cell}/{block}/{slot}", choices, kind, block)
            for slot, choices, kind in slots
        ]

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "version": self.version,
            "blocks": self.blocks,
            "combiners": list(self.combiners),
        }

    def decode(self, decisions: Decisions) -> Genotype:
        self.check(decisions)
        blocks = []
        for start in range(0, len(decisions), 5):
            first, second, op_1, op_2, combiner = decisions[start : start + 5]
            blocks.append(
                Block(
                    (first, second),
                    (NASNET_OPERATIONS[op_1], NASNET_OPERATIONS[op_2]),
                    self.combiners[combiner],
                )
            )
        return Genotype(
            normal=CellSpec(tuple(blocks[: self.blocks])),
            reduction=CellSpec(tuple(blocks[self.blocks :])),
        )

    def encode(self, architecture: Genotype) -> Decisions:
        decisions: list[int] = []
        for cell in (architecture.normal, architecture.reduction):
            unused = CellSpec(cell.blocks, inputs=cell.inputs).output_states
            if len(cell.blocks) != self.blocks or cell.inputs != 2:
                raise ValueError(
                    "Invalid value for argument `architecture`. Expected "
                    f"cells of {self.blocks} blocks and 2 inputs. Received: "
                    f"{len(cell.blocks)} blocks, {cell.inputs} inputs."
                )
            if cell.output_states != unused:
                raise ValueError(
                    "Invalid value for argument `architecture`. Expected "
                    "cells that concatenate their unused states "
                    f"{list(unused)}. Received: "
                    f"concat={list(cell.output_states)}."
                )
            for block in cell.blocks:
                for name in block.operations:
                    if name not in NASNET_OPERATIONS:
                        raise ValueError(
                            "Invalid value for argument `architecture`. "
                            "Expected the 13 operations of the NASNet space. "
                            f"Received: {name!r}."
                        )
                if block.combiner not in self.combiners:
                    raise ValueError(
                        "Invalid value for argument `architecture`. Expected "
                        f"the combiners {', '.join(self.combiners)}. "
                        f"Received: {block.combiner!r}."
                    )
                decisions += [
                    *block.inputs,
                    *(NASNET_OPERATIONS.index(op) for op in block.operations),
                    self.combiners.index(block.combiner),
                ]
        return tuple(decisions)

    def canonical(self, decisions: Decisions) -> Decisions:
        """The two sides of every block in order, and the blocks in the first
        order (by their decisions) that keeps inputs before their readers.

        Swapping the sides of a block, and renumbering blocks, change at most
        the order of channels.
        """
        self.check(decisions)
        half = 5 * self.blocks
        return self._canonical_cell(decisions[:half]) + self._canonical_cell(
            decisions[half:]
        )

    def _canonical_cell(self, decisions: Decisions) -> Decisions:
        blocks = {
            2 + block: decisions[5 * block : 5 * block + 5]
            for block in range(self.blocks)
        }
        return _first_order(blocks, {0: 0, 1: 1})

    def prefix(self, groups: int) -> "NASNetSpace":
        """The space of cells of the first `groups` blocks."""
        return NASNetSpace(groups, self.combiners)


def _first_order(
    pending: dict[int, Decisions], numbers: dict[int, int]
) -> Decisions:
    """The least sequence of the pending blocks, their sides in order.

    Args:
        pending: The decisions of the blocks not yet placed, by state.
        numbers: The new numbers of the states that are there.
    """
    if not pending:
        return ()
    rows = {}
    for state, (first, second, op_1, op_2, combiner) in pending.items():
        if first in numbers and second in numbers:
            (first, op_1), (second, op_2) = sorted(
                [(numbers[first], op_1), (numbers[second], op_2)]
            )
            rows[state] = (first, second, op_1, op_2, combiner)
    least = min(rows.values())
    read = {state for block in pending.values() for state in block[:2]}
    # Equal blocks differ by who reads them, so each is tried; those that
    # nobody reads do not.
    tied = {
        state if state in read else None: state
        for state, row in rows.items()
        if row == least
    }
    return least + min(
        _first_order(
            {other: row for other, row in pending.items() if other != state},
            {**numbers, state: len(numbers)},
        )
        for state in tied.values()
    )


SPACES: dict[str, type[NASNetSpace]] = {NASNetSpace.name: NASNetSpace}
