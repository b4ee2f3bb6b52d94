"""Multiply-adds of a model that is built, counted by the calls of its layers:
`multiply_adds`, `known_multiply_adds`."""

import functools
import math
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import keras

from nasnet_keras.layers.auxiliary_head import AuxiliaryHead
from nasnet_keras.layers.cell import Cell
from nasnet_keras.layers.inverted_residual import ResidualConvolution
from nasnet_keras.layers.operation_graph import OperationGraph
from nasnet_keras.layers.parts.convolution_unit import ConvolutionUnit
from nasnet_keras.layers.parts.squeeze_excite import SqueezeExcite
from nasnet_keras.network.complexity import (
    cell_complexity,
    graph_complexity,
    known_size,
    units_complexity,
)

CONVOLUTIONS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
    ConvolutionUnit,
)
TRANSPOSED = (
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
)
# The auxiliary head serves the training alone; the weights of the others are no
# kernels, with however many axes.
NOT_COUNTED = (
    AuxiliaryHead,
    keras.layers.Embedding,
    keras.layers.LayerNormalization,
    keras.layers.Normalization,
    keras.layers.PReLU,
)

Shape = tuple[Any, ...]  # with None where a side is not known


class Call(NamedTuple):
    """A call of a layer in a model.

    Attributes:
        layer: The layer, or a model.
        inputs: The shapes of the tensors that it reads.
        output: The shape of the first one that it makes.
    """

    layer: keras.layers.Layer
    inputs: list[Shape]
    output: Shape


def multiply_adds(model: keras.Model) -> int:
    """The multiply-adds of a network of cells, without the auxiliary head,
    which serves the training alone.

    Args:
        model: What `build_network` returns, with a known image size.

    Raises:
        ValueError: The size of the images is unknown, or a layer is none of
            such a network.
    """
    total = 0
    for call in _calls(model):
        products = _products(call)
        if products is None:
            raise ValueError(
                "Invalid value for argument `model`. Expected a network of "
                "`build_network`; the costs of other kinds are counted by "
                "their `complexity`. Received: a network with the layer "
                f"{call.layer.name!r}, a {type(call.layer).__name__}."
            )
        total += products
    return total


def known_multiply_adds(model: keras.Model) -> int:
    """The multiply-adds of the convolutions, transposed ones included, and
    dense layers of any model, and of our layers, those of models within it
    too. A layer that is called several times counts for each call.

    Another layer with kernels counts as 0. A warning names its class, once in
    a process.

    Raises:
        ValueError: The size of the images is unknown.
    """
    total = 0
    for call in _calls(model):
        if isinstance(call.layer, keras.Model) and call.layer is not model:
            total += known_multiply_adds(call.layer)
            continue
        products = _products(call)
        if products is None:
            _warn_of(type(call.layer).__name__)
        total += products or 0
    return total


@functools.cache
def _warn_of(name: str) -> None:
    warnings.warn(
        f"The multiply-adds of {name} layers are not known and count as 0, so "
        "the multiply-adds of networks with such layers are too low.",
        stacklevel=3,
    )


def _calls(model: keras.Model) -> Iterator[Call]:
    """The calls of layers in a model; of one that has no graph, the model."""
    graph = model
    if isinstance(model, keras.Sequential):
        graph = model._functional
    if not hasattr(graph, "_nodes_by_depth"):
        yield Call(model, [], ())
        return
    # `layer.output` is that of layers which are called once.
    for nodes in graph._nodes_by_depth.values():
        for node in nodes:
            if isinstance(node.operation, keras.layers.Layer):
                yield Call(
                    node.operation,
                    [tuple(each.shape) for each in node.input_tensors],
                    tuple(node.outputs[0].shape),
                )


def _products(call: Call) -> int | None:
    """The multiply-adds of a call, None if the layer is of a class that is not
    known and has kernels."""
    layer: Any = call.layer
    if isinstance(layer, NOT_COUNTED):
        return 0
    if isinstance(layer, Cell):
        return _cell_products(layer, call.inputs)
    if isinstance(layer, SqueezeExcite):
        return sum(math.prod(unit.kernel.shape) for unit in layer.units)
    if isinstance(layer, OperationGraph | ResidualConvolution):
        return _planned_products(layer, call.inputs[0])
    kernels = [weight for weight in layer.weights if len(weight.shape) > 1]
    size = sum(math.prod(kernel.shape) for kernel in kernels)
    if not kernels:
        return 0
    if isinstance(layer, keras.layers.Dense):
        return size * _positions(call.output[1:-1])
    if isinstance(layer, keras.layers.EinsumDense):
        return size * _positions(_kept(layer.equation, call.inputs[0]))
    if isinstance(layer, CONVOLUTIONS):
        # All kernels, of separable ones too, at the size of the output.
        return size * _positions(_spatial(layer, call.output))
    if isinstance(layer, TRANSPOSED):
        return size * _positions(_spatial(layer, call.inputs[0]))
    return None


def _spatial(convolution: Any, shape: Shape) -> Shape:
    layout = getattr(convolution, "conventions", convolution)
    if layout.data_format == "channels_first":
        return shape[2:]
    return shape[1:-1]


def _kept(equation: str, shape: Shape) -> Shape:
    """The axes of an input, without that of the images, over which an
    `EinsumDense` does not sum by its kernel.

    Example:

    >>> _kept("abc,cd->abd", (None, 5, 7)), _kept("...x,xy->...y", (None, 5, 7))
    ((5,), (5,))
    """
    reads, kernel = equation.split("->")[0].replace(" ", "").split(",")
    before, dots, after = reads.partition("...")
    left_out = len(shape) - len(before) - len(after)
    names = [*before, *[dots] * left_out, *after]
    return tuple(
        side
        for name, side in list(zip(names, shape, strict=True))[1:]
        if name not in kernel
    )


def _positions(sides: Shape) -> int:
    if None in sides:
        raise ValueError(
            "The multiply-adds depend on the size of the images. Expected a "
            f"known input size. Received: {sides}."
        )
    return math.prod(sides)


def _cell_products(cell: Cell, shapes: list[Shape]) -> int:
    axes = cell.conventions.spatial_axes
    return cell_complexity(
        cell.spec,
        cell.filters,
        cell.strides,
        cell.input_strides,
        [shape[cell.conventions.channel_axis] for shape in shapes],
        known_size(*(shapes[0][axis] for axis in axes)),
        cell.conventions,
        cell.projection,
    ).multiply_adds


def _planned_products(
    layer: OperationGraph | ResidualConvolution, shape: Shape
) -> int:
    """Of a layer of a graph, by what it is made of."""
    channels = shape[layer.conventions.channel_axis]
    size = known_size(*(shape[axis] for axis in layer.conventions.spatial_axes))
    if isinstance(layer, OperationGraph):
        cost, _, _ = graph_complexity(layer.nodes, channels, size)
    else:
        units = layer.planned(channels).units
        cost = units_complexity(units, channels, size)
    return cost.multiply_adds
