"""A mobile network that holds all paths of a space, of which one is computed
in each layer, or two: `GatedNetwork`."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from nasnet_keras.kinds.mobile.architecture import IDENTITY
from nasnet_keras.kinds.mobile.network import Plan, PlannedLayer
from nasnet_keras.layers.parts.activations import find_activation
from nasnet_keras.layers.parts.batch_normalization import BatchNormalization
from search.spaces.paths import PathSpace
from search.trial import Decisions

Path = Any  # A layer, or None: the identity.


class GatedNetwork:
    """The network of ProxylessNAS: the layers of all paths have weights, and
    those of the paths that are taken are computed.

    A path is traced when it is first taken, so that another choice of paths
    costs nothing but its arithmetic. Batch norms normalise by the batch; a
    child is given statistics of its own, see `extract`.

    Args:
        space: Its paths.
        input_shape: Height, width and channels of the images.
        classes: The number of classes.
        arguments: Of `MobileKind.build`, without what a recipe asks for.
        seed: Fixes the initial weights.

    Attributes:
        stem, head, classifier: The layers that all children have.
        rows: Of each layer of a child its paths.
    """

    def __init__(
        self,
        space: PathSpace,
        input_shape: Sequence[int],
        classes: int,
        arguments: Mapping[str, Any],
        seed: int = 0,
    ) -> None:
        self.space = space
        architecture = space.decode((0,) * len(space.decisions))
        plan = Plan(architecture, input_shape, classes, arguments)
        self._axes = plan.conventions.spatial_axes
        self._activate = find_activation(architecture.activation)
        keras.utils.set_random_seed(seed)
        shape: tuple[int | None, ...] = (None, None, None, input_shape[-1])
        self.stem = plan.stem.layer(plan.conventions, name="stem")
        shape = _built(self.stem, shape)
        self.rows: list[list[Path]] = []
        for number, blocks in enumerate(space.paths, start=1):
            row: list[Path] = []
            after = shape
            for place, block in enumerate(blocks):
                channels = int(shape[-1] or 0)
                same = (channels, 1) == (block.filters, block.strides)
                if block.operator == IDENTITY and same:
                    row.append(None)
                    continue
                planned = PlannedLayer(
                    f"block_{number}_path_{place}",
                    block,
                    channels,
                    block.strides,
                )
                layer = planned.layer(architecture.activation, plan.conventions)
                after = _built(layer, shape)
                row.append(layer)
            self.rows.append(row)
            shape = after
        self.head = plan.head.layer(plan.conventions, name="head_convolution")
        shape = _built(self.head, shape)
        self.classifier = keras.layers.Dense(classes, name="logits")
        self.classifier.build((None, shape[-1]))
        self._traced: dict[Any, Any] = {}

    @property
    def variables(self) -> list[Any]:
        """The weights to train, of all paths."""
        layers = (self.stem, *sum(self.rows, []), self.head, self.classifier)
        return [
            each
            for layer in layers
            if layer is not None
            for each in layer.trainable_variables
        ]

    def layers_of(self, decisions: Decisions) -> list[keras.layers.Layer]:
        """Those that a child has, in order."""
        return [
            self.stem,
            *filter(None, self._chosen(decisions)),
            self.head,
            self.classifier,
        ]

    def _chosen(self, decisions: Decisions) -> list[Path]:
        choices = iter(decisions)
        return [row[next(choices) if len(row) > 1 else 0] for row in self.rows]

    def __call__(
        self,
        images: Any,
        decisions: Decisions,
        others: Decisions | None = None,
        gates: Sequence[Any] | None = None,
    ) -> Any:
        """The logits in training, `[B, classes]`.

        Args:
            images: `[B, H, W, C]`.
            decisions: The paths that are taken.
            others: The second path of each decision, of which no more is kept
                than what it puts out: no gradient goes through it. Default:
                there are none.
            gates: By what the two paths of each decision are multiplied, a
                tensor `[2]` each, 1 and 0 in value.
        """
        state = self._activated(self.stem, images)
        chosen = self._chosen(decisions)
        beside = chosen if others is None else self._chosen(others)
        gate = iter(gates or ())
        for row, path, other in zip(self.rows, chosen, beside, strict=True):
            output = self._path(path, state)
            if others is not None and len(row) > 1:
                mine, theirs = tf.unstack(next(gate))
                rest = tf.stop_gradient(
                    self._path(other, tf.stop_gradient(state))
                )
                output = mine * output + theirs * rest
            state = output
        features = ops.mean(self._activated(self.head, state), self._axes)
        return self.classifier(features)

    def _path(self, path: Path, state: Any) -> Any:
        if path is None:
            return state
        if path.name not in self._traced:
            self._traced[path.name] = tf.function(
                lambda state: path(state, training=True), autograph=False
            )
        return self._traced[path.name](state)

    def _activated(self, unit: keras.layers.Layer, state: Any) -> Any:
        return self._activate(unit(state, training=True))

    def copy_to(self, model: keras.Model, decisions: Decisions) -> None:
        """Gives an ordinary model of a child, as `MobileKind.build` makes it,
        these weights."""
        targets = [layer for layer in model.layers if layer.weights]
        for layer, target in zip(
            self.layers_of(decisions), targets, strict=True
        ):
            for variable, value in zip(
                target.trainable_variables,
                layer.trainable_variables,
                strict=True,
            ):
                variable.assign(value)


def calibrate(model: keras.Model, batches: Sequence[Any]) -> None:
    """Gives the batch norms of a model the mean statistics of some batches of
    images, each `[B, H, W, C]`."""
    norms = [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, BatchNormalization)
    ]
    momentum = [norm.momentum for norm in norms]
    for number, images in enumerate(batches):
        for norm in norms:
            norm.momentum = number / (number + 1)
        model(images, training=True)
    for norm, before in zip(norms, momentum, strict=True):
        norm.momentum = before


def _built(layer: keras.layers.Layer, shape: Any) -> Any:
    layer.build(shape)
    return layer.compute_output_shape(shape)
