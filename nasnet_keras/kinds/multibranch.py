"""Stacks of units of several branches as a kind: `MultiBranchArchitecture`,
`MultiBranchKind`.

Neither Keras nor TensorFlow is imported here before a network is built.
"""

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pydantic
from pydantic import Field
from pydantic.dataclasses import dataclass

from nasnet_keras.architectures import (
    ArchitectureKind,
    Complexity,
    without_recipe,
)
from nasnet_keras.console.command_line import sentence
from nasnet_keras.graph_nodes import (
    Convolution,
    Flag,
    Gather,
    Normalization,
    Pool,
    Shuffle,
    Squeeze,
)
from nasnet_keras.units import Unit

if TYPE_CHECKING:
    import keras

MAX_UNITS = 200
MAX_STEPS = 10_000  # of all units, repeats too


@dataclass(frozen=True, config=pydantic.ConfigDict(extra="forbid"))
class MultiBranchArchitecture:
    """Units one after the other, the stem among them, and a classifier of the
    mean.

    Args:
        units: 1 to 200 of them.
        activation: Of all: `"relu"`, `"relu6"`, `"swish"` or `"hard_swish"`.
            Default `"relu"`.
        classifier_bias: Whether the classifier has one. Default True.

    Raises:
        ValueError: A value is out of range, or there are more than 10,000
            steps in all.

    Example:

    >>> stem = Unit(((Convolution(16, 3, 2),),))
    >>> residual = Unit(((Convolution(16, 3), Squeeze()), ()), repeats=3)
    >>> MultiBranchArchitecture((stem, residual)).activation
    'relu'
    """

    units: Annotated[
        tuple[Unit, ...], Field(min_length=1, max_length=MAX_UNITS)
    ]
    activation: Literal["relu", "relu6", "swish", "hard_swish"] = "relu"
    classifier_bias: Flag = True

    def __post_init__(self) -> None:
        steps = sum(
            unit.repeats * (1 + sum(map(len, unit.branches)))
            for unit in self.units
        )
        if steps > MAX_STEPS:
            raise ValueError(
                f"Expected at most {MAX_STEPS:,} units and steps, repeats "
                f"counted. Received: {steps:,}."
            )


_DATA = pydantic.TypeAdapter(MultiBranchArchitecture)


