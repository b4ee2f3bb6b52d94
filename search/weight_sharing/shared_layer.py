"""The weights of many layers of one form, of which a cell takes those of one.

A bank is a variable that holds one weight of all of these layers, stacked
along its first axis. `Alternatives` and `Rows` have the banks, `Take` is what
one cell takes of them.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from search.weight_sharing.layer_function import LayerFunction


class Take:
    """The weights of one layer of one child, as parts of banks.

    Args:
        function: The layer.
        banks: A variable for each of its weights, those to train first.
        indices: Of each bank the position of the weight along the first axis,
            or the positions of the rows of a kernel.
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
        trainable, moving = function.variables
        self._shapes = [each.shape for each in (*trainable, *moving)]

    def values(self) -> tuple[list[Any], list[Any]]:
        """The weights as they are now: those to train, and the moving
        statistics."""
        count = len(self.function.variables[0])
        values = self.read([bank.value for bank in self.banks])
        return values[:count], values[count:]

    def read(self, variables: Sequence[tf.Variable]) -> list[Any]:
        """The parts of variables that are as the banks, or as the first ones,
        in the shapes of the layer."""
        values = []
        for variable, index, shape in zip(
            variables, self.indices, self._shapes, strict=False
        ):
            value = tf.gather(variable, index)
            values.append(tf.reshape(value, shape) if index.ndim else value)
        return values

    def write(
        self, variables: Sequence[tf.Variable], values: Sequence[Any]
    ) -> None:
        """Puts values in the place of what `read` returns."""
        for variable, index, value in zip(
            variables, self.indices, values, strict=False
        ):
            if index.ndim:  # the rows of a kernel
                value = tf.reshape(value, (-1, value.shape[-1]))
            variable.scatter_update(tf.IndexedSlices(value, index))


class SharedLayer(keras.layers.Layer):
    """The base: a bank for each weight of a layer.

    Args:
        template: One of the layers.
        initializer: Of kernels; all else begins as in the template.
    """

    def __init__(
        self, template: LayerFunction, initializer: Any, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.initializer = initializer
        trainable, moving = template.variables
        self.banks = [
            self.add_weight(
                name=f"{number}_{variable.name}",
                shape=self._bank_shape(tuple(variable.shape)),
                initializer=self._initial
                if _is_kernel(variable)
                else keras.initializers.Constant(float(variable[0])),
                trainable=number < len(trainable),
            )
            for number, variable in enumerate([*trainable, *moving])
        ]
        self.built = True

    def _bank_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        raise TypeError(f"{type(self).__name__} is a base of shared layers.")

    def _initial(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """The first values of a bank of kernels."""
        raise TypeError(f"{type(self).__name__} is a base of shared layers.")


class Alternatives(SharedLayer):
    """The weights of a layer at each place where a cell may have it.

    Args:
        function: The layer.
        count: The number of places. Default 1.
        initializer: Of kernels.
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
        self._create = lambda: function  # unseen by Keras, which tracks layers

    def take(self, place: int = 0) -> Take:
        """The weights at a place."""
        index = tf.constant(place)
        return Take(self._create(), self.banks, [index] * len(self.banks))

    def _bank_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (self.count, *shape)

    def _initial(self, shape: Sequence[int], dtype: Any = None) -> Any:
        # In one draw, side by side along the channels that come in: the scale
        # of a kernel follows from its size and its filters.
        count, *size, channels, filters = shape
        drawn = self.initializer((*size, count * channels, filters), dtype)
        drawn = ops.reshape(drawn, (*size, count, channels, filters))
        return ops.moveaxis(drawn, -3, 0)


class Rows(SharedLayer):
    """The weights of a layer that reads what a cell hands on. Which states
    those are differs from child to child: each has the rows of its channels
    in the kernel.

    Args:
        create: The layer for so many channels.
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
        super().__init__(create(rows), initializer, **kwargs)
        self._create = create

    def take(self, rows: np.ndarray) -> Take:
        """The weights of the layer that reads these channels."""
        function = self._create(len(rows))
        trainable, moving = function.variables
        by_row, first = tf.constant(rows, "int32"), tf.constant(0)
        return Take(
            function,
            self.banks,
            [
                by_row if _is_kernel(variable) else first
                for variable in [*trainable, *moving]
            ],
        )

    def _bank_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        # Of a kernel, 1x1 or of the classifier, channels and filters.
        return shape[-2:] if len(shape) > 1 else (1, *shape)

    def _initial(self, shape: Sequence[int], dtype: Any = None) -> Any:
        return self.initializer(shape, dtype)


def _is_kernel(variable: Any) -> bool:
    return len(variable.shape) > 1
