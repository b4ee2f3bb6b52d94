"""The space of the NASNet paper: `NASNetSpace`.

Neither Keras nor TensorFlow is imported here.
"""

import functools
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np

from nasnet_keras.genotype import (
    MAX_BLOCKS,
    NASNET_COMBINERS,
    NASNET_OPERATIONS,
    OPERATION_NAMES,
    Block,
    CellSpec,
    Genotype,
)
from nasnet_keras.genotype_formats import is_known, read_genotype
from nasnet_keras.quotation import quoted
from search.spaces.base import Capability, Decision, DecisionKind, SearchSpace
from search.spaces.graph_features import block_features
from search.trial import Decisions

_CONCATENATED = {"unused": "their unused", "all": "all of their"}


class NASNetSpace(SearchSpace):
    """The NASNet search space: two cells of B blocks, five decisions a block.

    For the normal cell and then for the reduction cell, each block chooses
    hidden state 1, hidden state 2, operation 1, operation 2 and the combiner,
    in that order. What no block of a cell reads is concatenated.

    With other options it is the space of another paper: `subspaces.py` has
    those of PNASNet, ENAS, DARTS and AmoebaNet, by name.

    Reference:
        [Zoph et al. 2018](https://arxiv.org/abs/1707.07012), section 3 and
        appendix A.1.

    Args:
        blocks: B, the number of blocks of each cell. Default 5, the paper's.
        combiners: The combiners to choose from. Default both of the
            paper's.
        operations: The operations to choose from, of those of
            `OPERATION_NAMES`. Default the paper's 13.
        cells: 2, the default: the normal and the reduction cell are chosen
            apart. 1: one cell is chosen, which halves height and width where
            a reduction is due, as in PNAS.
        concat: What a cell concatenates: `"unused"`: the blocks that none
            reads; `"all"`: every block, as in DARTS. Default `"unused"`.

    Attributes:
        cell_names: By which the decisions of each cell begin.

    Raises:
        ValueError: `blocks` is not from 1 to 10, `cells` is neither 1 nor 2,
            `concat` is neither, a combiner or an operation is unknown, or
            there is no operation but `none`.

    Example:

    >>> space = NASNetSpace()
    >>> len(space.decisions)
    50
    >>> space = NASNetSpace(operations=("identity", "conv_3x3"), cells=1)
    >>> len(space.decisions)
    25
    """

    name = "nasnet"
    version = 1
    kind_name = "nasnet"

    def __init__(
        self,
        blocks: int = 5,
        combiners: Sequence[str] = NASNET_COMBINERS,
        operations: Sequence[str] = NASNET_OPERATIONS,
        cells: int = 2,
        concat: Literal["unused", "all"] = "unused",
    ) -> None:
        if type(blocks) is not int or not 1 <= blocks <= MAX_BLOCKS:
            raise ValueError(
                "Invalid value for argument `blocks`. Expected an integer "
                f"from 1 to {MAX_BLOCKS}. Received: blocks={quoted(blocks)}."
            )
        if type(cells) is not int or cells not in (1, 2):
            raise ValueError(
                "Invalid value for argument `cells`. Expected 1, one cell for "
                "both strides, or 2, a normal and a reduction cell. Received: "
                f"cells={cells!r}."
            )
        self.blocks = blocks
        self.combiners = some_of("combiners", combiners, NASNET_COMBINERS)
        self.operations = some_of("operations", operations, OPERATION_NAMES)
        if self.operations == ("none",):
            raise ValueError(
                "Invalid value for argument `operations`. Expected another "
                f"beside none. Received: operations={quoted(operations)}."
            )
        if not isinstance(concat, str) or concat not in _CONCATENATED:
            raise ValueError(
                "Invalid value for argument `concat`. Expected 'unused' or "
                f"'all'. Received: concat={quoted(concat)}."
            )
        self.cells = cells
        self.concat = concat
        self.cell_names = ("cell",) if cells == 1 else ("normal", "reduction")
        self.decisions = tuple(
            decision
            for cell in self.cell_names
            for block in range(blocks)
            for decision in self._block_decisions(cell, block)
        )

    def _block_decisions(self, cell: str, block: int) -> list[Decision]:
        states = tuple(str(state) for state in range(2 + block))
        slots: list[tuple[str, tuple[str, ...], DecisionKind]] = [
            ("input_1", states, "input"),
            ("input_2", states, "input"),
            ("operation_1", self.operations, "operation"),
            ("operation_2", self.operations, "operation"),
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
            # Only where it is so: the paper's space is described as before.
            **(
                {"operations": list(self.operations)}
                if self.operations != NASNET_OPERATIONS
                else {}
            ),
            **({"cells": self.cells} if self.cells != 2 else {}),
            **({"concat": self.concat} if self.concat != "unused" else {}),
        }

    @property
    def capabilities(self) -> frozenset[Capability]:
        """A mixture, of DARTS, sums its operations."""
        more: set[Capability] = {"shared-weights"}
        if self.combiners == ("add",):
            more.add("mixture")
        return super().capabilities | more

    def decode(self, decisions: Decisions) -> Genotype:
        self.check(decisions)
        blocks = []
        for start in range(0, len(decisions), 5):
            first, second, op_1, op_2, combiner = decisions[start : start + 5]
            blocks.append(
                Block(
                    (first, second),
                    (self.operations[op_1], self.operations[op_2]),
                    self.combiners[combiner],
                )
            )
        return self.genotype(blocks)

    def genotype(self, blocks: Sequence[Block]) -> Genotype:
        """The genotype with these blocks: first those of the normal cell, then
        those of the reduction cell. With one cell, both are this cell."""
        cells = [
            self._cell(tuple(blocks[start : start + self.blocks]))
            for start in range(0, len(blocks), self.blocks)
        ]
        return Genotype(normal=cells[0], reduction=cells[-1])

    def _cell(self, blocks: tuple[Block, ...]) -> CellSpec:
        if self.concat == "unused":
            return CellSpec(blocks)
        return CellSpec(blocks, concat=tuple(range(2, 2 + len(blocks))))

    def encode(self, architecture: Genotype) -> Decisions:
        decisions: list[int] = []
        for cell in (architecture.normal, architecture.reduction):
            if len(cell.blocks) != self.blocks or cell.inputs != 2:
                raise ValueError(
                    "Invalid value for argument `architecture`. Expected "
                    f"cells of {self.blocks} blocks and 2 inputs. Received: "
                    f"{len(cell.blocks)} blocks, {cell.inputs} inputs."
                )
            states = self._cell(cell.blocks).output_states
            if cell.output_states != states:
                raise ValueError(
                    "Invalid value for argument `architecture`. Expected "
                    f"cells that concatenate {_CONCATENATED[self.concat]} "
                    f"states {list(states)}. Received: "
                    f"concat={list(cell.output_states)}."
                )
            for block in cell.blocks:
                for name in block.operations:
                    if name not in self.operations:
                        raise ValueError(
                            "Invalid value for argument `architecture`. "
                            "Expected the operations "
                            f"{', '.join(self.operations)}. Received: "
                            f"{quoted(name)}."
                        )
                if block.combiner not in self.combiners:
                    raise ValueError(
                        "Invalid value for argument `architecture`. Expected "
                        f"the combiners {', '.join(self.combiners)}. "
                        f"Received: {quoted(block.combiner)}."
                    )
                decisions += [
                    *block.inputs,
                    *(self.operations.index(op) for op in block.operations),
                    self.combiners.index(block.combiner),
                ]
        if self.cells == 1:
            half = len(self.decisions)
            if decisions[:half] != decisions[half:]:
                raise ValueError(
                    "Invalid value for argument `architecture`. Expected the "
                    "same normal and reduction cell. Received: "
                    f"{architecture}."
                )
            del decisions[half:]
        return tuple(decisions)

    def from_key(self, key: str) -> Decisions:
        """The choices, or a genotype as DARTS or NNI writes it, see
        `nasnet_keras.genotype_formats`."""
        if is_known(key):
            return self.encode(read_genotype(key))
        return super().from_key(key)

    def canonical(self, decisions: Decisions) -> Decisions:
        """The two sides of every block in order, and the blocks in the first
        order (by their decisions) that keeps inputs before their readers.

        Swapping the sides of a block, and renumbering blocks, change at most
        the order of channels. Which state `none` reads stays: a state that is
        read is not concatenated.
        """
        self.check(decisions)
        length = 5 * self.blocks
        return tuple(
            choice
            for start in range(0, len(decisions), length)
            for choice in self._canonical_cell(
                decisions[start : start + length]
            )
        )

    def _canonical_cell(self, decisions: Decisions) -> Decisions:
        blocks = {
            2 + block: decisions[5 * block : 5 * block + 5]
            for block in range(self.blocks)
        }
        return _first_order(blocks, {0: 0, 1: 1})

    def covering(self) -> Iterator[Decisions]:
        """Each operation with each combiner, on the inputs of a cell and on
        the states of its blocks; and cells that concatenate one, two and all
        of their blocks, so that what reads them comes in the fewest and in
        the most channels."""
        later = range(1, self.blocks)
        for combiner in range(len(self.combiners)):
            for operation in range(len(self.operations)):
                yield self._alike(
                    [(0, 1), *((2, 2) for _ in later)], operation, combiner
                )
            for first in (self.blocks, 2, 1):  # then each reads the last
                inputs = [(0, 1)] * min(first, self.blocks)
                inputs += [(1 + block,) * 2 for block in later[first - 1 :]]
                yield self._alike(inputs, 0, combiner)

    def _alike(
        self, inputs: Sequence[tuple[int, ...]], operation: int, combiner: int
    ) -> Decisions:
        """Equal cells, whose blocks differ by their inputs alone."""
        cell = tuple(
            choice
            for pair in inputs
            for choice in (*pair, operation, operation, combiner)
        )
        return cell * self.cells

    def features(self, decisions: Decisions) -> np.ndarray:
        """Of each cell how many blocks have each combiner, and what
        `block_features` says."""
        self.check(decisions)
        size, operations = 5 * self.blocks, self.decisions[2].choices
        return np.concatenate(
            [
                _cell_features(
                    decisions[start : start + size],
                    operations,
                    len(self.combiners),
                )
                for start in range(0, len(decisions), size)
            ]
        )


def some_of(
    argument: str, names: Sequence[str], known: Sequence[str]
) -> tuple[str, ...]:
    """Names to choose from, in their order.

    Raises:
        ValueError: They are not some of those known, each once.

    Example:

    >>> some_of("combiners", ["add"], NASNET_COMBINERS)
    ('add',)
    """
    if (
        not isinstance(names, list | tuple)
        or not names
        or not all(name in known for name in names)
        or len(set(names)) < len(names)
    ):
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected some of "
            f"{', '.join(known)}, each once. Received: "
            f"{argument}={quoted(names)}."
        )
    return tuple(names)


# Of many neighbours of a vector one cell is the same.
@functools.lru_cache(maxsize=10_000)
def _cell_features(
    cell: Decisions, operations: tuple[str, ...], combiners: int
) -> tuple[float, ...]:
    chosen = cell[4::5]
    blocks = [cell[start : start + 4] for start in range(0, len(cell), 5)]
    return (
        *(float(chosen.count(number)) for number in range(combiners)),
        *block_features(blocks, operations),
    )


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
