"""A network for inference: `fuse_for_inference`."""

from collections.abc import Iterator
from typing import Any

import keras

from nasnet_keras.layers.batch_normalization import BatchNormalization, Bias
from nasnet_keras.layers.cell import Cell
from nasnet_keras.layers.combiners import Combiner
from nasnet_keras.network.build import without_auxiliary_head


def fuse_for_inference(model: keras.Model) -> keras.Model:
    """A copy of a network that computes the same in inference, and faster.

    Batch norms are folded into the convolutions before them; drop path,
    dropout and the auxiliary head are left out. The layers are those of the
    network, with a bias for each batch norm (the convention
    `normalization="bias"`), so that the copy saves, loads and exports as the
    network does. It is not for training.

    Args:
        model: Of `build_network`, whatever its arguments and dtype; or a
            `Sequential` or functional model that has one, or its layers, and
            others, which are copied as they are.

    Returns:
        An ordinary `keras.Model`, not compiled, with the same input, and the
        same output without that of the auxiliary head. Float32 outputs differ
        by less than 1e-4 of the largest.

    Raises:
        ValueError: The model has no cells, or is a subclass of Keras' models.

    Example:

    >>> from nasnet_keras import NASNET_A, build_network
    >>> model = build_network(NASNET_A, repeats=1, filters=8)
    >>> fuse_for_inference(model).output_shape
    (None, 10)
    """
    if not _has_cells(model):
        raise ValueError(
            "Invalid value for argument `model`. Expected a network of "
            "`build_network`, or a Sequential or functional model around one. "
            f"Received: model={model!r}, in which there is no `Cell`."
        )
    return _fused(without_auxiliary_head(model))


def all_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """The layers of a model, and those of the models among them."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from all_layers(layer)


def _has_cells(model: Any) -> bool:
    """Whether it is a graph of layers with cells, be they in another model."""
    graph = isinstance(model, keras.Sequential) or hasattr(model, "operations")
    return graph and any(
        isinstance(layer, Cell) or _has_cells(layer) for layer in model.layers
    )


def _fused(model: keras.Model) -> keras.Model:
    """The copy of a functional model, with all of its outputs."""
    norms = _stem_norms(model)
    fused = keras.models.clone_model(
        model,
        clone_function=lambda layer: _copy(layer, layer.name in norms),
        call_function=_call_unless_dropout,
    )
    for layer in fused.layers:
        if layer.weights and layer.name not in norms and not _has_cells(layer):
            _set_weights(layer, model.get_layer(layer.name))
    for name, convolution in norms.items():
        kernel, bias = model.get_layer(name).folded([convolution.kernel])
        fused.get_layer(convolution.name).set_weights([kernel])
        fused.get_layer(name).set_weights([bias])
    return fused


def _stem_norms(model: keras.Model) -> dict[str, keras.layers.Conv2D]:
    """The names of the batch norms of the stem, and what each normalises."""
    names = [
        layer.name
        for layer in model.layers
        if isinstance(layer, BatchNormalization)
        and layer.name.startswith("stem")
    ]
    return {
        name: model.get_layer(name.replace("_batch_norm", "_convolution"))
        for name in names
    }


def _copy(layer: Any, folded: bool) -> Any:
    """The layer of the fused network, without its weights."""
    if folded:
        return Bias(layer.axis, dtype=layer.dtype_policy, name=layer.name)
    if _has_cells(layer):
        sequential = isinstance(layer, keras.Sequential)
        return _fused(without_auxiliary_head(layer) if sequential else layer)
    config = layer.get_config()
    if isinstance(layer, Cell):
        config["conventions"]["normalization"] = "bias"
        config["drop_path_rate"] = 0.0
    return type(layer).from_config(config)


def _call_unless_dropout(layer: Any, *arguments: Any, **keywords: Any) -> Any:
    if isinstance(layer, keras.layers.Dropout):
        return arguments[0]
    return layer(*arguments, **keywords)


def _set_weights(layer: keras.layers.Layer, source: keras.layers.Layer) -> None:
    """Gives a copy the weights of its source, folded."""
    if isinstance(source, Cell):
        for part, original in zip(_parts(layer), _parts(source), strict=True):
            fold = not isinstance(original, Combiner)
            part.set_weights(
                original.folded_weights() if fold else original.get_weights()
            )
    else:
        layer.set_weights(source.get_weights())


def _parts(cell: Any) -> Iterator[Any]:
    """The layers of a cell that have weights: its units, and its combiners."""
    adjustments = (*cell.adjustments, cell.second_projection)
    yield from (part for part in adjustments if part is not None)
    for operations in cell.blocks:
        for operation in operations:
            yield from operation.units
    yield from cell.combiners
    yield from cell.output_adjustments.values()
