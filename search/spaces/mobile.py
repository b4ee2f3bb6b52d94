"""The space of MnasNet, block by block: `MobileSpace`.

Neither Keras nor TensorFlow is imported here.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np

from nasnet_keras.kinds.mobile import published
from nasnet_keras.kinds.mobile.architecture import (
    ACTIVATIONS,
    OPERATORS,
    SKIPS,
    MobileArchitecture,
    MobileBlock,
)
from nasnet_keras.quotation import quoted
from search.spaces.base import (
    Decision,
    DecisionKind,
    SearchSpace,
    positional_features,
)
from search.trial import Decisions

MULTIPLES = (0.75, 1.0, 1.25)  # of the filters; section 4.1, as the next two
MORE_LAYERS = (-1, 0, 1)
RATIOS = (0.0, 0.25)
KERNELS = (3, 5, 7)
MAX_WIDTH = 5  # 1,728 filters, the most of a reference, stay below MAX_NUMBER

REFERENCES: dict[str, MobileArchitecture] = {
    name.lower(): value
    for name, value in vars(published).items()
    if isinstance(value, MobileArchitecture)
}


class _Slot(NamedTuple):
    """What a block decides of one of its fields: values, by the names of the
    choices."""

    kind: DecisionKind
    values: dict[str, Any]

    def at(self, choice: int) -> Any:
        return tuple(self.values.values())[choice]


class MobileSpace(SearchSpace):
    """Mobile networks around a reference: each of its blocks decides what a
    layer is, its kernel, its squeeze-and-excite, its skip, its filters and
    how many there are (the factorised hierarchical space).

    Filters are 0.75, 1 or 1.25 times those of the reference, rounded to whole
    numbers, and layers one fewer, as many or one more, but never none.

    Reference:
        [Tan et al. 2019](https://arxiv.org/abs/1807.11626), section 4.1.

    Args:
        reference: A key of `REFERENCES`. Default `"mobilenet_v2"`, the
            paper's.
        width: What all filters are multiplied with, those of the head only
            above 1. Default 1.
        stem: For which images: `"imagenet"`: as the reference, of 224;
            `"cifar"`: of 32, where the stem and the first block that halves
            height and width do not. Default `"cifar"`.
        kernels: The sides of a kernel to choose from, ascending. Default 3
            and 5, the paper's; ProxylessNAS has 7 too.
        blocks: How many of the reference's blocks there are, from the
            first. Default: all.
        activation: Of all layers, one of `ACTIVATIONS`. Default: the
            reference's.

    Raises:
        ValueError: An argument is out of range.

    Example:

    >>> space = MobileSpace()
    >>> len(space.decisions), f"{space.size:.1e}"
    (42, '1.2e+18')
    >>> space.decode(space.encode(space.reference)) == space.reference
    True
    """

    name = "mobile"
    version = 1
    kind_name = "mobile"

    def __init__(
        self,
        reference: str = "mobilenet_v2",
        width: float = 1.0,
        stem: Literal["cifar", "imagenet"] = "cifar",
        kernels: Sequence[int] = (3, 5),
        blocks: int | None = None,
        activation: str | None = None,
    ) -> None:
        _check(
            "reference",
            reference,
            f"one of {', '.join(REFERENCES)}",
            isinstance(reference, str) and reference in REFERENCES,
        )
        _check(
            "width",
            width,
            f"a number above 0 and up to {MAX_WIDTH}",
            type(width) in (int, float) and 0 < width <= MAX_WIDTH,
        )
        _check(
            "stem",
            stem,
            "'cifar' or 'imagenet'",
            isinstance(stem, str) and stem in ("cifar", "imagenet"),
        )
        _check(
            "kernels",
            kernels,
            f"some of {', '.join(map(str, KERNELS))}, ascending",
            isinstance(kernels, list | tuple)
            and len(kernels) > 0
            and all(type(each) is int for each in kernels)
            and [each for each in KERNELS if each in kernels] == list(kernels),
        )
        found = REFERENCES[reference]
        most = len(found.blocks)
        _check(
            "blocks",
            blocks,
            f"an integer from 1 to {most}, or None",
            blocks is None or (type(blocks) is int and 1 <= blocks <= most),
        )
        _check(
            "activation",
            activation,
            f"one of {', '.join(ACTIVATIONS)}, or None",
            activation is None
            or (isinstance(activation, str) and activation in ACTIVATIONS),
        )
        self._options: dict[str, Any] = {
            "reference": reference,
            "width": width,
            "stem": stem,
            "kernels": list(kernels),
            "blocks": blocks,
            "activation": activation,
        }
        if stem == "cifar":
            found = found.for_small_images()
        found = replace(found, blocks=found.blocks[:blocks])
        self._slots = tuple(
            _block_slots(block, width, tuple(kernels)) for block in found.blocks
        )
        self.reference = replace(
            found,
            blocks=tuple(
                replace(block, filters=_times(width, block.filters))
                for block in found.blocks
            ),
            stem_filters=_times(width, found.stem_filters),
            head_filters=_times(max(1.0, width), found.head_filters),
            activation=activation or found.activation,
        )
        self.decisions = tuple(
            Decision(
                f"{number + 1}/{field}",
                tuple(slot.values),
                slot.kind,
                number,
            )
            for number, slots in enumerate(self._slots)
            for field, slot in slots.items()
        )

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "version": self.version, **self._options}

    def decode(self, decisions: Decisions) -> MobileArchitecture:
        return replace(self.reference, blocks=self._blocks(decisions))

    def encode(self, architecture: MobileArchitecture) -> Decisions:
        count, ours = len(self.reference.blocks), self.reference
        strides = [block.strides for block in ours.blocks]
        if (
            replace(architecture, blocks=ours.blocks) != ours
            or [block.strides for block in architecture.blocks] != strides
        ):
            raise ValueError(
                "Invalid value for argument `architecture`. Expected the stem, "
                f"the head, the activation and the strides of {count} blocks "
                f"of the reference. Received: {quoted(architecture)}."
            )
        decisions = []
        for number, (block, slots) in enumerate(
            zip(architecture.blocks, self._slots, strict=True), start=1
        ):
            for field, slot in slots.items():
                value, values = getattr(block, field), [*slot.values.values()]
                if value not in values:
                    raise ValueError(
                        "Invalid value for argument `architecture`. Expected "
                        f"for the {field} of block {number} one of "
                        f"{', '.join(map(str, values))}. Received: "
                        f"{value}."
                    )
                decisions.append(values.index(value))
        return tuple(decisions)

    def canonical(self, decisions: Decisions) -> Decisions:
        """No skip in the place of one that adds nothing: where a block is one
        layer of other channels than it reads, or with strides and
        `"identity"`."""
        channels = self.reference.stem_filters
        form = list(decisions)
        for number, block in enumerate(self._blocks(decisions)):
            fits = channels == block.filters and not (
                block.skip == "identity" and block.strides > 1
            )
            if block.layers == 1 and not fits:
                slots = list(self._slots[number])
                place = number * len(slots) + slots.index("skip")
                form[place] = SKIPS.index("none")
            channels = block.filters
        return tuple(form)

    def features(self, decisions: Decisions) -> np.ndarray:
        return positional_features(self.decisions, self.canonical(decisions))

    def covering(self) -> Iterator[Decisions]:
        """Each kind of layer with each skip in each block of the reference,
        with the filters of the reference and the most layers, at least two, so
        that a layer behind the first is met."""
        rows: list[list[Sequence[int]]] = []
        for slots, block in zip(
            self._slots, self.reference.blocks, strict=True
        ):
            filters = [*slots["filters"].values.values()]
            fixed: dict[str, list[int]] = {
                "filters": [filters.index(block.filters)],
                "layers": [len(slots["layers"].values) - 1],
            }
            rows.append(
                [
                    fixed.get(field, range(len(slot.values)))
                    for field, slot in slots.items()
                ]
            )
        others = [[each[0] for each in row] for row in rows]
        for number, row in enumerate(rows):
            for choices in itertools.product(*row):
                vector = [*others[:number], choices, *others[number + 1 :]]
                yield tuple(itertools.chain.from_iterable(vector))

    def _blocks(self, decisions: Decisions) -> tuple[MobileBlock, ...]:
        self.check(decisions)
        choices = iter(decisions)
        return tuple(
            replace(
                block,
                **{
                    field: slot.at(next(choices))
                    for field, slot in slots.items()
                },
            )
            for block, slots in zip(
                self.reference.blocks, self._slots, strict=True
            )
        )


def _block_slots(
    block: MobileBlock, width: float, kernels: tuple[int, ...]
) -> dict[str, _Slot]:
    """What a block of the reference decides, by the fields of a block.
    Filters are named by what they are multiplied with, layers by how many are
    more, so that a choice has the same name in all blocks."""
    filters = {
        f"{multiple:g}": _times(width * multiple, block.filters)
        for multiple in MULTIPLES
    }
    # Of filters that come to the same, as in narrow networks, the first.
    distinct = {value: name for name, value in reversed(filters.items())}
    return {
        "operator": _Slot("operation", {each: each for each in OPERATORS}),
        "kernel_size": _Slot("ordered", {f"{each}": each for each in kernels}),
        "squeeze_ratio": _Slot(
            "ordered", {f"{each:g}": each for each in RATIOS}
        ),
        "skip": _Slot("free", {each: each for each in SKIPS}),
        "filters": _Slot(
            "ordered",
            {
                name: value
                for name, value in filters.items()
                if distinct[value] == name
            },
        ),
        "layers": _Slot(
            "ordered",
            {
                f"{more}": block.layers + more
                for more in MORE_LAYERS
                if block.layers + more
            },
        ),
    }


def _times(width: float, filters: int) -> int:
    return max(1, round(width * filters))


def _check(argument: str, value: Any, expected: str, holds: bool) -> None:
    if not holds:
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected {expected}. "
            f"Received: {argument}={quoted(value)}."
        )
