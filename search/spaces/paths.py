"""Spaces of mobile networks of which each layer is one of several:
`PathSpace`.

Neither Keras nor TensorFlow is imported here.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nasnet_keras.kinds.mobile.architecture import (
    IDENTITY,
    MobileArchitecture,
    MobileBlock,
)
from nasnet_keras.quotation import quoted
from search.spaces.base import (
    Capability,
    Decision,
    SearchSpace,
    positional_features,
)
from search.trial import Decisions


class PathSpace(SearchSpace):
    """The base of spaces whose networks can be paths of one network.

    Each block of a mobile network is one layer. A decision chooses this layer
    from layers with the same filters and strides. So one network can hold all
    of them, as paths side by side.

    Args:
        frame: The architecture whose stem and head are used, without its
            blocks.
        paths: For each block, the layers to choose from. A block with one
            layer has no decision.
        names: For each block, the names of its layers.

    Attributes:
        frame: As given.
        paths: As given.
    """

    kind_name = "mobile"

    def __init__(
        self,
        frame: MobileArchitecture,
        paths: Sequence[Sequence[MobileBlock]],
        names: Sequence[Sequence[str]],
    ) -> None:
        self.frame = frame
        self.paths = tuple(map(tuple, paths))
        chosen = [
            number for number, each in enumerate(self.paths) if len(each) > 1
        ]
        self.decisions = tuple(
            Decision(
                f"{number + 1}/operation",
                tuple(names[number]),
                "operation",
                group,
            )
            for group, number in enumerate(chosen)
        )

    @property
    def capabilities(self) -> frozenset[Capability]:
        return super().capabilities | {"paths"}

    def decode(self, decisions: Decisions) -> MobileArchitecture:
        self.check(decisions)
        choices = iter(decisions)
        return replace(
            self.frame,
            blocks=tuple(
                each[next(choices) if len(each) > 1 else 0]
                for each in self.paths
            ),
        )

    def encode(self, architecture: MobileArchitecture) -> Decisions:
        try:
            decisions = tuple(
                each.index(block)
                for each, block in zip(
                    self.paths, architecture.blocks, strict=True
                )
                if len(each) > 1
            )
        except ValueError:
            decisions = ()
        if not decisions or self.decode(decisions) != architecture:
            raise ValueError(
                "Invalid value for argument `architecture`. Expected stem, "
                f"head and {len(self.paths)} blocks of the space {self.name}. "
                f"Received: {quoted(architecture)}."
            )
        return decisions

    def canonical(self, decisions: Decisions) -> Decisions:
        """Identities that change nothing at the end of their stage, of layers
        that may be one: where in it they stand makes no difference."""
        self.check(decisions)
        form, start = list(decisions), 0
        rows = [each for each in self.paths if len(each) > 1]
        while start < len(form):
            end = start + 1
            while end < len(form) and rows[end] == rows[start]:
                end += 1
            stage = form[start:end]
            form[start:end] = sorted(
                stage,
                key=lambda choice: rows[start][choice].operator == IDENTITY,
            )
            start = end
        return tuple(form)

    def features(self, decisions: Decisions) -> np.ndarray:
        return positional_features(self.decisions, self.canonical(decisions))
