"""A cell: one layer that computes what a `CellSpec` says."""

from collections.abc import Callable, Sequence
from typing import Any, get_args

import keras
from keras import ops

from nasnet_keras.genotype import CellSpec, Projection
from nasnet_keras.layers.combiners import COMBINERS, Combiner
from nasnet_keras.layers.operations import OPERATIONS
from nasnet_keras.layers.parts import kernels
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.layers.parts.convolution_unit import UnitPlan
from nasnet_keras.layers.parts.drop_path import DropPath
from nasnet_keras.quotation import quoted


@keras.saving.register_keras_serializable(package="nasnet_keras")
class Cell(keras.layers.Layer):
    """A normal cell (`strides=1`) or a reduction cell (`strides=2`).

    The cell's current input is brought to `filters` channels by ReLU, 1x1
    convolution and batch norm; an earlier input too if its channels differ,
    and by a `FactorizedReduction` if it is larger. Then each block applies
    its operations and combines them. In a reduction cell the operations that
    read an input of the cell halve it. Last, the output states are
    concatenated, or passed on one by one if the spec says so; an input of
    the cell among them is halved first.

    Where the cell has no earlier input, the current one stands in for it as
    it is, unprojected (TF-slim).

    Args:
        spec: A `CellSpec` or its `to_dict`.
        filters: F, the channels that each operation makes.
        strides: 1, or 2 to halve height and width. Default 1.
        input_strides: By how much each input must still be divided to have
            the size of the current one: 1 or 2 for each, the current first.
            If there are fewer than the spec's inputs, earlier inputs are
            missing.
            Default: 1 for each.
        projection: Which inputs are projected. `"needed"`: an earlier input
            only if its channels differ (TF-slim). `"all"`: every input
            (DARTS). `"twice"`: every input, and the current one a second time
            (ENAS). Default `"needed"`.
        drop_path_rate: The final drop probability of this cell's paths; see
            `DropPath`. Identities are never dropped. Default 0.
        drop_path_steps: Over how many steps that probability is reached.
            Default None: from the start.
        conventions: A `Conventions` or its `to_dict`. Default: the defaults.

    Input shape:
        A list of 4D tensors with shape `(batch_size, height, width,
        channels)`, the current input first.

    Output shape:
        A 4D tensor with shape `(batch_size, ceil(height / strides),
        ceil(width / strides), n * filters)`, n counting the output states,
        a concatenating block twice. If the spec's output states are
        separate, a list of such tensors.

    Raises:
        ValueError: The number of inputs or of input strides does not fit, or
            the projection is none.

    Example:

    >>> from nasnet_keras.published import NASNET_A
    >>> cell = Cell(NASNET_A.reduction, filters=8, strides=2)
    >>> states = [keras.ops.ones((2, 6, 6, 24))] * 2
    >>> cell(states).shape
    TensorShape([2, 3, 3, 32])
    """

    def __init__(
        self,
        spec: Any,
        filters: int,
        strides: int = 1,
        input_strides: tuple[int, ...] | None = None,
        projection: Projection = "needed",
        drop_path_rate: float = 0.0,
        drop_path_steps: int | None = None,
        conventions: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.spec = (
            spec if isinstance(spec, CellSpec) else CellSpec.from_dict(spec)
        )
        self.filters = filters
        self.strides = strides
        self.input_strides = tuple(input_strides or (1,) * self.spec.inputs)
        if not 1 <= len(self.input_strides) <= self.spec.inputs or not set(
            self.input_strides
        ) <= {1, 2}:
            raise ValueError(
                "Invalid value for argument `input_strides`. Expected 1 or 2 "
                f"for each of the cell's {self.spec.inputs} inputs, or for "
                "the first of them. Received: "
                f"input_strides={self.input_strides}."
            )
        if projection not in get_args(Projection):
            raise ValueError(
                "Invalid value for argument `projection`. Expected one of "
                f"{', '.join(get_args(Projection))}. Received: "
                f"projection={quoted(projection)}."
            )
        self.projection = projection
        self.conventions = Conventions.from_dict(conventions)
        self.drop_path_rate = drop_path_rate
        self.drop_path_steps = drop_path_steps
        self.drop_path = (
            DropPath(drop_path_rate, drop_path_steps, name="drop_path")
            if drop_path_rate
            else None
        )
        self.blocks = [
            [
                OPERATIONS[name](
                    filters,
                    strides if state < self.spec.inputs else 1,
                    conventions=self.conventions,
                    dtype=self.dtype_policy,
                    name=f"block_{number}_{side}_{name}",
                )
                for side, (state, name) in enumerate(
                    zip(block.inputs, block.operations, strict=True)
                )
            ]
            for number, block in enumerate(self.spec.blocks)
        ]
        self.combiners = [
            COMBINERS[block.combiner](
                conventions=self.conventions,
                dtype=self.dtype_policy,
                name=f"block_{number}_combine",
            )
            for number, block in enumerate(self.spec.blocks)
        ]

    # === Build ===

    def build(self, input_shape):
        shapes = [tuple(shape) for shape in input_shape]
        if len(shapes) != len(self.input_strides):
            raise ValueError(
                f"The cell `{self.name}` takes {len(self.input_strides)} "
                f"inputs. Received: {len(shapes)}."
            )
        self.adjustments = [
            self._build_adjustment(position, shape)
            for position, shape in enumerate(shapes)
        ]
        states = [
            shape
            if adjustment is None
            else adjustment.compute_output_shape(shape)
            for shape, adjustment in zip(shapes, self.adjustments, strict=True)
        ]
        self.second_projection = None
        if self.projection == "twice":
            self.second_projection = self._built_reduction(
                "input_0_again", states[0], halve=False
            )
        states += [shapes[0]] * (self.spec.inputs - len(states))
        for block, operations, combiner in self._rows():
            outputs = []
            for state, operation in zip(block.inputs, operations, strict=True):
                operation.build(states[state])
                outputs.append(operation.compute_output_shape(states[state]))
            combiner.build(outputs)
            states.append(combiner.compute_output_shape(outputs))
        # States that reach the output another way than as they are.
        self.output_adjustments = {
            str(state): self._build_output_adjustment(state, states[state])
            for state in self.spec.output_states
            if state < self.spec.inputs
            and (
                self.strides > 1
                or states[state][self.conventions.channel_axis] != self.filters
            )
        }

    def _build_adjustment(self, position, shape):
        """What brings an input of the cell to its filters and size."""
        halve = self.input_strides[position] == 2
        fits = shape[self.conventions.channel_axis] == self.filters
        needed = self.projection == "needed"
        if position and not halve and fits and needed:
            return None
        return self._built_reduction(f"input_{position}", shape, halve)

    def _build_output_adjustment(self, state, shape):
        return self._built_reduction(
            f"output_{state}", shape, self.strides == 2
        )

    def _built_reduction(self, name, shape, halve):
        unit = UnitPlan(
            self.filters, strides=(1 + halve,) * 2, factorized=halve
        )
        layer = unit.layer(self.conventions, dtype=self.dtype_policy, name=name)
        layer.build(shape)
        return layer

    # === Call ===

    def call(self, inputs, training=None):
        states = [
            state
            if adjustment is None
            else adjustment(self._activated(state), training=training)
            for state, adjustment in zip(inputs, self.adjustments, strict=True)
        ]
        if self.second_projection is not None:
            states[0] = self.second_projection(
                self._activated(states[0]), training=training
            )
        states += [inputs[0]] * (self.spec.inputs - len(states))
        masks = self._drop_path_masks(inputs[0], training)
        apply_blocks(
            self.spec,
            states,
            self.blocks,
            self.combiners,
            masks,
            self._activated,
            training,
        )
        outputs = []
        for number in self.spec.output_states:
            adjustment = self.output_adjustments.get(str(number))
            state = states[number]
            if adjustment is not None:
                state = adjustment(state, training=training)
            outputs.append(state)
        if self.spec.separate:
            return outputs
        if len(outputs) == 1:
            return outputs[0]
        return ops.concatenate(outputs, axis=self.conventions.channel_axis)

    def folded_weights(self) -> list[Any]:
        """The weights with which the same cell with biases for its batch norms
        and without drop path does as this one does in inference."""
        operations = [operation for pair in self.blocks for operation in pair]
        adjustments = [
            *self.adjustments,
            self.second_projection,
            *self.output_adjustments.values(),
        ]
        weights = []
        # In the order of `weights`: as the attributes were set.
        for layer in (*operations, *self.combiners, *adjustments):
            if isinstance(layer, Combiner):
                weights += layer.get_weights()
            elif layer is not None:
                weights += layer.folded_weights()
        return weights

    def _activated(self, state):
        return kernels.activate_shared(state, self.conventions.activate)

    def _rows(self):
        return zip(self.spec.blocks, self.blocks, self.combiners, strict=True)

    def _drop_path_masks(self, like, training):
        if self.drop_path is None or not training:
            return []
        paths = count_paths(self.spec)
        return self.drop_path.masks(like, paths) if paths else []

    def compute_output_shape(self, input_shape):
        def shape(multiple):
            return self.conventions.output_shape(
                input_shape[0],
                self.filters * multiple,
                (self.strides, self.strides),
            )

        if self.spec.separate:
            return [shape(each) for each in self.spec.output_multiples]
        return shape(self.spec.output_multiple)

    def get_config(self):
        return {
            **super().get_config(),
            "spec": self.spec.to_dict(),
            "filters": self.filters,
            "strides": self.strides,
            "input_strides": self.input_strides,
            "projection": self.projection,
            "drop_path_rate": self.drop_path_rate,
            "drop_path_steps": self.drop_path_steps,
            "conventions": self.conventions.to_dict(),
        }


def apply_blocks(
    spec: CellSpec,
    states: list[Any],
    operations: Sequence[Sequence[Any]],
    combiners: Sequence[Any],
    masks: list[Any],
    activate: Callable[[Any], Any],
    training: bool | None,
) -> None:
    """Appends to the hidden states what each block makes of them.

    Args:
        spec: The blocks.
        states: The inputs of the cell, brought to its filters.
        operations: The two of each block.
        combiners: That of each block.
        masks: A factor for each path that is no identity, or none; they are
            taken from the end.
        activate: The activation of a state.
        training: Whether to normalise by the statistics of the batch.
    """
    activated: dict[int, Any] = {}
    for block, sides, combiner in zip(
        spec.blocks, operations, combiners, strict=True
    ):
        outputs = []
        for number, name, operation in zip(
            block.inputs, block.operations, sides, strict=True
        ):
            state = states[number]
            if number not in activated and not operation.reads_raw:
                activated[number] = activate(state)
            output = operation(
                state, activated=activated.get(number), training=training
            )
            if masks and name != "identity":
                output = output * masks.pop()
            outputs.append(output)
        states.append(combiner(outputs))


def count_paths(spec: CellSpec) -> int:
    """How many paths of a cell drop path may drop: identities are not."""
    return sum(
        name != "identity" for block in spec.blocks for name in block.operations
    )
