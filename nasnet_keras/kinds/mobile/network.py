"""The mobile networks: what stands where, how they are built and counted.

Neither Keras nor TensorFlow is imported here before a network is built.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nasnet_keras.architectures import Complexity, without_recipe
from nasnet_keras.kinds.mobile.architecture import (
    IDENTITY,
    OPERATORS,
    MobileArchitecture,
    MobileBlock,
)

if TYPE_CHECKING:
    import keras

    from nasnet_keras.layers.parts.convolution_unit import UnitPlan


@dataclass(frozen=True)
class PlannedLayer:
    """A layer of a block.

    Attributes:
        name: Its name in the model.
        block: What it is of.
        channels: Those that come in.
        strides: Its own.
    """

    name: str
    block: MobileBlock
    channels: int
    strides: int

    @property
    def arguments(self) -> dict[str, Any]:
        """What its class is made with and `plan` takes."""
        block = self.block
        expansion = OPERATORS[block.operator]
        return {
            "filters": block.filters,
            "kernel_size": block.kernel_size,
            "strides": self.strides,
            "squeeze_ratio": block.squeeze_ratio,
            **({} if expansion is None else {"expansion": expansion}),
        }

    @property
    def layer_class(self) -> Any:
        from nasnet_keras.layers import inverted_residual

        if OPERATORS[self.block.operator] is None:
            return inverted_residual.ResidualConvolution
        return inverted_residual.InvertedResidual

    @property
    def units(self) -> "tuple[UnitPlan, ...]":
        """Its convolutions, in order."""
        if self.block.operator == IDENTITY:
            from nasnet_keras.layers.parts.convolution_unit import UnitPlan

            strides = (self.strides, self.strides)
            return (UnitPlan(self.block.filters, (1, 1), strides),)
        return self.layer_class.plan(self.channels, **self.arguments).units

    def layer(
        self, activation: str, conventions: Any, **arguments: Any
    ) -> "keras.layers.Layer":
        """The layer, not built.

        Args:
            activation: Of the network.
            conventions: Of the network.
            arguments: Of the dropped path beside a skip.
        """
        if self.block.operator == IDENTITY:
            (convolution,) = self.units
            return convolution.layer(conventions, name=self.name)
        return self.layer_class(
            **self.arguments,
            skip=self.block.skip,
            activation=activation,
            conventions=conventions,
            name=self.name,
            **arguments,
        )


class Plan:
    """What stands where in a network, before anything is built.

    Args:
        architecture, input_shape, classes, arguments: See `build`.

    Attributes:
        architecture: As given, but for a squeeze-and-excite asked for.
        stack: The others, checked.
        layers: Those of the blocks, in order, without identities that change
            nothing.
        conventions: How the layers compute.

    Raises:
        ValueError: An argument is unknown or out of range.
    """

    def __init__(
        self,
        architecture: MobileArchitecture,
        input_shape: Sequence[int | None],
        classes: int,
        arguments: Mapping[str, Any],
    ) -> None:
        from nasnet_keras.network.stack import Stack

        self.stack = Stack(input_shape, classes, arguments, "a mobile network")
        ratio = self.stack.arguments["squeeze_excite"]
        architecture = architecture.squeezed(ratio) if ratio else architecture
        self.architecture = architecture
        self.conventions = self.stack.conventions
        self.layers: list[PlannedLayer] = []
        channels = architecture.stem_filters
        for number, block in enumerate(architecture.blocks, start=1):
            for place in range(block.layers):
                strides = 1 if place else block.strides
                same = (channels, strides) == (block.filters, 1)
                if block.operator == IDENTITY and same:
                    continue
                self.layers.append(
                    PlannedLayer(
                        f"block_{number}_layer_{place + 1}",
                        block,
                        channels,
                        strides,
                    )
                )
                channels = block.filters

    @property
    def stem(self) -> "UnitPlan":
        from nasnet_keras.layers.parts.convolution_unit import UnitPlan

        strides = self.architecture.stem_strides
        return UnitPlan(
            self.architecture.stem_filters, (3, 3), (strides, strides)
        )

    @property
    def head(self) -> "UnitPlan":
        from nasnet_keras.layers.parts.convolution_unit import UnitPlan

        return UnitPlan(self.architecture.head_filters)


def build_model(plan: Plan, name: str) -> "keras.Model":
    """The untrained network."""
    from keras import layers

    from nasnet_keras.layers.parts.activations import find_activation

    conventions, arguments = plan.conventions, plan.stack.arguments
    activation = plan.architecture.activation

    def unit(state: Any, unit: "UnitPlan", name: str) -> Any:
        state = unit.layer(conventions, name=name)(state)
        return layers.Activation(
            find_activation(activation), name=f"{name}_activation"
        )(state)

    inputs, images = plan.stack.begin()
    state = unit(images, plan.stem, "stem")
    level = plan.architecture.stem_strides - 1
    levels = {level: state}
    for depth, planned in enumerate(plan.layers, start=1):
        rate = arguments["drop_path_rate"] * depth / len(plan.layers)
        state = planned.layer(
            activation,
            conventions,
            drop_path_rate=rate,
            drop_path_steps=arguments["drop_path_steps"],
        )(state)
        level += planned.strides - 1
        levels[level] = state
    levels[level] = unit(state, plan.head, "head_convolution")
    return plan.stack.finish(inputs, levels, name)


def count(
    architecture: MobileArchitecture,
    input_shape: Sequence[int | None],
    classes: int,
    arguments: Mapping[str, Any],
) -> Complexity:
    """What the network costs, without building it.

    Raises:
        ValueError: An argument is unknown, or the size of images unknown.
    """
    from nasnet_keras.network.complexity import (
        classifier_complexity,
        units_complexity,
    )
    from nasnet_keras.network.skeletons import divided

    plan = Plan(architecture, input_shape, classes, without_recipe(arguments))
    size = plan.stack.known_size()
    units: list[tuple[int, tuple[UnitPlan, ...]]] = [
        (plan.stack.image_channels, (plan.stem,))
    ]
    units += [(planned.channels, planned.units) for planned in plan.layers]
    units.append((architecture.blocks[-1].filters, (plan.head,)))
    total = Complexity()
    for channels, each in units:
        total += units_complexity(
            each, channels, size, plan.conventions.normalization
        )
        for unit in each:
            size = divided(size, unit.strides)
    return total + classifier_complexity(architecture.head_filters, classes)
