"""A network for inference: `fuse_for_inference`."""

from collections import Counter
from typing import Any, Protocol, runtime_checkable

import keras
import numpy as np

from nasnet_keras.layers.parts.batch_normalization import Bias, folded
from nasnet_keras.layers.parts.drop_path import DropPath
from nasnet_keras.network.build import without_auxiliary_head
from nasnet_keras.quotation import quoted

# How many of the last axes of the kernel are the channels of the output.
_OUTPUT_AXES: dict[type[keras.layers.Layer], int] = {
    keras.layers.Conv2D: 1,
    keras.layers.Dense: 1,
    keras.layers.DepthwiseConv2D: 2,
}


@runtime_checkable
class Foldable(Protocol):
    """A layer with batch norms that it can fold into its convolutions: a unit
    of `nasnet_keras.layers.parts.convolution_unit`, or what is made of units.

    Its configuration has `conventions`. The fused network has the same layer
    with the convention `normalization="bias"` and, if it has a
    `drop_path_rate`, with 0 for that.
    """

    def folded_weights(self) -> list[Any]:
        """Weights for the same layer with batch norms folded into kernels
        and biases, in the order of its `get_weights`."""


def fuse_for_inference(model: keras.Model) -> keras.Model:
    """A copy of a network that computes the same in inference, and faster.

    Batch norms are folded into the convolutions before them; drop path,
    dropout and the auxiliary head are left out. The layers are those of the
    network, with a bias for each batch norm, so that the copy saves, loads and
    exports as the network does. It is not for training.

    Layers that say how they fold are folded, see `Foldable`. So are `Conv2D`,
    `DepthwiseConv2D` and `Dense` of Keras if only a batch norm reads their
    output. All other layers are copied unchanged.

    Args:
        model: A network of any kind, whatever its arguments and dtype, or any
            other `Sequential` or functional model, with models within or not.

    Returns:
        An ordinary `keras.Model`, not compiled, with the same input, and the
        same output without that of the auxiliary head. Float32 outputs differ
        by less than 1e-4 of the largest.

    Raises:
        ValueError: The model is not built, or is a subclass of Keras' models.

    Example:

    >>> from nasnet_keras import NASNET_A, build_network
    >>> model = build_network(NASNET_A, repeats=1, filters=8)
    >>> fuse_for_inference(model).output_shape
    (None, 10)
    """
    if not _is_graph(model) or not model.built:
        raise ValueError(
            "Invalid value for argument `model`. Expected a Sequential or "
            "functional model with a known input, such as a network of "
            f"`build_network`. Received: model={quoted(model)}."
        )
    return _fused(without_auxiliary_head(model))


def _is_graph(model: Any) -> bool:
    return isinstance(model, keras.Model) and (
        isinstance(model, keras.Sequential) or hasattr(model, "operations")
    )


def _fused(model: keras.Model) -> keras.Model:
    """The copy of a functional model, with all of its outputs."""
    pairs = _pairs(model)
    with_bias = {id(layer) for layer in pairs.values()}
    fused = keras.models.clone_model(
        model,
        clone_function=lambda layer: _copy(
            layer, layer.name in pairs, id(layer) in with_bias
        ),
        call_function=_call_unless_dropout,
    )
    for layer in fused.layers:
        if not layer.weights or _is_graph(layer):
            continue
        source = model.get_layer(layer.name)
        if isinstance(source, Foldable):
            layer.set_weights(source.folded_weights())
        elif layer.name not in pairs and id(source) not in with_bias:
            layer.set_weights(source.get_weights())
    for name, source in pairs.items():
        kernel, bias = _folded(source, model.get_layer(name))
        fused.get_layer(source.name).set_weights([kernel])
        fused.get_layer(name).set_weights([bias])
    return fused


def _pairs(model: keras.Model) -> dict[str, keras.layers.Layer]:
    """The names of the batch norms of a graph that are folded into a layer of
    Keras before them, and these layers."""
    nodes = [node for row in model._nodes_by_depth.values() for node in row]
    calls = Counter(id(node.operation) for node in nodes)
    makers = {id(out): node.operation for node in nodes for out in node.outputs}
    reads = Counter(
        id(tensor)
        for tensors in (model.outputs, *(node.input_tensors for node in nodes))
        for tensor in tensors
    )
    pairs = {}
    for node in nodes:
        norm = node.operation
        if not isinstance(norm, keras.layers.BatchNormalization):
            continue
        states = node.input_tensors[0]
        maker = makers[id(states)]
        if (
            _folds(maker, norm.axis % len(states.shape), len(states.shape))
            and reads[id(states)] == calls[id(maker)] == calls[id(norm)] == 1
            and not node.arguments.kwargs.get("training")
        ):
            pairs[norm.name] = maker
    return pairs


def _folds(layer: Any, axis: int, rank: int) -> bool:
    """Whether a layer can take in a batch norm along an axis."""
    first = getattr(layer, "data_format", None) == "channels_first"
    return (
        type(layer) in _OUTPUT_AXES
        and axis == (1 if first else rank - 1)
        and layer.activation is keras.activations.linear
        # Not quantised, and not adapted by others than its own.
        and len(layer.weights) == 1 + layer.use_bias
    )


def _folded(
    layer: Any, norm: keras.layers.BatchNormalization
) -> tuple[np.ndarray, np.ndarray]:
    """The kernel of a layer that has taken in a batch norm, and the bias."""
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    flat = kernel.reshape(*kernel.shape[: -_OUTPUT_AXES[type(layer)]], -1)
    scaled, bias = folded(norm, [flat])
    if layer.use_bias:
        bias += folded(norm, [layer.bias])[0]
    return scaled.reshape(kernel.shape), bias


def _copy(layer: Any, becomes_bias: bool, has_bias_behind: bool) -> Any:
    """The layer of the fused network, without its weights."""
    if becomes_bias:
        last = layer.axis in (-1, len(layer.input.shape) - 1)
        axis = -1 if last else layer.axis
        return Bias(axis, dtype=layer.dtype_policy, name=layer.name)
    if _is_graph(layer):
        sequential = isinstance(layer, keras.Sequential)
        return _fused(without_auxiliary_head(layer) if sequential else layer)
    config = layer.get_config()
    if isinstance(layer, Foldable):
        config["conventions"]["normalization"] = "bias"
        if "drop_path_rate" in config:
            config["drop_path_rate"] = 0.0
    if has_bias_behind:
        config["use_bias"] = False
    return type(layer).from_config(config)


def _call_unless_dropout(layer: Any, *arguments: Any, **keywords: Any) -> Any:
    if isinstance(layer, keras.layers.Dropout | DropPath):
        return arguments[0]
    return layer(*arguments, **keywords)
