"""Banks: the weights of many layers of one form, of which a child has a slice.

A bank keeps tables: variables whose rows are packed weights (see
`LayerFunction`). In an `OperationBank` a row is a whole layer; in a `RowBank`
it is what belongs to one channel that comes in. A `WeightSlice` says which
rows one layer of one child has.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from search.weight_sharing.layer_function import LayerFunction, is_kernel

# How much of their usual first values kernels have that begin alike.
NOISE = 0.1


class WeightSlice:
    """The weights of one layer of one child: rows of tables.

    Args:
        function: The layer.
        tables: One for each packed tensor that the layer takes.
        indices: Of each table the number of the row, or the numbers of the
            rows.
    """

    def __init__(
        self,
        function: LayerFunction,
        tables: Sequence[Any],
        indices: Sequence[Any],
    ) -> None:
        self.function = function
        self.tables = tables
        self.indices = indices

    def read(self, variables: Sequence[Any]) -> list[Any]:
        """The packed weights.

        Args:
            variables: The tables, or others of the same shapes.
        """
        return [
            tf.raw_ops.ResourceGather(
                resource=variable.handle, indices=index, dtype="float32"
            )
            for variable, index in zip(variables, self.indices, strict=True)
        ]

    def write(self, variables: Sequence[Any], values: Sequence[Any]) -> None:
        """Puts values where `read` takes them from."""
        for variable, index, value in zip(
            variables, self.indices, values, strict=True
        ):
            tf.raw_ops.ResourceScatterUpdate(
                resource=variable.handle, indices=index, updates=value
            )


class WeightBank(keras.layers.Layer):
    """The base of both banks: a table for each packed tensor of a layer.

    Args:
        function: One of the layers.
        initializer: Of kernels; all else begins as in that layer.

    Attributes:
        tables: The variables.
        decays: For each column of each table 1 if it is of kernels, which are
            regularised, else 0.
    """

    def __init__(
        self, function: LayerFunction, initializer: Any, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.initializer = initializer
        self.tables = []
        self.decays = []
        for number, variables in enumerate(function.groups):
            initial = [self._initial(each) for each in variables]
            values = ops.concatenate(initial, axis=-1)
            self.tables.append(
                self.add_weight(
                    name=f"bank_{number}",
                    shape=values.shape,
                    initializer=lambda shape, dtype, values=values: values,
                )
            )
            self.decays.append(
                np.concatenate(
                    [
                        np.full(first.shape[-1], is_kernel(each), "float32")
                        for first, each in zip(initial, variables, strict=True)
                    ]
                )
            )
        self.built = True

    def _initial(self, variable: Any) -> Any:
        """The first values of one weight of all layers, as a matrix."""
        raise TypeError(f"{type(self).__name__} is a base of banks.")


class OperationBank(WeightBank):
    """The weights of one operation on each edge that may have it.

    Args:
        function: The operation.
        initializer: Of kernels.
        count: The number of edges. Default 1.
        aligned: Whether kernels begin near to one that passes its channels
            on as they are. Then all operations begin nearly as one, and a
            child can begin with what others have learnt; else each makes
            something of its own, and it takes many more steps until one can
            stand for another. Default False.
    """

    def __init__(
        self,
        function: LayerFunction,
        initializer: Any,
        count: int = 1,
        aligned: bool = False,
        **kwargs: Any,
    ) -> None:
        self.count = count
        self.aligned = aligned
        super().__init__(function, initializer, **kwargs)
        slices = [
            WeightSlice(
                function, self.tables, [tf.constant(row)] * len(self.tables)
            )
            for row in range(count)
        ]
        # Unseen by Keras, which tracks the layers that an attribute holds.
        self._slice = lambda row: slices[row]

    def slice(self, row: int = 0) -> WeightSlice:
        """The weights of one edge: the same object at every call."""
        return self._slice(row)

    def _initial(self, variable: Any) -> Any:
        if not is_kernel(variable):
            return ops.tile(variable[None], (self.count, 1))
        # In one draw, side by side along the channels that come in: the scale
        # of a kernel follows from its size and its filters.
        *size, channels, filters = variable.shape
        drawn = self.initializer((*size, self.count * channels, filters))
        drawn = ops.reshape(drawn, (*size, self.count, channels, filters))
        if self.aligned:
            passing = passing_kernel(tuple(variable.shape))
            drawn = passing[..., None, :, :] + NOISE * drawn
        return ops.reshape(ops.moveaxis(drawn, -3, 0), (self.count, -1))


class RowBank(WeightBank):
    """The weights of a projection, which reads what a cell hands on. Which
    states those are differs from child to child: each child has the rows of
    its own channels in the kernels.

    Args:
        create: The layer for so many channels, its kernels by row.
        rows: How many channels all the states have together.
        alike: `[channels, columns]`: what the rows of each state begin as,
            but for some noise.
        initializer: Of the noise.
    """

    def __init__(
        self,
        create: Callable[[int], LayerFunction],
        rows: int,
        alike: Any,
        initializer: Any,
        **kwargs: Any,
    ) -> None:
        self.rows = rows
        self.alike = alike
        self._columns = 0  # that have their first values
        super().__init__(create(rows), initializer, **kwargs)
        self._create = create

    def slice(self, rows: np.ndarray) -> WeightSlice:
        """The weights of the layer that reads these channels."""
        indices = [tf.constant(rows, "int32"), tf.constant(0)]
        return WeightSlice(self._create(len(rows)), self.tables, indices)

    def _initial(self, variable: Any) -> Any:
        if not is_kernel(variable):
            return variable[None]
        # A factorized reduction has two kernels, of half the columns each.
        noise = self.initializer((self.rows, variable.shape[-1]))
        begin = self._columns
        self._columns += variable.shape[-1]
        alike = self.alike[:, begin : self._columns]
        states = self.rows // self.alike.shape[0]
        return ops.tile(alike, (states, 1)) + NOISE * noise


def passing_kernel(shape: tuple[int, ...]) -> np.ndarray:
    """A kernel that passes channels on as they are, counted around where
    there are more filters or fewer: 1 in its middle, else 0.

    Args:
        shape: `(height, width, channels, filters)`; one filter for each
            channel, of a depthwise kernel, is written as 1.
    """
    *size, channels, filters = shape
    kernel = np.zeros(shape, "float32")
    middle = tuple(each // 2 for each in size)
    for number in range(max(channels, filters)):
        kernel[(*middle, number % channels, number % filters)] = 1
    return kernel
