"""The networks given layer by layer: what they read, how they are built and
counted.

Neither Keras nor TensorFlow is imported here before a network is built.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nasnet_keras.architectures import Complexity
from nasnet_keras.kinds.layerwise.architecture import (
    ConvolutionLayer,
    LayerwiseArchitecture,
    Pair,
    check_numbers,
)
from nasnet_keras.network.skeletons import divided
from nasnet_keras.quotation import quoted

if TYPE_CHECKING:
    import keras

    from nasnet_keras.layers.parts.conventions import Conventions
    from nasnet_keras.layers.parts.convolution_unit import UnitPlan

ARGUMENTS = ("dropout", "conventions")


@dataclass(frozen=True)
class LayerInput:
    """What a layer, or the classifier, reads in a network.

    Attributes:
        padded: The numbers of what is read, 0 for the image, each with the
            rows and columns of zeros that it lacks.
        channels: Those of the whole.
        size: Its height and width.
    """

    padded: tuple[tuple[int, Pair], ...]
    channels: int
    size: Pair


class Plan:
    """What stands where in a network, before anything is built.

    Args:
        architecture, input_shape, classes, arguments: See `build`.

    Attributes:
        architecture, input_shape, classes: As given.
        channels: Of the image, 0, and of the outputs of the layers.
        inputs: What each layer reads.
        head: What the classifier reads.
        conventions: How the layers compute.
        dropout: The rate before the classifier.

    Raises:
        ValueError: An argument is unknown or out of range.
    """

    def __init__(
        self,
        architecture: LayerwiseArchitecture,
        input_shape: Sequence[int],
        classes: int,
        arguments: Mapping[str, Any],
    ) -> None:
        from nasnet_keras.layers.parts.conventions import Conventions

        _check_arguments(arguments)
        self.dropout = arguments.get("dropout", 0.0)
        self.conventions = Conventions.of_no_cells(arguments.get("conventions"))
        if len(input_shape) != 3:
            raise ValueError(
                "Invalid value for argument `input_shape`. Expected height, "
                "width and channels. Received: "
                f"input_shape={quoted(input_shape)}."
            )
        check_numbers(input_shape, "input_shape")
        check_numbers([classes], "classes")
        self.architecture = architecture
        self.input_shape = tuple(input_shape)
        self.classes = classes
        first, second = (axis - 1 for axis in self.conventions.spatial_axes)
        sizes = {0: (input_shape[first], input_shape[second])}
        image_channels = input_shape[3 - first - second]
        self.channels = {0: image_channels} | {
            number: layer.filters
            for number, layer in enumerate(architecture.layers, start=1)
        }

        def layer_input(reads: Sequence[int]) -> LayerInput:
            sources = reads or (0,)
            height, width = (
                max(side)
                for side in zip(
                    *(sizes[source] for source in sources), strict=True
                )
            )
            return LayerInput(
                tuple(
                    (
                        source,
                        (height - sizes[source][0], width - sizes[source][1]),
                    )
                    for source in sources
                ),
                sum(self.channels[source] for source in sources),
                (height, width),
            )

        self.inputs: list[LayerInput] = []
        for number, layer in enumerate(architecture.layers, start=1):
            self.inputs.append(layer_input(layer.reads))
            sizes[number] = divided(self.inputs[-1].size, layer.strides)
        self.head = layer_input(architecture.outputs)


def build_model(plan: Plan, name: str) -> "keras.Model":
    """The untrained network."""
    from keras import Model, layers

    from nasnet_keras.network.ends import finish

    conventions = plan.conventions
    image = layers.Input(shape=plan.input_shape)
    outputs = {0: image}
    for number, (layer, read) in enumerate(
        zip(plan.architecture.layers, plan.inputs, strict=True), start=1
    ):
        layer_name = f"layer_{number}"
        state = unit_of(layer).layer(conventions, name=layer_name)(
            _join(outputs, read, conventions, layer_name)
        )
        outputs[number] = layers.ReLU(name=f"{layer_name}_activation")(state)
    predictions = finish(
        _join(outputs, plan.head, conventions, "head"),
        plan.classes,
        conventions.data_format,
        dropout=plan.dropout,
    )
    return Model(image, predictions, name=name)


def count(plan: Plan) -> Complexity:
    """What the network costs, without building it."""
    from nasnet_keras.network.complexity import (
        classifier_complexity,
        units_complexity,
    )

    total = Complexity()
    for layer, read in zip(plan.architecture.layers, plan.inputs, strict=True):
        total += units_complexity(
            [unit_of(layer)],
            read.channels,
            read.size,
            plan.conventions.normalization,
        )
    return total + classifier_complexity(plan.head.channels, plan.classes)


def unit_of(layer: ConvolutionLayer) -> "UnitPlan":
    """A layer as a unit."""
    from nasnet_keras.layers.parts.convolution_unit import UnitPlan

    return UnitPlan(layer.filters, layer.kernel_size, layer.strides)


def _join(
    outputs: Mapping[int, Any],
    read: LayerInput,
    conventions: "Conventions",
    name: str,
) -> Any:
    """What a layer, or the classifier, reads."""
    from keras import layers

    states = []
    for source, (rows, columns) in read.padded:
        state = outputs[source]
        if rows or columns:
            state = layers.ZeroPadding2D(
                ((0, rows), (0, columns)),
                data_format=conventions.data_format,
                name=f"{name}_padding_{source}",
            )(state)
        states.append(state)
    if len(states) == 1:
        return states[0]
    return layers.Concatenate(conventions.channel_axis, name=f"{name}_inputs")(
        states
    )


def _check_arguments(arguments: Mapping[str, Any]) -> None:
    for name, value in arguments.items():
        if name not in ARGUMENTS:
            raise ValueError(
                f"Invalid argument `{name}` of a network given layer by layer. "
                f"Expected some of {', '.join(ARGUMENTS)}. Received: "
                f"{name}={quoted(value)}."
            )
    dropout = arguments.get("dropout", 0.0)
    if not isinstance(dropout, int | float) or not 0 <= dropout < 1:
        raise ValueError(
            "Invalid value for argument `dropout`. Expected a probability "
            "from 0 up to but not including 1. Received: "
            f"dropout={quoted(dropout)}."
        )
