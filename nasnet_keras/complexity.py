"""Parameters and multiply-adds of a network.

Multiply-adds count the products of convolutions, depthwise and pointwise
ones included, and of the classifier, at the size of their output, for one
image; not biases, batch norms, pools, activations or the auxiliary head.
"""

from dataclasses import dataclass
from typing import Any

import keras

from nasnet_keras.cell import Cell
from nasnet_keras.combine import COMBINERS
from nasnet_keras.conventions import Conventions
from nasnet_keras.convolution_unit import UnitPlan
from nasnet_keras.frames import FRAMES, Projection, Stem, plan_cells, plan_stem
from nasnet_keras.genotype import CellSpec, Genotype
from nasnet_keras.network import check_arguments
from nasnet_keras.operations import OPERATIONS

Size = tuple[int, int]  # height and width


@dataclass(frozen=True)
class Complexity:
    """The cost of a network.

    Attributes:
        trainable_parameters: Kernels, biases, scales and offsets.
        statistics: The moving means and variances of batch norms.
        multiply_adds: For one image.
    """

    trainable_parameters: int = 0
    statistics: int = 0
    multiply_adds: int = 0

    @property
    def parameters(self) -> int:
        """What `keras.Model.count_params` counts."""
        return self.trainable_parameters + self.statistics

    def __add__(self, other: "Complexity") -> "Complexity":
        return Complexity(
            self.trainable_parameters + other.trainable_parameters,
            self.statistics + other.statistics,
            self.multiply_adds + other.multiply_adds,
        )


def genotype_complexity(
    genotype: Genotype,
    input_shape: tuple[int, int, int] = (32, 32, 3),
    classes: int = 10,
    repeats: int = 6,
    filters: int = 32,
    stem: Stem = "cifar",
    stem_filters: int | None = None,
    skip_reduction_layer_input: bool = False,
    conventions: Any = None,
    frame: str = "nasnet",
) -> Complexity:
    """The cost of the network that `build_network` would build with these
    arguments, without building it.

    Args:
        genotype: The two cells.
        input_shape: `(height, width, channels)`, channels first if the
            conventions say so.
        classes: See `build_network`, as for all that follow.
        repeats: N.
        filters: F.
        stem: `"cifar"` or `"imagenet"`.
        stem_filters: See `plan_stem`.
        skip_reduction_layer_input: See `plan_cells`.
        conventions: A `Conventions` or its `to_dict`. Default: the defaults.
        frame: A key of `FRAMES`.

    Raises:
        ValueError: `build_network` would refuse an argument, or the size of
            the images is unknown.

    Example:

    >>> from nasnet_keras.published import NASNET_A
    >>> cost = genotype_complexity(
    ...     NASNET_A, (224, 224, 3), 1000, repeats=4, filters=44,
    ...     stem="imagenet",
    ... )
    >>> cost.parameters
    5326716
    """
    conventions = Conventions.from_dict(conventions)
    check_arguments(
        genotype,
        input_shape,
        classes,
        repeats,
        filters,
        stem,
        stem_filters,
        conventions,
        frame,
        skip_reduction_layer_input,
    )
    *sides, image_channels = input_shape
    if conventions.data_format == "channels_first":
        image_channels, *sides = input_shape
    _check_size(sides[0], sides[1])
    channels, sizes = [image_channels], [(sides[0], sides[1])]
    total = Complexity()
    for unit in plan_stem(filters, stem, stem_filters, frame):
        height, width = sizes[-1]
        if unit.padding == "valid":
            height, width = height - 2, width - 2
        sizes.append(_divided((height, width), (unit.strides, unit.strides)))
        total += _convolution((3, 3), channels[-1], unit.filters, sizes[-1])
        total += _batch_norm(unit.filters)
        channels.append(unit.filters)
    # The plan numbers the outputs; the images are none.
    del channels[0], sizes[0]
    for place in plan_cells(
        repeats, filters, stem, skip_reduction_layer_input, frame
    ):
        spec = genotype.reduction if place.reduction else genotype.normal
        total += cell_complexity(
            spec,
            place.filters,
            2 if place.reduction else 1,
            place.input_strides,
            [channels[source] for source in place.inputs],
            sizes[place.inputs[0]],
            conventions,
            FRAMES[frame].projection,
        )
        size = sizes[place.inputs[0]]
        sizes.append(_divided(size, (2, 2)) if place.reduction else size)
        channels.append(place.filters * spec.output_multiple)
    products = channels[-1] * classes
    biases = classes if FRAMES[frame].classifier_bias else 0
    return total + Complexity(products + biases, 0, products)


