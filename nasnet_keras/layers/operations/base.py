"""What all operations have in common."""

from typing import Any

import keras

from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.layers.parts.convolution_unit import UnitPlan
from nasnet_keras.quotation import quoted


class Operation(keras.layers.Layer):
    """One operation of a block: a hidden state in, `filters` channels out.

    Args:
        filters: The channels of the output, whatever number comes in.
        strides: 1, or 2 to halve height and width. Default 1.
        conventions: A `Conventions` or its `to_dict`. Default: the defaults.

    Call arguments:
        state: The hidden state as it is.
        activated: The activation of the hidden state, if the caller has it
            already: a cell computes it once for all operations that read the
            state.
        training: Whether to normalise by the statistics of the batch.

    Input shape:
        A 4D tensor with shape `(batch_size, height, width, channels)`, or
        with the channels first if the conventions say so.

    Output shape:
        A 4D tensor with shape `(batch_size, ceil(height / strides),
        ceil(width / strides), filters)`.

    Raises:
        ValueError: `filters` is not positive, `strides` is neither 1 nor 2,
            or the number of channels that come in is unknown.
    """

    def __init__(
        self,
        filters: int,
        strides: int = 1,
        conventions: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if type(filters) is not int or filters < 1:
            raise ValueError(
                "Invalid value for argument `filters`. Expected a positive "
                f"integer. Received: filters={quoted(filters)}."
            )
        if strides not in (1, 2):
            raise ValueError(
                "Invalid value for argument `strides`. Expected 1 or 2. "
                f"Received: strides={quoted(strides)}."
            )
        self.filters = filters
        self.strides = strides
        self.conventions = Conventions.from_dict(conventions)

    def build(self, input_shape):
        channels = input_shape[self.conventions.channel_axis]
        if channels is None:
            raise ValueError(
                f"The operation `{self.name}` needs a known number of "
                "channels. Expected an input shape with channels. Received: "
                f"input_shape={tuple(input_shape)}."
            )
        self.units = []
        for position, unit in enumerate(
            self.plan(channels, self.filters, self.strides, self.conventions)
        ):
            layer = unit.layer(
                self.conventions,
                dtype=self.dtype_policy,
                name=f"unit_{position}",
            )
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)
            self.units.append(layer)

    @classmethod
    def plan(
        cls,
        channels: int,
        filters: int,
        strides: int,
        conventions: Conventions,
    ) -> tuple[UnitPlan, ...]:
        """The convolutions of the operation in order, given the channels
        that come in. Layers are made and costs are counted by it."""
        raise TypeError(f"{cls.__name__} is a base of operations, not one.")

    def folded_weights(self) -> list[Any]:
        """The weights with which the same operation with biases for its batch
        norms does as this one does in inference."""
        return [
            weight for unit in self.units for weight in unit.folded_weights()
        ]

    @property
    def reads_raw(self) -> bool:
        """Whether the built operation reads the state without its
        activation."""
        return False

    def compute_output_shape(self, input_shape):
        return self.conventions.output_shape(
            input_shape, self.filters, (self.strides, self.strides)
        )

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "strides": self.strides,
            "conventions": self.conventions.to_dict(),
        }

    def _call_units(self, outputs: Any, training: bool | None) -> Any:
        """The units in turn, an activation between them."""
        for position, unit in enumerate(self.units):
            if position:
                outputs = self.conventions.activate(outputs)
            outputs = unit(outputs, training=training)
        return outputs

    def _activated(self, state: Any, activated: Any) -> Any:
        """The shared activation of the state if there is one, else its
        own."""
        return (
            self.conventions.activate(state) if activated is None else activated
        )
