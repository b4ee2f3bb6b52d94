"""Where the operations of a network stand: `network_operations`.

What a network costs, in whatever unit, is a sum over them, known without
building it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from nasnet_keras.genotype import CellSpec, Projection
from nasnet_keras.network.plan import NetworkPlan
from nasnet_keras.network.skeletons import Size, divided

ADJUSTMENT, OUTPUT = "adjustment", "output"


@dataclass(frozen=True)
class PlacedOperation:
    """An operation, what it reads and what it makes.

    Attributes:
        name: A key of `OPERATIONS` or of `COMBINERS`; `"adjustment"`: what
            brings an input of a cell, or one that the cell puts out, to its
            filters and size, a 1x1 convolution or with strides 2 a factorized
            reduction; `"output"`: the concatenation of a cell's output
            states.
        height: Of what it reads.
        width: Of what it reads.
        channels: Of the state that it reads; of a combiner those of each of
            the two, of the output those of all states together.
        filters: F of the cell.
        strides: 1 or 2.
    """

    name: str
    height: int
    width: int
    channels: int
    filters: int
    strides: int = 1


def network_operations(plan: NetworkPlan) -> Iterator[PlacedOperation]:
    """The operations of all cells of a network, in order; not those of its
    stem and head.

    Args:
        plan: Of a known image size.

    Raises:
        ValueError: The size of the images is unknown.
    """
    height, width = plan.image_size
    if height is None or width is None:
        raise ValueError(
            "Invalid value for argument `input_shape`. Expected a known height "
            "and width, on which the cost of an operation depends. Received: "
            f"input_shape={plan.input_shape}."
        )
    sizes = plan.sizes((height, width))
    channels = [[unit.filters] for unit in plan.convolutions]
    for place in plan.cells:
        spec = plan.spec(place)
        yield from cell_operations(
            spec,
            place.filters,
            place.strides,
            place.input_strides,
            [each for source in place.inputs for each in channels[source]],
            sizes[place.inputs[0]],
            plan.parts.projection,
        )
        widths = [place.filters * each for each in spec.output_multiples]
        channels.append(widths if spec.separate else [sum(widths)])


def cell_operations(
    spec: CellSpec,
    filters: int,
    strides: int,
    input_strides: tuple[int, ...],
    channels: list[int],
    size: Size,
    projection: Projection = "needed",
) -> Iterator[PlacedOperation]:
    """The operations of a `Cell` with these arguments, in order.

    Args:
        spec: The blocks.
        filters: F.
        strides: 1 or 2.
        input_strides: See `Cell`.
        channels: Those of each input.
        size: Height and width of the current input. An input that must be
            halved is taken to be twice as large; it may be one less.
        projection: See `Cell`.
    """
    states = list(channels)
    for position, halve in enumerate(input_strides):
        fits = position and halve == 1 and states[position] == filters
        if not fits or projection != "needed":
            larger = (size[0] * halve, size[1] * halve)
            yield PlacedOperation(
                ADJUSTMENT, *larger, states[position], filters, halve
            )
            states[position] = filters
    if projection == "twice":
        yield PlacedOperation(ADJUSTMENT, *size, filters, filters)
    states += [channels[0]] * (spec.inputs - len(states))
    halved = divided(size, (strides, strides))
    for block in spec.blocks:
        for state, name in zip(block.inputs, block.operations, strict=True):
            # Those that read an input of a reduction cell halve it.
            place = (*size, states[state], filters, strides)
            if state >= spec.inputs:
                place = (*halved, states[state], filters, 1)
            yield PlacedOperation(name, *place)
        yield PlacedOperation(block.combiner, *halved, filters, filters)
        states.append(filters * (2 if block.combiner == "concat" else 1))
    for state in spec.output_states:
        if state < spec.inputs and (strides > 1 or states[state] != filters):
            yield PlacedOperation(
                ADJUSTMENT, *size, states[state], filters, strides
            )
    if not spec.separate and len(spec.output_states) > 1:
        together = filters * spec.output_multiple
        yield PlacedOperation(OUTPUT, *halved, together, filters)
