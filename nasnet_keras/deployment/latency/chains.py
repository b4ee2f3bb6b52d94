"""How long operations take in a network: `measure_operations`.

The call of a function takes longer than a single operation inside it. So an
operation is timed in a chain of copies.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import tensorflow as tf
from keras import ops

from nasnet_keras.deployment.timing import Call, Timer, traced
from nasnet_keras.layers.combiners import COMBINERS
from nasnet_keras.layers.operations import OPERATIONS
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.layers.parts.convolution_unit import ConvolutionBatchNorm
from nasnet_keras.layers.parts.factorized_reduction import FactorizedReduction
from nasnet_keras.network.placed_operations import (
    ADJUSTMENT,
    OUTPUT,
    PlacedOperation,
)

# As in a block, two at a time: TensorFlow runs its two sides side by side.
STEPS, SIDES = 4, 2

# Given the shapes of the states that it reads, a copy: a function of these.
MakeCopy = Callable[[Sequence[tf.TensorShape]], Callable[..., Any]]


def measure_operations(
    places: Iterable[PlacedOperation],
    batch_size: int,
    conventions: Conventions,
    timer: Timer,
) -> Iterator[tuple[PlacedOperation, float]]:
    """Measures each operation. Yields it with its seconds within a network.

    Args:
        places: The operations at their places.
        batch_size: How many images in a pass.
        conventions: How the layers compute.
        timer: Takes a function and its arguments, returns the seconds of a
            call.
    """
    placed = list(places)
    copies = (
        (
            functools.partial(_built, place, conventions),
            _input_shapes(place, batch_size, conventions),
        )
        for place in placed
    )
    yield from zip(placed, measure_copies(copies, timer), strict=True)


def measure_copies(
    copies: Iterable[tuple[MakeCopy, Sequence[Any]]], timer: Timer
) -> Iterator[float]:
    """The seconds of each of some layers within a network.

    Args:
        copies: Of each what makes a copy of it, given the shapes of the states
            that it reads, and these shapes.
        timer: See `measure_operations`.
    """
    # A state that is passed on costs nothing: its chain takes what a call
    # takes.
    function, states = chain(lambda shapes: tf.identity, [(1, 1, 1, 1)])
    nothing = timer(function, *states)
    for make, shapes in copies:
        function, states = chain(make, shapes)
        seconds = timer(function, *states) - nothing
        yield max(0.0, seconds) / (STEPS * SIDES)


def chain(make: MakeCopy, shapes: Sequence[Any]) -> Call:
    """Copies of a layer, two at a time.

    Each copy has its own weights, and each two begin when those before them
    are done.

    Args:
        make, shapes: See `measure_copies`.

    Returns:
        The traced function and the arguments to call it with.
    """
    shapes = [tf.TensorShape(shape) for shape in shapes]
    steps = [[make(shapes) for _ in range(SIDES)] for _ in range(STEPS)]

    def run(*sides: list[Any]) -> Any:
        ends: list[Any] = []
        done: list[Any] = []
        for copies in steps:
            with tf.control_dependencies(done):
                states = [[tf.identity(x) for x in side] for side in sides]
            # The edge leads to a single value, not to what the operation
            # puts out, which TensorFlow would then not fuse with it. All are
            # returned, or it would leave out what only an edge asks for.
            done = [
                copy(*side)[0, 0, 0, 0]
                for copy, side in zip(copies, states, strict=True)
            ]
            ends += done
        return tf.stack(ends)

    return traced(run, *[shapes] * SIDES)


def _input_shapes(
    place: PlacedOperation, batch_size: int, conventions: Conventions
) -> list[tf.TensorShape]:
    """The shapes of the states that it reads."""
    states, channels = 1, place.channels
    if place.name in COMBINERS:
        states = 2
    elif place.name == OUTPUT:
        states, channels = place.channels // place.filters, place.filters
    shape = [batch_size, place.height, place.width]
    shape.insert(conventions.channel_axis % 4, channels)
    return [tf.TensorShape(shape)] * states


def _built(
    place: PlacedOperation,
    conventions: Conventions,
    shapes: Sequence[tf.TensorShape],
) -> Callable[..., Any]:
    """A copy: a function of the states that it reads."""
    if place.name == OUTPUT:
        axis = conventions.channel_axis
        return lambda *states: ops.concatenate(states, axis=axis)
    if place.name in COMBINERS:
        combiner = COMBINERS[place.name](conventions=conventions)
        combiner.build([tuple(shape) for shape in shapes])
        return lambda *states: combiner(states)
    layer: Any
    if place.name != ADJUSTMENT:
        layer = OPERATIONS[place.name](
            place.filters, place.strides, conventions=conventions
        )
    elif place.strides == 2:
        layer = FactorizedReduction(place.filters, conventions=conventions)
    else:
        layer = ConvolutionBatchNorm(
            place.filters, (1, 1), conventions=conventions
        )
    layer.build(tuple(shapes[0]))
    if place.name == ADJUSTMENT:
        return lambda state: layer(conventions.activate(state), training=False)
    return lambda state: layer(state, training=False)
