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

# How much of their usual first values kernels have that begin alike.
NOISE = 0.1


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
        if self.aligned:
            passing = passing_kernel(tuple(variable.shape))
            drawn = passing[..., None, :, :] + NOISE * drawn
        return ops.reshape(ops.moveaxis(drawn, -3, 0), (self.count, -1))


class Rows(SharedLayer):
    """The weights of a layer that reads what a cell hands on. Which states
    those are differs from child to child: each has the rows of its channels
    in the kernels.

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

    def take(self, rows: np.ndarray) -> Take:
        """The weights of the layer that reads these channels."""
        indices = [tf.constant(rows, "int32"), tf.constant(0)]
        return Take(self._create(len(rows)), self.banks, indices)

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
