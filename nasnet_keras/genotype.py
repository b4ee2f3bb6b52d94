"""Cells as data: `Block`, `CellSpec`, `Genotype`.

A genotype says what a network's two cells compute and nothing about how it
is built or trained. This module imports neither Keras nor TensorFlow, so
that searches, reports and command lines read genotypes at once.

Hidden states of a cell are numbered: 0 is the cell's current input h_i, 1
the input before it h_(i-1), and 2, 3, ... are the outputs of the blocks in
order (TF-slim's and the published checkpoints' numbering; DARTS and ENAS
swap 0 and 1).

Reference:
    [Learning Transferable Architectures for Scalable Image Recognition](
    https://arxiv.org/abs/1707.07012), section 3.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from nasnet_keras.quotation import quoted
from nasnet_keras.strict_json import parse_json

SCHEMA_VERSION = 1
MAX_BLOCKS = 10
LINE_LENGTH = 100  # of the JSON text: a block fits on a line
UNUSED: Literal["unused"] = "unused"
# Which of its inputs a cell projects, see `nasnet_keras.layers.cell.Cell`.
Projection = Literal["needed", "all", "twice"]

# The 13 operations of the NASNet search space, in the paper's order
# (section 3). `nasnet_keras.layers.operations.OPERATIONS` maps each to its
# layer.
NASNET_OPERATIONS = (
    "identity",
    "conv_1x3_3x1",
    "conv_1x7_7x1",
    "dil_conv_3x3",
    "avg_pool_3x3",
    "max_pool_3x3",
    "max_pool_5x5",
    "max_pool_7x7",
    "conv_1x1",
    "conv_3x3",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
)

# Known operations: the space's, then those that published cells and the spaces
# of other papers need.
OPERATION_NAMES: tuple[str, ...] = (
    *NASNET_OPERATIONS,
    "max_pool_2x2",
    "dil_sep_conv_3x3",
    "dil_sep_conv_5x5",
    "none",
)

# The combiners of the search space, then those of published cells alone.
# `nasnet_keras.layers.combiners.COMBINERS` maps each to its layer.
NASNET_COMBINERS = ("add", "concat")
COMBINER_NAMES: tuple[str, ...] = (
    *NASNET_COMBINERS,
    "add_layer_norm",
    "add_instance_norm",
)


@dataclass(frozen=True)
class Block:
    """Two hidden states, one operation on each, and how to combine them.

    Args:
        inputs: The numbers of the two hidden states.
        operations: The names of the two operations, the first for the first
            input.
        combiner: `"add"`, `"concat"`, or one of the others of
            `COMBINER_NAMES`.

    Raises:
        ValueError: A name is unknown, or there are not two of each.

    Example:

    >>> Block((0, 1), ("sep_conv_3x3", "identity")).combiner
    'add'
    """

    inputs: tuple[int, int]
    operations: tuple[str, str]
    combiner: str = "add"

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", _pair(self.inputs, "inputs"))
        object.__setattr__(
            self, "operations", _pair(self.operations, "operations")
        )
        for state in self.inputs:
            _check_state_number(state, "inputs")
        for name in self.operations:
            _check_name(name, OPERATION_NAMES, "operations")
        _check_name(self.combiner, COMBINER_NAMES, "combiner")


@dataclass(frozen=True)
class CellSpec:
    """The blocks of one cell and the hidden states that make its output.

    Args:
        blocks: 1 to 10 blocks. A block's inputs come before it.
        concat: The numbers of the states that the cell concatenates, or
            `"unused"`, the paper's rule: the block outputs that no other
            block of the cell reads. The hand-written lists of published
            checkpoints differ from that rule, so a cell can carry its own.
        inputs: How many outputs of earlier cells the cell takes. NASNet-A
            and most others: 2, the default.
        separate: Whether the output states are passed on one by one, not
            concatenated: the first is input 0 of the next cell, and so on
            (NASNet-B). There are then as many as inputs. Default False.

    Raises:
        ValueError: No block or more than 10, an input that is not yet there,
            a state to concatenate that the cell does not have, or separate
            output states of another number than the inputs.

    Example:

    >>> spec = CellSpec((Block((0, 1), ("sep_conv_3x3", "identity")),))
    >>> spec.output_states
    (2,)
    """

    blocks: tuple[Block, ...]
    concat: tuple[int, ...] | Literal["unused"] = UNUSED
    inputs: int = 2
    separate: bool = False

    def __post_init__(self) -> None:
        self._check_blocks()
        if self.concat != UNUSED:
            self._check_concat()
        if type(self.separate) is not bool or (
            self.separate and len(self.output_states) != self.inputs
        ):
            raise ValueError(
                "Invalid value for argument `separate`. Expected False, or "
                "True and as many output states as inputs. Received: "
                f"separate={quoted(self.separate)}, {len(self.output_states)} "
                f"output states and {self.inputs} inputs."
            )

    def _check_blocks(self) -> None:
        if (
            not isinstance(self.blocks, list | tuple)
            or not 1 <= len(self.blocks) <= MAX_BLOCKS
        ):
            raise ValueError(
                "Invalid value for argument `blocks`. Expected a list of 1 to "
                f"{MAX_BLOCKS} blocks. Received: blocks={quoted(self.blocks)}."
            )
        object.__setattr__(self, "blocks", tuple(self.blocks))
        if type(self.inputs) is not int or self.inputs < 1:
            raise ValueError(
                "Invalid value for argument `inputs`. Expected a positive "
                f"integer. Received: inputs={quoted(self.inputs)}."
            )
        for position, block in enumerate(self.blocks):
            if not isinstance(block, Block):
                raise ValueError(
                    "Invalid value for argument `blocks`. Expected `Block` "
                    f"objects. Received: blocks[{position}]={quoted(block)}."
                )
            present = self.inputs + position
            for state in block.inputs:
                if state >= present:
                    raise ValueError(
                        "Invalid value for argument `blocks`. Expected the "
                        f"inputs of block {position} among the {present} "
                        "hidden states before it (0 to "
                        f"{present - 1}). Received: inputs={block.inputs}."
                    )

    def _check_concat(self) -> None:
        if not isinstance(self.concat, list | tuple):
            raise ValueError(
                "Invalid value for argument `concat`. Expected a list of "
                "hidden states or 'unused'. Received: "
                f"concat={quoted(self.concat)}."
            )
        object.__setattr__(self, "concat", tuple(self.concat))
        for state in self.concat:
            _check_state_number(state, "concat")
        if (
            not self.concat
            or len(set(self.concat)) < len(self.concat)
            or max(self.concat) >= self.states
        ):
            raise ValueError(
                "Invalid value for argument `concat`. Expected at least one "
                f"of the cell's {self.states} hidden states, each once. "
                f"Received: concat={list(self.concat)}."
            )

    @property
    def states(self) -> int:
        """The number of hidden states: the inputs and the block outputs."""
        return self.inputs + len(self.blocks)

    @property
    def output_states(self) -> tuple[int, ...]:
        """The states that the cell concatenates, `"unused"` resolved."""
        if self.concat != UNUSED:
            return tuple(self.concat)
        used = {state for block in self.blocks for state in block.inputs}
        return tuple(
            state
            for state in range(self.inputs, self.states)
            if state not in used
        )

    @property
    def output_multiple(self) -> int:
        """The channels of the whole output in multiples of the filters."""
        return sum(self.output_multiples)

    @property
    def output_multiples(self) -> tuple[int, ...]:
        """The channels of each output state in multiples of the cell's
        filters: a block that concatenates makes two."""
        return tuple(
            2
            if state >= self.inputs
            and self.blocks[state - self.inputs].combiner == "concat"
            else 1
            for state in self.output_states
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "inputs": self.inputs,
            "blocks": [
                {
                    "inputs": list(block.inputs),
                    "operations": list(block.operations),
                    "combiner": block.combiner,
                }
                for block in self.blocks
            ],
            "concat": self.concat
            if isinstance(self.concat, str)
            else list(self.concat),
            # Only where it is so: the files of other cells stay as they are.
            **({"separate": True} if self.separate else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "CellSpec":
        """The inverse of `to_dict`.

        Raises:
            ValueError: A key is missing or unknown, or a value is invalid.
        """
        _check_keys(
            data, {"blocks"}, {"concat", "inputs", "separate"}, "a cell"
        )
        blocks = data["blocks"]
        if not isinstance(blocks, list):
            raise ValueError(
                "Invalid value for `blocks` in a cell. Expected a list. "
                f"Received: {quoted(blocks)}."
            )
        for block in blocks:
            _check_keys(
                block, {"inputs", "operations"}, {"combiner"}, "a block"
            )
        return cls(
            blocks=tuple(Block(**block) for block in blocks),
            concat=data.get("concat", UNUSED),
            inputs=data.get("inputs", 2),
            separate=data.get("separate", False),
        )


@dataclass(frozen=True)
class Genotype:
    """A normal and a reduction cell: all that distinguishes one child network
    of a search from another.

    Args:
        normal: The cell that keeps height and width.
        reduction: The cell that halves them.

    Raises:
        ValueError: The two cells take different numbers of inputs, or one
            alone hands its output states on one by one.

    Example:

    >>> spec = CellSpec((Block((0, 1), ("sep_conv_3x3", "identity")),))
    >>> genotype = Genotype(normal=spec, reduction=spec)
    >>> Genotype.from_json(genotype.to_json()) == genotype
    True
    """

    normal: CellSpec
    reduction: CellSpec

    def __post_init__(self) -> None:
        for name in ("normal", "reduction"):
            if not isinstance(getattr(self, name), CellSpec):
                raise ValueError(
                    f"Invalid value for argument `{name}`. Expected a "
                    f"`CellSpec`. Received: {quoted(getattr(self, name))}."
                )
        if self.normal.inputs != self.reduction.inputs:
            raise ValueError(
                "The arguments `normal` and `reduction` disagree. Expected "
                "cells with the same number of inputs. Received: "
                f"{self.normal.inputs} and {self.reduction.inputs}."
            )
        if self.normal.separate != self.reduction.separate:
            raise ValueError(
                "The arguments `normal` and `reduction` disagree. Expected "
                "`separate` in both cells or in none. Received: "
                f"{self.normal.separate} and {self.reduction.separate}."
            )

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA_VERSION,
            "normal": self.normal.to_dict(),
            "reduction": self.reduction.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Genotype":
        """The inverse of `to_dict`.

        Raises:
            ValueError: The schema is another version, a key is missing or
                unknown, or a value is invalid.
        """
        _check_keys(
            data, {"schema", "normal", "reduction"}, set(), "a genotype"
        )
        schema = data["schema"]
        if type(schema) is not int or schema != SCHEMA_VERSION:
            raise ValueError(
                "Invalid value for `schema` in a genotype. Expected "
                f"{SCHEMA_VERSION}. Received: {quoted(schema)}."
            )
        return cls(
            normal=CellSpec.from_dict(data["normal"]),
            reduction=CellSpec.from_dict(data["reduction"]),
        )

    def to_json(self) -> str:
        """Readable JSON: a line for each block."""
        return _json(self.to_dict()) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Genotype":
        """The inverse of `to_json`.

        Raises:
            ValueError: The text is not JSON, or not a genotype.
        """
        try:
            data = parse_json(text)
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError(
                f"A genotype is a JSON text, and this is none: {error}."
            ) from None
        return cls.from_dict(data)


def _json(value: Any, indent: str = "") -> str:
    """`json.dumps`, broken only where a line would be too long."""
    line = json.dumps(value)
    inner = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list) or len(indent + line) <= LINE_LENGTH:
        return line
    deeper = indent + "  "
    if isinstance(value, dict):
        rows = [
            f"{json.dumps(key)}: {_json(item, deeper)}"
            for key, item in value.items()
        ]
        opening, closing = "{", "}"
    else:
        rows = [_json(item, deeper) for item in inner]
        opening, closing = "[", "]"
    body = ",\n".join(deeper + row for row in rows)
    return f"{opening}\n{body}\n{indent}{closing}"


def _pair(value: Any, argument: str) -> tuple[Any, Any]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected two, one for "
            f"each side of the block. Received: {argument}={quoted(value)}."
        )
    return tuple(value)


def _check_state_number(state: Any, argument: str) -> None:
    if type(state) is not int or state < 0:
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected the numbers "
            f"of hidden states, 0 or more. Received: {quoted(state)}."
        )


def _check_name(name: Any, known: tuple[str, ...], argument: str) -> None:
    if name not in known:
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected one of "
            f"{', '.join(known)}. Received: {quoted(name)}."
        )


def _check_keys(
    data: Any, required: set[str], optional: set[str], what: str
) -> None:
    if not isinstance(data, dict):
        raise ValueError(
            f"Expected {what} to be a JSON object. Received: {quoted(data)}."
        )
    missing = sorted(required - data.keys())
    unknown = sorted(data.keys() - required - optional, key=str)
    if missing or unknown:
        raise ValueError(
            f"Expected {what} to have the keys "
            f"{sorted(required | optional)}. Missing: {missing}. "
            f"Unknown: {unknown}."
        )
