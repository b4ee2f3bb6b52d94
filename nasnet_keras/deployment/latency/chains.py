"""How long parts of a network take within it: `part_calls`, `seconds_of_parts`.

The call of a function takes longer than a single operation inside it. So a
part is timed in a chain of copies.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from nasnet_keras.deployment.latency.parts import LatencyPart
from nasnet_keras.deployment.timing import Call, traced
from nasnet_keras.layers.parts.conventions import Conventions

# As in a block, two at a time: TensorFlow runs its two sides side by side.
STEPS, SIDES = 4, 2

# Given the shapes of the states that it reads, a copy: a function of these.
MakeCopy = Callable[[Sequence[tf.TensorShape]], Callable[..., Any]]


def part_calls(
    parts: Iterable[LatencyPart], batch_size: int, conventions: Conventions
) -> Iterator[Call]:
    """A chain of nothing, which takes what a call takes, and that of each
    part.

    Args:
        parts: The parts.
        batch_size: How many images in a pass.
        conventions: How the layers compute.
    """
    # A state that is passed on costs nothing.
    yield chain(lambda shapes: tf.identity, [(1, 1, 1, 1)])
    for part in parts:
        yield chain(
            functools.partial(part.copy, conventions=conventions),
            part.shapes(batch_size, conventions),
        )


def seconds_of_parts(nothing: float, chains: Iterable[float]) -> list[float]:
    """The seconds of each part within a network, of those of the calls of
    `part_calls`."""
    return [max(0.0, seconds - nothing) / (STEPS * SIDES) for seconds in chains]


def chain(make: MakeCopy, shapes: Sequence[Any]) -> Call:
    """Copies of a part, two at a time.

    Each copy has its own weights, and each two begin when those before them
    are done.

    Args:
        make: Makes a copy of it, given the shapes of the states that it reads.
        shapes: These shapes.

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
