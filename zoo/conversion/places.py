"""Where the layers of our networks stand, for those who name them otherwise.

Published files name each array by its place: the cell, the block, the side.
`places` walks a model of ours once; what a place is called elsewhere is then a
`match` over its `part`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import keras

from nasnet_keras.layers.auxiliary_head import AuxiliaryHead
from nasnet_keras.layers.cell import Cell
from nasnet_keras.layers.combiners import Combiner
from nasnet_keras.layers.inverted_residual import ResidualConvolution
from nasnet_keras.layers.operation_graph import OperationGraph
from nasnet_keras.layers.parts.batch_normalization import Bias, NoNormalization
from nasnet_keras.layers.parts.channel_gather import ChannelGather
from nasnet_keras.layers.parts.convolution_unit import (
    SeparableConvolutionBatchNorm,
)
from nasnet_keras.layers.parts.drop_path import DropPath
from nasnet_keras.layers.parts.factorized_reduction import FactorizedReduction
from nasnet_keras.layers.parts.squeeze_excite import SqueezeExcite

SIDES = ("left", "right")


@dataclass(frozen=True)
class Place:
    """A layer that has weights, and where it stands.

    Attributes:
        layer: The layer.
        part: What it is. In a cell: `("input", number)` brings an input to
            the cell's filters; `("block", number, side, unit)`, all counted
            from 0, is a convolution of an operation; `("output", state)`
            brings an input to the output. Elsewhere the layer's name. In the
            auxiliary head `("auxiliary_head", name)`. In a layer of a mobile
            network or a squeeze-and-excite, its name and the name of the
            convolution. In a unit of branches
            `("unit", number, repeat, branch, step, name)`: the first two
            numbers count from 1 and the others from 0; `name` is that of the
            convolution in a squeeze-and-excite, otherwise that of the step.
        path: The names of the layers that it is in, and its own, joined by
            slashes.
        scope: Of a layer in a cell, the cell's name in TF-slim and with those
            who follow it: `cell_stem_0`, `cell_0`, `reduction_cell_0`.
    """

    layer: keras.layers.Layer
    part: tuple[str | int, ...]
    path: str
    scope: str = ""

    @property
    def halves(self) -> bool:
        """Whether it is a factorized reduction."""
        return isinstance(self.layer, FactorizedReduction)

    @property
    def separable(self) -> bool:
        """Whether its convolution is depthwise-separable."""
        return isinstance(self.layer, SeparableConvolutionBatchNorm)

    @property
    def head(self) -> str:
        """What may start anew, since it depends on the classes or is not in
        every file; empty for the body."""
        heads = {"logits": "classifier", "auxiliary_head": "auxiliary head"}
        return heads.get(str(self.part[0]), "")

    @property
    def kinds(self) -> tuple[str, ...]:
        """What its weights are, in their order: `"convolution"`,
        `"separable"`, `"batch_norm"`, `"bias"` (of a squeeze-and-excite),
        `"index"` (of a gather), `"norm"` (of a combiner) or `"dense"` once or
        several times."""
        if isinstance(self.layer, keras.layers.BatchNormalization):
            return ("batch_norm",)
        if isinstance(self.layer, keras.layers.Dense):
            return ("dense",)
        if isinstance(self.layer, keras.layers.Conv2D):
            return ("convolution",)
        if isinstance(self.layer, ChannelGather):
            return ("index",)
        if isinstance(self.layer, Combiner):
            return ("norm",) * 2
        kernels = 2 if self.halves else 1
        kind = "separable" if self.separable else "convolution"
        norms: tuple[str, ...] = ("batch_norm",)
        if isinstance(self.layer.batch_norm, Bias):
            norms = ("bias",)
        elif isinstance(self.layer.batch_norm, NoNormalization):
            norms = ()
        return (kind,) * kernels + norms


def places(model: keras.Model) -> Iterator[Place]:
    """Every layer of a network of ours that has weights, in order.

    Layers that it was built upon, see `input_tensor`, are not among them.
    """
    scopes = _scopes(model)
    for layer in model.layers:
        if isinstance(layer, Cell):
            yield from _cell_places(layer, scopes[layer.name])
        elif isinstance(layer, AuxiliaryHead):
            for name in ("projection", "convolution", "batch_norm", "logits"):
                part = (layer.name, name)
                yield Place(getattr(layer, name), part, "/".join(part))
        elif isinstance(layer, ResidualConvolution):
            yield from _residual_places(layer)
        elif isinstance(layer, SqueezeExcite):
            for unit in layer.units:
                part = (layer.name, unit.name)
                yield Place(unit, part, "/".join(part))
        elif isinstance(layer, OperationGraph):
            yield from _graph_places(layer)
        elif layer.weights and layer.name.startswith(
            ("stem", "head_convolution", "logits")
        ):
            yield Place(layer, (layer.name,), layer.name)


def _residual_places(layer: ResidualConvolution) -> Iterator[Place]:
    excite = layer.squeeze_excite
    for unit in layer.units:
        above = (excite.name,) if excite and unit in excite.units else ()
        path = "/".join((layer.name, *above, unit.name))
        yield Place(unit, (layer.name, unit.name), path)


def _graph_places(layer: OperationGraph) -> Iterator[Place]:
    """Those of a unit of branches: no published file has other graphs."""
    if not layer.name.startswith("unit_"):
        return
    _, unit, repeat = layer.name.split("_")
    for made in layer.layers:
        if made is None or isinstance(made, DropPath):
            continue
        step, branch, position = made.name.split("_")
        part = ("unit", int(unit), int(repeat), int(branch), int(position))
        path = f"{layer.name}/{made.name}"
        if isinstance(made, SqueezeExcite):
            for each in made.units:
                yield Place(each, (*part, each.name), f"{path}/{each.name}")
        else:
            yield Place(made, (*part, step), path)


def _scopes(model: keras.Model) -> dict[str, str]:
    """TF-slim's name of each cell.

    In `nasnet.py` reductions come in addition to three stages of cells and
    have names of their own; in `pnasnet.py` they are two of these cells and
    counted among them.
    """
    names = [layer.name for layer in model.layers if isinstance(layer, Cell)]
    stack = [name for name in names if not name.startswith("stem_cell")]
    normal = sum(name.startswith("cell_") for name in stack)
    inline = normal % 3 != 0
    scopes = {name: name for name in stack}
    for name in names:
        kind, _, number = name.rpartition("_")
        if kind == "stem_cell":
            scopes[name] = f"cell_stem_{number}"
        elif kind == "reduction_cell":
            cell, order = stack.index(name), int(number) - 1
            scopes[name] = (
                f"cell_{cell}" if inline else f"reduction_cell_{order}"
            )
    return scopes


def _cell_places(cell: Cell, scope: str) -> Iterator[Place]:
    def place(layer, part, *above):
        path = "/".join((cell.name, *above, layer.name))
        return Place(layer, part, path, scope)

    for number, adjustment in enumerate(cell.adjustments):
        if adjustment is not None:
            yield place(adjustment, ("input", number))
    for number, block in enumerate(cell.blocks):
        for side, operation in enumerate(block):
            for position, unit in enumerate(operation.units):
                part = ("block", number, side, position)
                yield place(unit, part, operation.name)
    for state, adjustment in cell.output_adjustments.items():
        yield place(adjustment, ("output", int(state)))
    # No published file has these: they are in no NASNet-A or PNASNet-5.
    for layer in (cell.second_projection, *cell.combiners):
        if layer is not None and layer.weights:
            yield place(layer, (layer.name,))
