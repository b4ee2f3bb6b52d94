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
from nasnet_keras.quotation import quoted

if TYPE_CHECKING:
    import keras

    from nasnet_keras.layers.convolution_unit import UnitPlan

# Of `build`, besides those of every kind, with their defaults.
ARGUMENTS: dict[str, Any] = {
    "conventions": None,
    "dropout": 0.0,
    "drop_path_rate": 0.0,
    "drop_path_steps": None,
    "include_top": True,
    "pooling": None,
    "classifier_activation": "softmax",
    "features": False,
    "include_preprocessing": False,
    "input_tensor": None,
    "name": None,
}


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
            from nasnet_keras.layers.convolution_unit import UnitPlan

            strides = (self.strides, self.strides)
            return (UnitPlan(self.block.filters, (1, 1), strides),)
        return self.layer_class.plan(self.channels, **self.arguments).units


class Plan:
    """What stands where in a network, before anything is built.

    Args:
        architecture, input_shape, classes, arguments: As of `build`.

    Attributes:
        architecture, classes: As given.
        input_shape: As given, or that of the tensor to build upon.
        layers: Those of the blocks, in order, without identities that change
            nothing.
        conventions: How the layers compute.
        arguments: All of `ARGUMENTS`.

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
        from nasnet_keras.layers.conventions import Conventions
        from nasnet_keras.network import ends

        for name, value in arguments.items():
            if name not in ARGUMENTS:
                raise ValueError(
                    f"Invalid argument `{name}` of a mobile network. Expected "
                    f"some of {', '.join(ARGUMENTS)}. Received: "
                    f"{name}={quoted(value)}."
                )
        self.arguments = {**ARGUMENTS, **arguments}
        ends.check_rates(
            dropout=self.arguments["dropout"],
            drop_path_rate=self.arguments["drop_path_rate"],
        )
        ends.check_steps(self.arguments["drop_path_steps"])
        ends.check_output(
            self.arguments["pooling"], self.arguments["features"], False
        )
        self.conventions = Conventions.from_dict(self.arguments["conventions"])
        if self.arguments["input_tensor"] is not None:
            input_shape = ends.shape_of(self.arguments["input_tensor"])
        if type(classes) is not int or classes < 1:
            raise ValueError(
                "Invalid value for argument `classes`. Expected a positive "
                f"integer. Received: classes={quoted(classes)}."
            )
        self.architecture = architecture
        self.input_shape = self._checked(input_shape)
        self.classes = classes
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

    def _checked(self, shape: Any) -> tuple[int | None, ...]:
        channel_place = self.conventions.channel_axis % 4 - 1
        if (
            not isinstance(shape, list | tuple)
            or len(shape) != 3
            or shape[channel_place] is None
            or any(
                side is not None and (type(side) is not int or side < 1)
                for side in shape
            )
        ):
            raise ValueError(
                "Invalid value for argument `input_shape`. Expected height, "
                f"width and channels ({self.conventions.data_format}), height "
                f"and width or None. Received: input_shape={quoted(shape)}."
            )
        return tuple(shape)

    @property
    def image_channels(self) -> int:
        channels = self.input_shape[self.conventions.channel_axis % 4 - 1]
        return int(channels or 0)

    @property
    def stem(self) -> "UnitPlan":
        from nasnet_keras.layers.convolution_unit import UnitPlan

        strides = self.architecture.stem_strides
        return UnitPlan(
            self.architecture.stem_filters, (3, 3), (strides, strides)
        )

    @property
    def head(self) -> "UnitPlan":
        from nasnet_keras.layers.convolution_unit import UnitPlan

        return UnitPlan(self.architecture.head_filters)


def build_model(plan: Plan, name: str) -> "keras.Model":
    """The untrained network."""
    from keras import Model, layers

    # Registers all that saved models are made of.
    import nasnet_keras.network.build  # noqa: F401
    from nasnet_keras.layers.activations import find_activation
    from nasnet_keras.network import ends

    conventions, arguments = plan.conventions, plan.arguments
    activation = plan.architecture.activation

    def unit(state: Any, unit: "UnitPlan", name: str) -> Any:
        state = unit.layer(conventions, name=name)(state)
        return layers.Activation(
            find_activation(activation), name=f"{name}_activation"
        )(state)

    inputs, images = ends.begin(
        plan.input_shape,
        arguments["input_tensor"],
        arguments["include_preprocessing"],
    )
    state = unit(images, plan.stem, "stem")
    level = plan.architecture.stem_strides - 1
    levels = {level: state}
    for depth, planned in enumerate(plan.layers, start=1):
        rate = arguments["drop_path_rate"] * depth / len(plan.layers)
        if planned.block.operator == IDENTITY:
            (convolution,) = planned.units
            layer = convolution.layer(conventions, name=planned.name)
        else:
            layer = planned.layer_class(
                **planned.arguments,
                skip=planned.block.skip,
                activation=activation,
                drop_path_rate=rate,
                drop_path_steps=arguments["drop_path_steps"],
                conventions=conventions,
                name=planned.name,
            )
        state = layer(state)
        level += planned.strides - 1
        levels[level] = state
    state = levels[level] = unit(state, plan.head, "head_convolution")
    name = arguments["name"] or name
    if arguments["features"]:
        pyramid = {f"P{each}": levels[each] for each in levels if each}
        return Model(inputs, pyramid, name=name)
    outputs = ends.finish(
        state,
        plan.classes,
        conventions.data_format,
        arguments["include_top"],
        arguments["pooling"],
        arguments["dropout"],
        arguments["classifier_activation"],
    )
    return Model(inputs, outputs, name=name)


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
    from nasnet_keras.network.complexity import known_size, units_complexity
    from nasnet_keras.network.skeletons import divided

    plan = Plan(architecture, input_shape, classes, without_recipe(arguments))
    axes = plan.conventions.spatial_axes
    size = known_size(*(plan.input_shape[axis - 1] for axis in axes))
    units: list[tuple[int, tuple[UnitPlan, ...]]] = [
        (plan.image_channels, (plan.stem,))
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
    products = architecture.head_filters * classes
    return total + Complexity(products + classes, 0, products)
