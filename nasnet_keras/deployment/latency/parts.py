"""A part of networks that is timed by itself: `LatencyPart`."""

import abc
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import ConfigDict, Field

if TYPE_CHECKING:
    from nasnet_keras.layers.parts.conventions import Conventions

Count = Annotated[int, Field(ge=1)]


class LatencyPart(abc.ABC):
    """An operation or a layer at its place in a network: what it reads, and
    what it makes. A frozen dataclass, whose fields are rows of a table.

    Attributes:
        height: Of what it reads.
        width: Of what it reads.
    """

    height: int
    width: int

    # Of rows that are read.
    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    @classmethod
    @abc.abstractmethod
    def of_network(
        cls, kind: Any, architecture: Any, setting: Mapping[str, Any]
    ) -> list[Self]:
        """The parts of a network, as often as it has them.

        Args:
            kind: The kind of the architecture.
            architecture: The architecture.
            setting: The arguments of the network, as of `kind.complexity`, on
                which its costs depend.

        Raises:
            ValueError: There is no such network, or its size is unknown.
        """

    @property
    @abc.abstractmethod
    def reads(self) -> tuple[int, ...]:
        """The channels of each state that it reads."""

    @property
    @abc.abstractmethod
    def work(self) -> int:
        """What its seconds are taken to rise with, among parts that are alike;
        above 0.

        Raises:
            ValueError: There is no such part.
        """

    @property
    @abc.abstractmethod
    def alike(self) -> tuple[Hashable, ...]:
        """A key that parts share which differ by their channels alone; behind
        it, keys to look under where no part with the first was measured."""

    @abc.abstractmethod
    def copy(
        self, shapes: Sequence[Any], conventions: "Conventions"
    ) -> Callable[..., Any]:
        """A copy with weights of its own: a function of the states that it
        reads, in inference.

        Args:
            shapes: Of these states.
            conventions: How the layers compute.
        """

    def shapes(
        self, batch_size: int, conventions: "Conventions"
    ) -> list[tuple[int, ...]]:
        """The shapes of the states that it reads."""
        shapes = []
        for channels in self.reads:
            shape = [batch_size, self.height, self.width]
            shape.insert(conventions.channel_axis % 4, channels)
            shapes.append(tuple(shape))
        return shapes
