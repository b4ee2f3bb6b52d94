"""Units of several branches as data: `Unit`.

Residual networks and their kin, as ResNet, SENet, ShuffleNet and CondenseNet,
are stacks of them.

Neither Keras nor TensorFlow is imported here.
"""

import dataclasses
import math
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from nasnet_keras.graph_nodes import (
    STRICT,
    Activation,
    Concatenation,
    Convolution,
    Count,
    Drop,
    Flag,
    Gather,
    GraphNode,
    GraphNodes,
    Normalization,
    Pool,
    Shuffle,
    Split,
    Squeeze,
    Sum,
    state_channels,
)

MAX_PARTS = 100  # steps of a branch, repeats of a unit

BranchStep = Annotated[
    Convolution | Normalization | Pool | Shuffle | Squeeze | Gather,
    Field(discriminator="step"),
]
Branch = Annotated[tuple[BranchStep, ...], Field(max_length=MAX_PARTS)]


@dataclass(frozen=True, config=STRICT)
class Unit:
    """Branches that read the same, and are joined.

    Args:
        branches: 1 to 4, each a tuple of steps; an empty one is an identity.
        join: `"add"` or `"concatenate"`. Default `"add"`.
        activated: Whether an activation is behind that. Default False.
        split: Whether each branch reads its share of the channels, not all.
            Default False.
        shuffle: Of how many groups the channels are shuffled at the end.
            Default 1: they are not.
        repeats: How many such units follow one another. Default 1.

    Raises:
        ValueError: A value is out of range.

    Example:

    >>> residual = (Convolution(16, 3), Convolution(16, 3, activated=False))
    >>> unit = Unit((residual, ()), activated=True)
    >>> unit.output_channels(16), unit.strides
    (16, 1)
    """

    branches: Annotated[tuple[Branch, ...], Field(min_length=1, max_length=4)]
    join: Literal["add", "concatenate"] = "add"
    activated: Flag = False
    split: Flag = False
    shuffle: Count = 1
    repeats: Annotated[int, Field(strict=True, ge=1, le=MAX_PARTS)] = 1

    def squeezed(self, ratio: float) -> "Unit":
        """The unit with a squeeze-and-excite added to its longest branch;
        unchanged if it has one branch or a squeeze-and-excite already.

        The longest branch is the one with the most convolutions.

        Args:
            ratio: See `Squeeze`.
        """
        steps = [step for branch in self.branches for step in branch]
        if len(self.branches) < 2 or any(
            isinstance(step, Squeeze) for step in steps
        ):
            return self
        branches = list(self.branches)
        counts = [
            sum(isinstance(step, Convolution) for step in branch)
            for branch in branches
        ]
        longest = counts.index(max(counts))
        branches[longest] = (*branches[longest], Squeeze(ratio))
        return dataclasses.replace(self, branches=tuple(branches))

    @property
    def nodes(self) -> tuple[GraphNode, ...]:
        """One of the units as a graph.

        Nodes of steps have the numbers of their branch and of their position in
        it for a label. Branches beside an identity that they are added to are
        what is dropped.
        """
        nodes, ends = GraphNodes(), []
        drops = self.join == "add" and () in self.branches
        for number, branch in enumerate(self.branches):
            state = 0
            if self.split:
                state = nodes.add(Split(number, len(self.branches)))
            for position, step in enumerate(branch):
                state = nodes.add(step, state, label=f"{number}_{position}")
            if branch and drops:
                state = nodes.add(Drop(), state)
            ends.append(state)
        state = nodes.add(
            Sum() if self.join == "add" else Concatenation(), *ends
        )
        if self.activated:
            state = nodes.add(Activation(), state)
        if self.shuffle > 1:
            nodes.add(Shuffle(self.shuffle), state)
        return nodes.table

    def output_channels(self, channels: int) -> int:
        """Those of one unit, given those that come in.

        Raises:
            ValueError: Branches are added that have other channels, or
                channels do not divide.
        """
        return state_channels(self.nodes, channels)[-1]

    @property
    def strides(self) -> int:
        """By how much it divides height and width."""
        return math.prod(step.strides for step in self.branches[0])