def multiply_adds(model: keras.Model) -> int:
    """The multiply-adds of a built network of this package.

    Args:
        model: What `build_network` returns, with a known image size.

    Raises:
        ValueError: The size of the images is unknown.
    """
    total = 0
    for layer in model.layers:
        shapes = layer.input if isinstance(layer.input, list) else [layer.input]
        shapes = [tuple(tensor.shape) for tensor in shapes]
        if isinstance(layer, Cell):
            axes = layer.conventions.spatial_axes
            height, width = (shapes[0][axis] for axis in axes)
            channels = [
                shape[layer.conventions.channel_axis] for shape in shapes
            ]
            _check_size(height, width)
            total += cell_complexity(
                layer.spec,
                layer.filters,
                layer.strides,
                layer.input_strides,
                channels,
                (height, width),
                layer.conventions,
                layer.projection,
            ).multiply_adds
        elif isinstance(layer, keras.layers.Conv2D):
            first = 2 if layer.data_format == "channels_first" else 1
            height, width = layer.output.shape[first : first + 2]
            _check_size(height, width)
            total += _products(layer.kernel.shape) * height * width
        elif isinstance(layer, keras.layers.Dense):
            total += _products(layer.kernel.shape)
    return total


def cell_complexity(
    spec: CellSpec,
    filters: int,
    strides: int,
    input_strides: tuple[int, ...],
    channels: list[int],
    size: Size,
    conventions: Conventions,
    projection: Projection = "needed",
) -> Complexity:
    """The cost of a `Cell` with these arguments.

    Args:
        spec: The blocks.
        filters: F.
        strides: 1 or 2.
        input_strides: See `Cell`.
        channels: Those of each input.
        size: Height and width of the current input.
        conventions: How the layers compute.
        projection: See `Cell`.
    """
    total = Complexity()
    states = list(channels)
    for position, halve in enumerate(input_strides):
        fits = position and halve == 1 and states[position] == filters
        if not fits or projection != "needed":
            total += _reduction(states[position], filters, size)
            states[position] = filters
    if projection == "twice":
        total += _reduction(filters, filters, size)
    states += [channels[0]] * (spec.inputs - len(states))
    halved = _divided(size, (strides, strides))
    for block in spec.blocks:
        for state, name in zip(block.inputs, block.operations, strict=True):
            from_input = state < spec.inputs
            plan = OPERATIONS[name].plan(
                states[state],
                filters,
                strides if from_input else 1,
                conventions,
            )
            # Only pools change the size before their unit.
            start = size if from_input else halved
            if plan and from_input and all(u.strides == (1, 1) for u in plan):
                start = halved
            total += _units(plan, states[state], start)
        total += Complexity(COMBINERS[block.combiner].parameters(filters))
        states.append(filters * (2 if block.combiner == "concat" else 1))
    for state in spec.output_states:
        if state < spec.inputs and (strides > 1 or states[state] != filters):
            total += _reduction(states[state], filters, halved)
    return total


def _units(plan: tuple[UnitPlan, ...], channels: int, size: Size) -> Complexity:
    total = Complexity()
    for unit in plan:
        kernel_size = unit.kernel_size
        size = _divided(size, unit.strides)
        if unit.separable:
            total += _convolution(kernel_size, channels, 1, size)
            kernel_size = (1, 1)
        total += _convolution(kernel_size, channels, unit.filters, size)
        total += _batch_norm(unit.filters)
        channels = unit.filters
    return total


def _reduction(channels: int, filters: int, size: Size) -> Complexity:
    """A 1x1 convolution, whole or in the two halves of a factorized
    reduction, to maps of the given size."""
    return _convolution((1, 1), channels, filters, size) + _batch_norm(filters)


def _convolution(
    kernel_size: Size, channels: int, filters: int, size: Size
) -> Complexity:
    parameters = kernel_size[0] * kernel_size[1] * channels * filters
    return Complexity(parameters, 0, parameters * size[0] * size[1])


def _batch_norm(channels: int) -> Complexity:
    return Complexity(2 * channels, 2 * channels)


def _divided(size: Size, strides: tuple[int, int]) -> Size:
    """The size after SAME strides."""
    return -(-size[0] // strides[0]), -(-size[1] // strides[1])


def _products(shape: tuple[int, ...]) -> int:
    product = 1
    for side in shape:
        product *= side
    return product


def _check_size(height: int | None, width: int | None) -> None:
    if height is None or width is None:
        raise ValueError(
            "The multiply-adds depend on the size of the images. Expected a "
            "known input size. Received: "
            f"height={height}, width={width}."
        )
