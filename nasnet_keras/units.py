"""Units of several branches as data: `Unit` and the steps of its branches.

Residual networks and their kin, as ResNet, SENet, ShuffleNet and CondenseNet,
are stacks of them.

Neither Keras nor TensorFlow is imported here.
"""

import dataclasses
from typing import Annotated, Literal

import pydantic
from pydantic import Field
from pydantic.dataclasses import dataclass

MAX_NUMBER = 10_000  # of channels, and of groups of them
MAX_PARTS = 100  # steps of a branch, repeats of a unit

_STRICT = pydantic.ConfigDict(extra="forbid")
Count = Annotated[int, Field(strict=True, ge=1, le=MAX_NUMBER)]
Flag = Annotated[bool, Field(strict=True)]
Side = Literal[1, 3, 5, 7]
Stride = Literal[1, 2]


class _Step:
    """What all steps have."""

    strides: int = 1

    def output_channels(self, channels: int) -> int:
        """Those that it makes, given those that come in."""
        return channels


@dataclass(frozen=True, config=_STRICT)
class Convolution(_Step):
    """A convolution.

    Args:
        filters: The channels of the output. Default None: those that come in,
            by a depthwise convolution.
        kernel_size: Height and width of the kernel: 1, 3, 5 or 7. Default 1.
        strides: 1, or 2 to halve height and width. Default 1.
        groups: Each share of the filters reads that share of the channels.
            Default 1.
        normalized: Whether a batch norm is behind it. Default True.
        activated: Whether an activation is behind that. Default True.
    """

    filters: Count | None = None
    kernel_size: Side = 1
    strides: Stride = 1
    groups: Count = 1
    normalized: Flag = True
    activated: Flag = True
    step: Literal["convolution"] = "convolution"

    def output_channels(self, channels: int) -> int:
        return self.filters or channels


@dataclass(frozen=True, config=_STRICT)
class Normalization(_Step):
    """A batch norm and an activation, before a convolution."""

    step: Literal["normalization"] = "normalization"


@dataclass(frozen=True, config=_STRICT)
class Pool(_Step):
    """A pool that halves height and width.

    Args:
        kind: `"average"` or `"maximum"`.
        size: Height and width of the window, 2 or 3. Default 3.
        padding: `"same"`: what is padded counts for nothing (TensorFlow; for
            even sizes Caffe). `"zeros"`: a row of zeros is on all sides, and
            counts (PyTorch, where no state is negative). Default `"same"`.
    """

    kind: Literal["average", "maximum"]
    size: Literal[2, 3] = 3
    padding: Literal["same", "zeros"] = "same"
    step: Literal["pool"] = "pool"

    @property
    def strides(self) -> int:  # type: ignore[override]
        return 2


@dataclass(frozen=True, config=_STRICT)
class Shuffle(_Step):
    """A channel shuffle: the first channel of each group, then the second.

    Args:
        groups: How many groups there are.
    """

    groups: Count
    step: Literal["shuffle"] = "shuffle"


@dataclass(frozen=True, config=_STRICT)
class Squeeze(_Step):
    """A squeeze-and-excite.

    Args:
        ratio: The channels between its two convolutions, as a share of those
            that come in. Default 1/16, SENet's.
    """

    ratio: Annotated[float, Field(gt=0, le=1)] = 1 / 16
    step: Literal["squeeze"] = "squeeze"

    def squeezed(self, channels: int) -> int:
        """The channels between the two."""
        return max(1, int(channels * self.ratio))


@dataclass(frozen=True, config=_STRICT)
class Gather(_Step):
    """Some of the channels in another order, which is a weight that no
    training changes: what a learned group convolution keeps.

    Args:
        share: How many of the channels. Default 1.
        groups: Those of the convolution that reads them: at first each has
            channels from everywhere. Default 1.
    """

    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    groups: Count = 1
    step: Literal["gather"] = "gather"

    def output_channels(self, channels: int) -> int:
        return max(1, int(channels * self.share))


Step = Annotated[
    Convolution | Normalization | Pool | Shuffle | Squeeze | Gather,
    Field(discriminator="step"),
]
Branch = Annotated[tuple[Step, ...], Field(max_length=MAX_PARTS)]


@dataclass(frozen=True, config=_STRICT)
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
        """The same with a squeeze-and-excite at the end of the branch of most
        convolutions, if there are several branches and there is none.

        Args:
            ratio: As of `Squeeze`.
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
        place = counts.index(max(counts))
        branches[place] = (*branches[place], Squeeze(ratio))
        return dataclasses.replace(self, branches=tuple(branches))

    def branch_channels(self, channels: int) -> int:
        """Those that a branch reads, given those that come in."""
        return channels // len(self.branches) if self.split else channels

    def output_channels(self, channels: int) -> int:
        """Those of one unit, given those that come in.

        Raises:
            ValueError: Branches are added that have other channels, or
                channels do not divide.
        """
        each = []
        for branch in self.branches:
            made = self.branch_channels(channels)
            for step in branch:
                made = step.output_channels(made)
            each.append(made)
        total = sum(each) if self.join == "concatenate" else each[0]
        if (
            (self.join == "add" and len(set(each)) > 1)
            or total % self.shuffle
            or (self.split and channels % len(self.branches))
        ):
            raise ValueError(
                "Invalid value for argument `branches`. Expected branches of "
                "as many channels where they are added, and numbers of "
                "channels that can be split and shuffled. Received: "
                f"{channels} channels, of which the branches make {each}."
            )
        return total

    @property
    def strides(self) -> int:
        """By how much it divides height and width."""
        product = 1
        for step in self.branches[0]:
            product *= step.strides
        return product
