"""Networks of cells as a kind of architectures: `CellsKind`.

Neither Keras nor TensorFlow is imported here before a network is built.
"""

import functools
import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nasnet_keras.architectures import (
    ArchitectureKind,
    Complexity,
    without_recipe,
)
from nasnet_keras.genotype import CellSpec, Genotype
from nasnet_keras.genotype_formats import FORMATS, write_genotype

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure


class CellsKind(ArchitectureKind):
    """The kind of networks of cells: a `Genotype`, whose cells `build_network`
    stacks.

    Example:

    >>> from nasnet_keras import NASNET_A
    >>> cost = CellsKind().complexity(NASNET_A, (32, 32, 3), 10, filters=8)
    >>> cost.parameters
    278018
    """

    name = "nasnet"
    version = 1
    scale = {"repeats": 1, "filters": 8}
    latency_part = "nasnet_keras.kinds.cell_parts:CellPart"
    forms = {
        form: functools.partial(write_genotype, form=form) for form in FORMATS
    }

    def to_data(self, architecture: Genotype) -> Any:
        return architecture.to_dict()

    def from_data(self, data: Any) -> Genotype:
        return Genotype.from_dict(data)

    def text(self, architecture: Genotype) -> str:
        """The two cells as formulas, a line per hidden state."""
        return "\n".join(
            [
                "normal cell",
                *_lines(architecture.normal),
                "reduction cell",
                *_lines(architecture.reduction),
            ]
        )

    def pictures(self, architecture: Genotype) -> "dict[str, Figure]":
        from nasnet_keras.drawing.draw import draw_cell

        return {
            name: draw_cell(
                getattr(architecture, name), title=f"{name.capitalize()} cell"
            )
            for name in ("normal", "reduction")
        }

    def build(
        self,
        architecture: Genotype,
        input_shape: tuple[int, int, int],
        classes: int,
        **arguments: Any,
    ) -> "keras.Model":
        """As `build_network`, whose arguments it takes."""
        from nasnet_keras.network.build import build_network

        _check(build_network, arguments)
        return build_network(
            architecture,
            input_shape=input_shape,
            classes=classes,
            **arguments,
        )

    def complexity(
        self,
        architecture: Genotype,
        input_shape: tuple[int, int, int],
        classes: int,
        **arguments: Any,
    ) -> Complexity:
        from nasnet_keras.network.complexity import genotype_complexity

        counted = without_recipe(arguments)
        _check(genotype_complexity, counted)
        return genotype_complexity(
            architecture,
            input_shape=input_shape,
            classes=classes,
            **counted,
        )

    def unsupported_at(
        self,
        architecture: Genotype,
        input_shape: Sequence[int | None],
        **arguments: Any,
    ) -> Mapping[str, str]:
        from nasnet_keras.layers.auxiliary_head import pooled_size
        from nasnet_keras.layers.parts.conventions import Conventions
        from nasnet_keras.network.complexity import known_size
        from nasnet_keras.network.plan import NetworkPlan

        counted = without_recipe(arguments)
        conventions = Conventions.from_dict(counted.pop("conventions", None))
        _check(NetworkPlan, counted)
        plan = NetworkPlan(
            architecture,
            (*input_shape[:2], input_shape[2] or 1),
            conventions=conventions,
            **counted,
        )
        try:
            sizes = plan.sizes(known_size(*plan.image_size))
            pooled_size(sizes[plan.auxiliary_input])
        except ValueError:
            height, width = input_shape[:2]
            return {
                **self.unsupported,
                "auxiliary_weight": f"images of {height} x {width} are too "
                "small for an auxiliary head",
            }
        return self.unsupported


def _check(function: Any, arguments: dict[str, Any]) -> None:
    known = inspect.signature(function).parameters
    unknown = [name for name in arguments if name not in known]
    if unknown:
        raise ValueError(
            "Invalid arguments of a network of cells. Expected some of "
            f"{', '.join(known)}. Received: {', '.join(unknown)}."
        )


def _lines(cell: CellSpec) -> list[str]:
    lines = []
    for number, block in enumerate(cell.blocks, start=cell.inputs):
        sides = ", ".join(
            f"{operation}({state})"
            for operation, state in zip(
                block.operations, block.inputs, strict=True
            )
        )
        lines.append(f"  {number} = {block.combiner}({sides})")
    states = ", ".join(str(state) for state in cell.output_states)
    return [*lines, f"  output = concat({states})"]
