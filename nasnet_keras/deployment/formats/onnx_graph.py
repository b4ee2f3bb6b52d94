"""TensorFlow's graph of a network in ONNX's operations: `onnx_model`.

States are channels first in ONNX. So images are transposed once, and every
axis, kernel and padding with them, instead of the states around each
convolution.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

OPSET, IR_VERSION = 18, 10


class NoTranslation(ValueError):
    """The network has an operation that is not translated here."""


def onnx_model(function: Any) -> ModelProto:
    """The ONNX model of a frozen function.

    Args:
        function: Of `frozen_function`, channels last.

    Returns:
        A model of the same input and outputs: images and feature maps are
        channels last.

    Raises:
        NoTranslation: There is none of an operation.
    """
    graph = Graph()
    for operation in function.graph.get_operations():
        translate = TRANSLATIONS.get(operation.type)
        if translate is None:
            raise NoTranslation(
                "Invalid value for the network to write as ONNX. Expected "
                f"operations among {', '.join(TRANSLATIONS)}. Received: "
                f"{operation.type}, at {operation.name}."
            )
        translate(graph, operation)
    outputs = function.structured_outputs
    for name, tensor in outputs.items():
        graph.add("Identity", [graph.channels_last(tensor.op.inputs[0])], name)
    images, *captured = function.inputs
    if captured:
        raise NoTranslation(
            "Invalid value for the network to write as ONNX. Expected weights "
            "that are constants. Received: "
            f"{', '.join(each.name for each in captured)}."
        )
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "nasnet",
            [_value_info(images.op.name, images)],
            [_value_info(name, outputs[name]) for name in sorted(outputs)],
            graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    checker.check_model(model)
    return model


class Graph:
    """Nodes and constants so far.

    Attributes:
        nodes: In the order in which they run.
        initializers: The constants that they read.
        constants: The values of TensorFlow's, by the names of tensors.
        convolutions: The nodes of convolutions, by their outputs.
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[TensorProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self.convolutions: dict[str, Any] = {}

    def add(
        self, kind: str, inputs: Sequence[str], output: str, **attributes: Any
    ) -> Any:
        """A node."""
        node = helper.make_node(kind, inputs, [output], output, **attributes)
        self.nodes.append(node)
        return node

    def constant(self, value: np.ndarray) -> str:
        """The name of a new constant."""
        name = f"constant_{len(self.initializers)}"
        tensor = numpy_helper.from_array(np.ascontiguousarray(value), name)
        self.initializers.append(tensor)
        return name

    def value(self, tensor: Any) -> np.ndarray:
        """The value of TensorFlow's constant.

        Raises:
            NoTranslation: It is none.
        """
        if tensor.name not in self.constants:
            raise NoTranslation(
                "Invalid value for the network to write as ONNX. Expected "
                f"constant weights and axes. Received: {tensor.name}."
            )
        return self.constants[tensor.name]

    def operand(self, tensor: Any, rank: int) -> str:
        """The name of a state, or of a constant for states of that rank."""
        if tensor.name not in self.constants:
            return tensor.name
        value = self.value(tensor)
        if rank == 4:
            value = value.reshape((1,) * (4 - value.ndim) + value.shape)
            value = value.transpose(0, 3, 1, 2)
        return self.constant(value)

    def channels_last(self, tensor: Any) -> str:
        """The name of a state in TensorFlow's order."""
        if tensor.shape.rank != 4:
            return tensor.name
        name = f"{tensor.name}/channels_last"
        self.add("Transpose", [tensor.name], name, perm=(0, 2, 3, 1))
        return name


# === What becomes of each operation ===


def _nothing(graph: Graph, operation: Any) -> None:
    """It is part of what reads it."""


def _constant(graph: Graph, operation: Any) -> None:
    value = tf.make_ndarray(operation.get_attr("value"))
    graph.constants[operation.outputs[0].name] = value


def _cast(graph: Graph, operation: Any) -> None:
    (output,) = operation.outputs
    value = graph.value(operation.inputs[0])
    graph.constants[output.name] = value.astype(output.dtype.as_numpy_dtype)


def _placeholder(graph: Graph, operation: Any) -> None:
    (output,) = operation.outputs
    graph.add("Transpose", [operation.name], output.name, perm=(0, 3, 1, 2))


def _as(kind: str) -> Callable[[Graph, Any], None]:
    """An operation of one or two states that knows no axes."""

    def translate(graph: Graph, operation: Any) -> None:
        (output,) = operation.outputs
        inputs = [
            graph.operand(each, output.shape.rank) for each in operation.inputs
        ]
        graph.add(kind, inputs, output.name)

    return translate


def _convolution(graph: Graph, operation: Any) -> None:
    states, kernel = operation.inputs
    if states.op.type == "SpaceToBatchND":
        return
    _, *strides, _ = operation.get_attr("strides")
    _, *dilations, _ = operation.get_attr("dilations")
    size = [
        1 + (length - 1) * dilation
        for length, dilation in zip(kernel.shape[:2], dilations, strict=True)
    ]
    pads = _pads(operation, size, strides)
    _convolve(graph, operation, operation, states, strides, dilations, pads)


def _dilated_convolution(graph: Graph, operation: Any) -> None:
    """Three operations of TensorFlow: the states' every d-th row and column
    go into an image of their own, are convolved, and come back."""
    convolution = operation.inputs[0].op
    spread = convolution.inputs[0].op
    if spread.type != "SpaceToBatchND":
        raise NoTranslation(
            "Invalid value for the network to write as ONNX. Expected "
            "BatchToSpaceND after a convolution of SpaceToBatchND. Received: "
            f"{spread.type}, at {spread.name}."
        )
    states, dilations, paddings = spread.inputs
    pads = graph.value(paddings) - graph.value(operation.inputs[2])
    _convolve(
        graph,
        operation,
        convolution,
        states,
        (1, 1),
        graph.value(dilations).tolist(),
        pads.T.flatten().tolist(),
    )


def _convolve(
    graph: Graph,
    operation: Any,
    convolution: Any,
    states: Any,
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
) -> None:
    """A convolution in the place of an operation."""
    kernel = graph.value(convolution.inputs[1])
    groups = 1
    if convolution.type == "DepthwiseConv2dNative":
        groups = kernel.shape[2]
        kernel = kernel.reshape(*kernel.shape[:2], 1, -1)
    name = operation.outputs[0].name
    graph.convolutions[name] = graph.add(
        "Conv",
        [states.name, graph.constant(kernel.transpose(3, 2, 0, 1))],
        name,
        kernel_shape=kernel.shape[:2],
        strides=strides,
        dilations=dilations,
        pads=pads,
        group=groups,
    )


def _bias(graph: Graph, operation: Any) -> None:
    """A convolution takes the bias into itself."""
    states, bias = operation.inputs
    (output,) = operation.outputs
    node = graph.convolutions.get(states.name)
    if node is None or len(states.consumers()) > 1:
        inputs = [states.name, graph.operand(bias, output.shape.rank)]
        graph.add("Add", inputs, output.name)
        return
    node.input.append(graph.constant(graph.value(bias)))
    node.output[0] = output.name


def _pool(kind: str) -> Callable[[Graph, Any], None]:
    def translate(graph: Graph, operation: Any) -> None:
        _, *size, _ = operation.get_attr("ksize")
        _, *strides, _ = operation.get_attr("strides")
        graph.add(
            kind,
            [operation.inputs[0].name],
            operation.outputs[0].name,
            kernel_shape=size,
            strides=strides,
            pads=_pads(operation, size, strides),
        )

    return translate


def _pads(
    operation: Any, size: Sequence[int], strides: Sequence[int]
) -> list[int]:
    """The padding of a window: top, left, bottom, right."""
    pads = [0, 0, 0, 0]
    if operation.get_attr("padding") == b"SAME":
        lengths = operation.inputs[0].shape[1:3]
        for axis, length in enumerate(lengths):
            steps = -(-length // strides[axis]) - 1
            total = max(0, steps * strides[axis] + size[axis] - length)
            pads[axis], pads[axis + 2] = total // 2, total - total // 2
    return pads


def _check(operation: Any, knows: bool) -> None:
    """Raises:
    NoTranslation: The translation of the operation does not know its case.
    """
    if not knows:
        raise NoTranslation(
            "Invalid value for the network to write as ONNX. Expected other "
            f"arguments of {operation.type}. Received: {operation.name}."
        )


def _product(graph: Graph, operation: Any) -> None:
    transposed = map(operation.get_attr, ("transpose_a", "transpose_b"))
    _check(operation, not any(transposed))
    _as("MatMul")(graph, operation)


def _softmax(graph: Graph, operation: Any) -> None:
    (output,), (states,) = operation.outputs, operation.inputs
    rank = output.shape.rank
    (axis,) = _axes(np.array(rank - 1), rank)
    inputs = [graph.operand(states, rank)]
    graph.add("Softmax", inputs, output.name, axis=axis)


def _concatenation(graph: Graph, operation: Any) -> None:
    *states, axis = operation.inputs
    (output,) = operation.outputs
    (place,) = _axes(graph.value(axis), output.shape.rank)
    inputs = [graph.operand(each, output.shape.rank) for each in states]
    graph.add("Concat", inputs, output.name, axis=place)


def _reduction(kind: str) -> Callable[[Graph, Any], None]:
    def translate(graph: Graph, operation: Any) -> None:
        states, axes = operation.inputs
        places = _axes(graph.value(axes), states.shape.rank)
        kept = set(range(states.shape.rank)) - {*places}
        # A channel and a row would come in another order.
        turned = states.shape.rank == 4 and 1 in kept and kept & {2, 3}
        _check(operation, operation.get_attr("keep_dims") or not turned)
        graph.add(
            kind,
            [states.name, graph.constant(np.array(places, np.int64))],
            operation.outputs[0].name,
            keepdims=int(operation.get_attr("keep_dims")),
        )

    return translate


def _padding(graph: Graph, operation: Any) -> None:
    states, paddings = operation.inputs
    axes = np.arange(states.shape.rank)
    # Without axes ONNX Runtime makes it the padding of a pool that comes
    # next, which leaves out what it pads.
    graph.add(
        "Pad",
        [
            states.name,
            graph.constant(graph.value(paddings).T.flatten().astype(np.int64)),
            "",
            graph.constant(np.array(_axes(axes, len(axes)), np.int64)),
        ],
        operation.outputs[0].name,
    )


def _slice(graph: Graph, operation: Any) -> None:
    states, *bounds = operation.inputs
    begins, ends, steps = map(graph.value, bounds)
    masks = (f"{kind}_mask" for kind in ("ellipsis", "new_axis", "shrink_axis"))
    simple = not any(map(operation.get_attr, masks))
    _check(operation, simple and min(steps) > 0)
    skipped = ("begin_mask", "end_mask")
    from_start, to_end = map(operation.get_attr, skipped)
    places = _axes(np.arange(len(begins)), states.shape.rank)
    rows = [
        (
            0 if from_start >> axis & 1 else begins[axis],
            np.iinfo(np.int64).max if to_end >> axis & 1 else ends[axis],
            places[axis],
            steps[axis],
        )
        for axis in range(len(begins))
    ]
    graph.add(
        "Slice",
        [
            states.name,
            *(graph.constant(each) for each in np.array(rows, np.int64).T),
        ],
        operation.outputs[0].name,
    )


def _axes(axes: np.ndarray, rank: int) -> list[int]:
    """ONNX's axes for TensorFlow's, of states of that rank."""
    order = (0, 2, 3, 1) if rank == 4 else range(rank)
    return [order[axis] for axis in np.atleast_1d(axes)]


def _value_info(name: str, tensor: Any) -> Any:
    shape = ["batch" if size is None else size for size in tensor.shape]
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


TRANSLATIONS: dict[str, Callable[[Graph, Any], None]] = {
    "AddV2": _as("Add"),
    "AvgPool": _pool("AveragePool"),
    "BatchToSpaceND": _dilated_convolution,
    "BiasAdd": _bias,
    "Cast": _cast,
    "ConcatV2": _concatenation,
    "Const": _constant,
    "Conv2D": _convolution,
    "DepthwiseConv2dNative": _convolution,
    "Identity": _as("Identity"),
    "MatMul": _product,
    "Max": _reduction("ReduceMax"),
    "MaxPool": _pool("MaxPool"),
    "Mean": _reduction("ReduceMean"),
    "Mul": _as("Mul"),
    "Pad": _padding,
    "Placeholder": _placeholder,
    "Relu": _as("Relu"),
    "Sigmoid": _as("Sigmoid"),
    "Softmax": _softmax,
    "SpaceToBatchND": _nothing,
    "StridedSlice": _slice,
    "Sub": _as("Sub"),
}
