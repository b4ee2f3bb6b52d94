"""Parameters and multiply-adds of a network.

Multiply-adds count the products of convolutions, depthwise and pointwise
ones included, and of the classifier, at the size of their output, for one
image; not biases, batch norms, pools, activations or the auxiliary head.
"""

import functools
from collections.abc import Iterable
from typing import Any

from nasnet_keras.architectures import Complexity
from nasnet_keras.genotype import CellSpec, Genotype, Projection
from nasnet_keras.graph_nodes import (
    Gather,
    GraphNode,
    Normalization,
    state_channels,
)
from nasnet_keras.layers.combiners import COMBINERS
from nasnet_keras.layers.operation_graph import units_of
from nasnet_keras.layers.operations import OPERATIONS
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.layers.parts.convolution_unit import UnitPlan
from nasnet_keras.layers.parts.squeeze_excite import (
    SqueezeExcite,
    squeezed_channels,
)
from nasnet_keras.network.placed_operations import (
    ADJUSTMENT,
    PlacedOperation,
    cell_operations,
    network_operations,
)
from nasnet_keras.network.plan import NetworkPlan, check_squeeze
from nasnet_keras.network.skeletons import Size, Stem, divided


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
    squeeze_excite: float = 0.0,
) -> Complexity:
    """Counts the cost of a network of `build_network` without building it.

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
        squeeze_excite: The share of a cell's channels within a
            squeeze-and-excite behind it.

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
    if conventions.normalization != "batch":
        raise ValueError(
            "Invalid value for argument `conventions`. Expected "
            "normalization='batch': what is counted is the network before it "
            f"is fused. Received: normalization={conventions.normalization!r}."
        )
    plan = NetworkPlan(
        genotype,
        input_shape,
        classes,
        repeats,
        filters,
        stem,
        stem_filters,
        skip_reduction_layer_input,
        conventions,
        frame,
    )
    sizes = plan.sizes(known_size(*plan.image_size))
    total, channels = Complexity(), plan.image_channels
    for unit, size in zip(plan.convolutions, sizes, strict=False):
        total += _convolution((3, 3), channels, unit.filters, size)
        total += batch_norm_complexity(unit.filters)
        channels = unit.filters
    for operation in network_operations(plan):
        total += _operation(operation, plan.conventions)
    check_squeeze(squeeze_excite, genotype)
    for place in plan.cells if squeeze_excite else ():
        channels = place.filters * plan.spec(place).output_multiple
        few = squeezed_channels(channels, squeeze_excite)
        units = SqueezeExcite.plan(channels, few)
        total += units_complexity(units, channels, (1, 1))
    last = plan.cells[-1]
    return total + classifier_complexity(
        last.filters * plan.spec(last).output_multiple,
        classes,
        plan.parts.classifier_bias,
    )


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
    for operation in cell_operations(
        spec, filters, strides, input_strides, channels, size, projection
    ):
        total += _operation(operation, conventions)
    return total


def _operation(place: PlacedOperation, conventions: Conventions) -> Complexity:
    size = (place.height, place.width)
    halved = divided(size, (place.strides, place.strides))
    if place.name == ADJUSTMENT:
        return _convolution(
            (1, 1), place.channels, place.filters, halved
        ) + batch_norm_complexity(place.filters)
    if place.name in COMBINERS:
        return Complexity(COMBINERS[place.name].parameters(place.filters))
    if place.name not in OPERATIONS:
        return Complexity()
    units = OPERATIONS[place.name].plan(
        place.channels, place.filters, place.strides, conventions
    )
    # Pools change the size before their unit.
    pools = all(unit.strides == (1, 1) for unit in units)
    return units_complexity(units, place.channels, halved if pools else size)


def units_complexity(
    plan: Iterable[UnitPlan],
    channels: int,
    size: Size,
    normalization: str = "batch",
) -> Complexity:
    """The cost of units, each of which reads the one before it.

    Args:
        plan: The units, in order.
        channels: Those that the first reads.
        size: Height and width of what it reads.
        normalization: See `Conventions`. Default `"batch"`.

    Example:

    >>> units_complexity([UnitPlan(16, (3, 3), (2, 2))], 3, (32, 32))
    Complexity(trainable_parameters=464, statistics=32, multiply_adds=110592)
    """
    total = Complexity()
    for unit in plan:
        kernel_size = unit.kernel_size
        size = divided(size, unit.strides)
        if unit.separable:
            total += _convolution(kernel_size, channels, 1, size)
            kernel_size = (1, 1)
        total += _convolution(
            kernel_size,
            1 if unit.depthwise else channels // unit.groups,
            unit.filters,
            (1, 1) if unit.squeezed else size,
        )
        if unit.squeezed or normalization == "bias" and not unit.bare:
            total += Complexity(unit.filters)
        elif normalization == "batch" and not unit.bare:
            total += batch_norm_complexity(unit.filters)
        channels = unit.filters
    return total


# The same graph stands in many places of many networks.
@functools.lru_cache(maxsize=10_000)
def graph_complexity(
    nodes: tuple[GraphNode, ...],
    channels: int,
    size: Size,
    normalization: str = "batch",
) -> tuple[Complexity, int, Size]:
    """The cost of an `OperationGraph`, and the channels and the size of its
    output.

    Args:
        nodes: The nodes.
        channels: Those of its input.
        size: Height and width of its input.
        normalization: See `Conventions`. Default `"batch"`.

    Example:

    >>> from nasnet_keras.graph_nodes import Convolution
    >>> nodes = (GraphNode(Convolution(16, 3)),)
    >>> cost, channels, size = graph_complexity(nodes, 3, (32, 32))
    >>> cost.parameters, channels, size
    (496, 16, (32, 32))
    """
    total, sizes = Complexity(), [size]
    states = state_channels(nodes, channels)
    for node, made in zip(nodes, states[1:], strict=True):
        (first, *_), step = node.reads, node.step
        match step:
            case Normalization() if normalization == "bias":
                total += Complexity(2 * states[first])
            case Normalization():
                total += batch_norm_complexity(states[first])
            case Gather():
                total += Complexity(0, made)
        total += units_complexity(
            units_of(step, states[first]),
            states[first],
            sizes[first],
            normalization,
        )
        sizes.append(divided(sizes[first], (step.strides, step.strides)))
    return total, states[-1], sizes[-1]


def classifier_complexity(
    channels: int, classes: int, use_bias: bool = True
) -> Complexity:
    """The cost of a dense layer.

    Example:

    >>> classifier_complexity(64, 10).parameters
    650
    """
    products = channels * classes
    return Complexity(products + use_bias * classes, 0, products)


def _convolution(
    kernel_size: Size, channels: int, filters: int, size: Size
) -> Complexity:
    parameters = kernel_size[0] * kernel_size[1] * channels * filters
    return Complexity(parameters, 0, parameters * size[0] * size[1])


def batch_norm_complexity(channels: int) -> Complexity:
    """The cost of a batch norm.

    Example:

    >>> batch_norm_complexity(16).parameters
    64
    """
    return Complexity(2 * channels, 2 * channels)


def known_size(height: int | None, width: int | None) -> Size:
    """Height and width, where multiply-adds depend on them.

    Raises:
        ValueError: One is unknown.
    """
    if height is None or width is None:
        raise ValueError(
            "The multiply-adds depend on the size of the images. Expected a "
            "known input size. Received: "
            f"height={height}, width={width}."
        )
    return height, width