class MultiBranchKind(ArchitectureKind):
    """A `MultiBranchArchitecture`: ResNets and their kin.

    Example:

    >>> stem = Unit(((Convolution(16, 3, 2),),))
    >>> architecture = MultiBranchArchitecture((stem,))
    >>> MultiBranchKind().complexity(architecture, (8, 8, 3), 10).parameters
    666
    """

    name = "multibranch"
    version = 1
    scale = {}  # the filters are the architecture's
    unsupported = {
        "auxiliary_weight": "multi-branch networks have no such head",
    }

    def to_data(self, architecture: MultiBranchArchitecture) -> Any:
        return _DATA.dump_python(architecture, mode="json")

    def from_data(self, data: Any) -> MultiBranchArchitecture:
        try:
            return _DATA.validate_python(data)
        except pydantic.ValidationError as error:
            raise ValueError(
                "Expected the units of a multi-branch network. "
                + sentence(error.errors()[0])
            ) from None

    def text(self, architecture: MultiBranchArchitecture) -> str:
        """A line per unit, as `2 = 3 x (1x1, 64 > 3x3, 64 > 1x1, 256,
        linear) + identity`."""
        return "\n".join(
            f"{number:2} = {_label(unit)}"
            for number, unit in enumerate(architecture.units, start=1)
        )

    def build(
        self,
        architecture: MultiBranchArchitecture,
        input_shape: tuple[int | None, int | None, int],
        classes: int,
        **arguments: Any,
    ) -> "keras.Model":
        """The untrained network.

        Args:
            architecture: The architecture.
            input_shape: Height, width and channels of the images, channels
                first if the conventions say so. Height and width may be None.
            classes: The number of classes.
            **arguments: The arguments of `MobileKind.build`. Here
                `drop_path_rate` is for units that add to an identity; the rate
                rises with depth to this value at the last unit.
                `squeeze_excite` is added to the end of the branch with the
                most convolutions; the ratio is of the branch's channels.
                Units of one branch, and units that have one, stay the same.

        Raises:
            ValueError: An argument is unknown or out of range.
        """
        from nasnet_keras.layers.operation_graph import OperationGraph
        from nasnet_keras.network.stack import Stack

        stack = Stack(input_shape, classes, arguments, _WHAT)
        given = stack.arguments
        architecture = _squeezed(architecture, given["squeeze_excite"])
        inputs, state = stack.begin()
        placed = list(_placed(architecture))
        levels, level = {}, 0
        for depth, (name, unit) in enumerate(placed, start=1):
            state = OperationGraph(
                unit.nodes,
                architecture.activation,
                given["drop_path_rate"] * depth / len(placed),
                given["drop_path_steps"],
                stack.conventions,
                name=name,
            )(state)
            level += unit.strides.bit_length() - 1
            levels[level] = state
        return stack.finish(
            inputs, levels, self.name, architecture.classifier_bias
        )

    def complexity(
        self,
        architecture: MultiBranchArchitecture,
        input_shape: tuple[int, int, int],
        classes: int,
        **arguments: Any,
    ) -> Complexity:
        from nasnet_keras.network.complexity import (
            classifier_complexity,
            graph_complexity,
        )
        from nasnet_keras.network.stack import Stack

        stack = Stack(input_shape, classes, without_recipe(arguments), _WHAT)
        ratio = stack.arguments["squeeze_excite"]
        architecture = _squeezed(architecture, ratio)
        total, size = Complexity(), stack.known_size()
        channels = stack.image_channels
        for _, unit in _placed(architecture):
            cost, channels, size = graph_complexity(
                unit.nodes, channels, size, stack.conventions.normalization
            )
            total += cost
        return total + classifier_complexity(
            channels, classes, architecture.classifier_bias
        )


_WHAT = "a multi-branch network"


def _squeezed(
    architecture: MultiBranchArchitecture, ratio: float
) -> MultiBranchArchitecture:
    if not ratio:
        return architecture
    units = tuple(unit.squeezed(ratio) for unit in architecture.units)
    return dataclasses.replace(architecture, units=units)


def _placed(
    architecture: MultiBranchArchitecture,
) -> Iterator[tuple[str, Unit]]:
    """Of each unit, repeats one by one, the name in the model and what it
    is."""
    for number, unit in enumerate(architecture.units, start=1):
        for repeat in range(1, unit.repeats + 1):
            yield f"unit_{number}_{repeat}", unit


def _label(unit: Unit) -> str:
    sign = " + " if unit.join == "add" else ", "
    branches = [
        " > ".join(map(_step, branch)) or "identity" for branch in unit.branches
    ]
    if len(branches) > 1:
        branches = [f"({branch})" for branch in branches]
    words = sign.join(branches)
    if unit.repeats > 1:
        words = f"{unit.repeats} x {words}"
    if unit.split:
        words += ", of halves" if len(branches) == 2 else ", of shares"
    if unit.activated:
        words += ", activated"
    if unit.shuffle > 1:
        words += f", shuffled by {unit.shuffle}"
    return words


def _step(step: Any) -> str:
    """A step in a few words."""
    match step:
        case Convolution():
            words = f"{step.kernel_size}x{step.kernel_size}"
            words += f" {step.filters}" if step.filters else " depthwise"
            if step.strides > 1:
                words += f" / {step.strides}"
            if step.groups > 1:
                words += f" in {step.groups} groups"
            return words if step.activated else f"{words} linear"
        case Pool():
            words = f"{step.size}x{step.size} {step.kind}"
            return words + " / 2" * (step.strides > 1)
        case Shuffle():
            return f"shuffle by {step.groups}"
        case Squeeze():
            return f"squeeze {step.ratio:g}"
        case Normalization():
            return "batch norm"
        case Gather():
            return f"gather {step.share:g}"
    raise TypeError(step)
