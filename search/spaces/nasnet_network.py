"""The network of a child: `ChildNetwork`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from nasnet_keras.genotype import Genotype
from nasnet_keras.network.build import build_network
from nasnet_keras.network.complexity import Complexity, genotype_complexity


@dataclass(frozen=True)
class ChildNetwork:
    """How cells become the network that is trained: what `build_network`
    takes beside them. A run records it, so that its children can be built
    again without its data.

    Attributes:
        input_shape: Height, width and channels of the images.
        classes: The number of classes.
        repeats: N, the normal cells of each stage.
        filters: F, the filters of the first stage.
        drop_path_rate: The final rate of ScheduledDropPath.
        drop_path_steps: Over how many steps it is reached.
    """

    input_shape: Sequence[int]
    classes: int
    repeats: int
    filters: int
    drop_path_rate: float
    drop_path_steps: int

    @property
    def setting(self) -> dict[str, Any]:
        """What its costs depend on, beside the cells: arguments of
        `genotype_complexity`."""
        return {
            "input_shape": tuple(self.input_shape),
            "classes": self.classes,
            "repeats": self.repeats,
            "filters": self.filters,
        }

    def build(self, genotype: Genotype) -> keras.Model:
        """The untrained network."""
        return build_network(
            genotype,
            **self.setting,
            drop_path_rate=self.drop_path_rate,
            drop_path_steps=self.drop_path_steps,
        )

    def complexity(self, genotype: Genotype) -> Complexity:
        """What it costs.

        Raises:
            ValueError: It could not be built.
        """
        return genotype_complexity(genotype, **self.setting)
