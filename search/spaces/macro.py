"""The space of NAS-Bench-Macro: `MacroSpace`.

Neither Keras nor TensorFlow is imported here.
"""

from typing import Any

from nasnet_keras.kinds.mobile.architecture import (
    IDENTITY,
    MobileArchitecture,
    MobileBlock,
)
from nasnet_keras.quotation import quoted
from search.spaces.paths import PathSpace
from search.trial import Decisions

STAGES = (2, 3, 3)  # layers of each
STEM_FILTERS = 32  # each stage has twice as many as what it reads
HEAD_FILTERS = 1280
# The numbers by which the table names a layer, and what they mean.
CHOICES: tuple[dict[str, Any], ...] = (
    {"operator": IDENTITY, "kernel_size": 1},
    {"operator": "inverted_residual_3", "kernel_size": 3},
    {"operator": "inverted_residual_6", "kernel_size": 5},
)


class MacroSpace(PathSpace):
    """Eight layers in three stages, each an identity, an inverted residual
    with a 3x3 kernel and 3 times the channels within, or one with 5x5 and 6.

    The first layer of a stage halves height and width and doubles the
    channels.

    Reference:
        [Su et al. 2021](https://arxiv.org/abs/2103.11922), section 5.1, and
        the authors' table (https://github.com/xiusu/NAS-Bench-Macro).

    Example:

    >>> space = MacroSpace()
    >>> len(space.decisions), space.size
    (8, 6561)
    >>> space.to_key(space.canonical(space.from_key("20122000")))
    '20122000'
    """

    name = "macro"
    version = 1

    def __init__(self) -> None:
        blocks = [
            [
                MobileBlock(
                    **choice,
                    filters=STEM_FILTERS * 2 ** (stage + 1),
                    strides=1 if position else 2,
                )
                for choice in CHOICES
            ]
            for stage, layers in enumerate(STAGES)
            for position in range(layers)
        ]
        names = [each["operator"] for each in CHOICES]
        super().__init__(
            MobileArchitecture((blocks[0][0],), STEM_FILTERS, 1, HEAD_FILTERS),
            blocks,
            [names] * len(blocks),
        )

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "version": self.version}

    def to_key(self, decisions: Decisions) -> str:
        """As the table writes it: a digit per layer, its place among the
        choices."""
        self.check(decisions)
        return "".join(map(str, decisions))

    def from_key(self, key: str) -> Decisions:
        digits = [str(number) for number in range(len(CHOICES))]
        if len(key) != len(self.decisions) or not set(key) <= set(digits):
            raise ValueError(
                f"Invalid value for argument `key`. Expected "
                f"{len(self.decisions)} digits of {', '.join(digits)}. "
                f"Received: {quoted(key)}."
            )
        return tuple(map(int, key))
