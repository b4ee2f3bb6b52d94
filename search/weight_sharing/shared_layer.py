"""The weights of many layers of one form, of which a cell takes those of one.

A bank is a variable that holds the packed weights of all of these layers,
stacked along its first axis. `Alternatives` and `Rows` have the banks, `Take`
is what one cell takes of them.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from search.weight_sharing.layer_function import LayerFunction, is_kernel


class Take:
    """The weights of one layer of one child, as parts of banks.

    Args:
        function: The layer.
        banks: A variable for each packed tensor that it takes.
        indices: Of each bank the position of the weights along the first
            axis, or the positions of the rows of the kernels.
    """

    def __init__(
        self,
        function: LayerFunction,
        banks: Sequence[Any],
        indices: Sequence[Any],
    ) -> None:
        self.function = function
        self.banks = banks
        self.indices = indices

    def read(self, variables: Sequence[Any]) -> list[Any]:
        """The packed parts of variables of the form of the banks."""
        return [
            tf.raw_ops.ResourceGather(
                resource=variable.handle, indices=index, dtype="float32"
            )
            for variable, index in zip(variables, self.indices, strict=True)
        ]

    def write(self, variables: Sequence[Any], values: Sequence[Any]) -> None:
        """Puts values in the place of what `read` returns."""
        for variable, index, value in zip(
            variables, self.indices, values, strict=True
        ):
            tf.raw_ops.ResourceScatterUpdate(
                resource=variable.handle, indices=index, updates=value
            )


class SharedLayer(keras.layers.Layer):
    """The base: a bank for each packed tensor of a layer.

    Args:
        function: One of the layers.
        initializer: Of kernels; all else begins as in that layer.

    Attributes:
        banks: The variables.
        decays: For each bank 1 where it has kernels, which are regularised,
            and 0 elsewhere.
    """

    def __init__(
        self, function: LayerFunction, initializer: Any, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.initializer = initializer
        self.banks = []
        self.decays = []
        for number, variables in enumerate(function.groups):
            parts = [self._initial(each) for each in variables]
            values = ops.concatenate(parts, axis=-1)
            self.banks.append(
                self.add_weight(
                    name=f"bank_{number}",
                    shape=values.shape,
                    initializer=lambda shape, dtype, values=values: values,
                )
            )
            self.decays.append(
                np.concatenate(
                    [
                        np.full(part.shape[-1], is_kernel(each), "float32")
                        for part, each in zip(parts, variables, strict=True)
                    ]
                )
            )
        self.built = True

    def _initial(self, variable: Any) -> Any:
        """The first values of one weight of all layers, as a matrix."""
        raise TypeError(f"{type(self).__name__} is a base of shared layers.")


class Alternatives(SharedLayer):
    """The weights of a layer at each place where a cell may have it.

    Args:
        function: The layer.
        initializer: Of kernels.
        count: The number of places. Default 1.
    """

    def __init__(
        self,
        function: LayerFunction,
        initializer: Any,
        count: int = 1,
        **kwargs: Any,
    ) -> None:
        self.count = count
        super().__init__(function, initializer, **kwargs)
        takes = [
            Take(function, self.banks, [tf.constant(place)] * len(self.banks))
            for place in range(count)
        ]
        # Unseen by Keras, which tracks the layers that an attribute holds.
        self._take = lambda place: takes[place]

    def take(self, place: int = 0) -> Take:
        """The weights at a place: one object, whoever takes them."""
        return self._take(place)

    def _initial(self, variable: Any) -> Any:
        if not is_kernel(variable):
            return ops.tile(variable[None], (self.count, 1))
        # In one draw, side by side along the channels that come in: the scale
        # of a kernel follows from its size and its filters.
        *size, channels, filters = variable.shape
        drawn = self.initializer((*size, self.count * channels, filters))
        drawn = ops.reshape(drawn, (*size, self.count, channels, filters))
        return ops.reshape(ops.moveaxis(drawn, -3, 0), (self.count, -1))


class Rows(SharedLayer):
    """The weights of a layer that reads what a cell hands on. Which states
    those are differs from child to child: each has the rows of its channels
    in the kernels.

    Args:
        create: The layer for so many channels, its kernels by row.
        rows: How many channels all the states have together.
        initializer: Of kernels.
    """

    def __init__(
        self,
        create: Callable[[int], LayerFunction],
        rows: int,
        initializer: Any,
        **kwargs: Any,
    ) -> None:
        self.rows = rows
        super().__init__(create(rows), initializer, **kwargs)
        self._create = create

    def take(self, rows: np.ndarray) -> Take:
        """The weights of the layer that reads these channels."""
        indices = [tf.constant(rows, "int32"), tf.constant(0)]
        return Take(self._create(len(rows)), self.banks, indices)

    def _initial(self, variable: Any) -> Any:
        if not is_kernel(variable):
            return variable[None]
        return self.initializer((self.rows, variable.shape[-1]))
