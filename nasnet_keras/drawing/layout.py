"""Where the parts of a cell's picture go: `lay_out`.

Rows from the bottom up: the cell's inputs, then the blocks, each above the
blocks that it reads, then the concatenation. A hidden state that is read
further up passes the rows between in a lane of its own, so that no line
crosses a box. Lengths are in inches.
"""

from dataclasses import dataclass

from nasnet_keras.drawing.columns import Place, columns
from nasnet_keras.genotype import CellSpec

BLOCKS_PER_ROW = 5  # NASNet-A's normal cell is one row
BOX_WIDTH, BOX_HEIGHT, BOX_GAP = 0.70, 0.40, 0.08
COMBINER_WIDTH, COMBINER_HEIGHT, COMBINER_RISE = 0.52, 0.24, 0.20
LETTER_WIDTH = 0.08  # of a longer combiner's name
INPUT_WIDTH, INPUT_HEIGHT, INPUT_GAP = 0.70, 0.34, 0.90
CONCAT_WIDTH, CONCAT_HEIGHT, OUTPUT_RISE = 1.50, 0.28, 0.20
BLOCK_WIDTH, BLOCK_GAP = 2 * BOX_WIDTH + BOX_GAP, 0.24
LANE_WIDTH = 0.20
ROW_HEIGHT = BOX_HEIGHT + COMBINER_RISE + COMBINER_HEIGHT
CHANNEL_HEIGHT = 0.70  # between two rows, where lines change lanes

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A box with a label; `x` is its middle and `y` its bottom."""

    kind: str  # "input", "operation", "combiner", "concat" or "output"
    label: str  # the genotype's name; of inputs and outputs a formula
    x: float
    y: float
    width: float
    height: float
    state: int | None = None  # the hidden state that comes out of it


@dataclass(frozen=True)
class Line:
    """A line that rises through points."""

    points: tuple[Point, ...]
    state: int | None = None  # the hidden state it carries; None in a block


@dataclass(frozen=True)
class CellLayout:
    """The parts of a picture whose bottom is at y = 0."""

    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]

    @property
    def left(self) -> float:
        return min(box.x - box.width / 2 for box in self.boxes)

    @property
    def right(self) -> float:
        return max(box.x + box.width / 2 for box in self.boxes)

    @property
    def height(self) -> float:
        return max(box.y + box.height for box in self.boxes)


def lay_out(spec: CellSpec) -> CellLayout:
    """Places the boxes and lines of a cell."""
    levels = _levels(spec)
    rows = _rows(spec, levels)
    places = [[(row, s) for s in states] for row, states in enumerate(rows)]
    widths = {
        (row, state): _width(row, levels[state])
        for row, states in enumerate(rows)
        for state in states
    }
    xs = columns(places, widths, _joints(spec, levels, rows))
    boxes = [
        Box(
            "input",
            _input_label(spec, state),
            xs[0, state],
            0.0,
            INPUT_WIDTH,
            INPUT_HEIGHT,
            state,
        )
        for state in range(spec.inputs)
    ]
    lines: list[Line] = []
    for state in range(spec.inputs, spec.states):
        block_boxes, block_lines = _block(spec, state, levels[state], xs)
        boxes += block_boxes
        lines += block_lines
    for row, states in enumerate(rows):
        lines += [
            Line(
                (
                    (xs[row - 1, state], _top(row - 1)),
                    (xs[row, state], _bottom(row)),
                    (xs[row, state], _top(row)),
                ),
                state,
            )
            for state in states
            if levels[state] < row
        ]
    output = _separate_outputs if spec.separate else _output
    output_boxes, output_lines = output(spec, len(rows), xs)
    return CellLayout(tuple(boxes + output_boxes), tuple(lines + output_lines))


def _block(
    spec: CellSpec, state: int, row: int, xs: dict[Place, float]
) -> tuple[list[Box], list[Line]]:
    """A block's boxes, and the lines to and within it."""
    block = spec.blocks[state - spec.inputs]
    x, y = xs[row, state], _bottom(row)
    joint = y + BOX_HEIGHT + COMBINER_RISE
    width = max(COMBINER_WIDTH, LETTER_WIDTH * len(block.combiner))
    size = width, COMBINER_HEIGHT
    boxes = [Box("combiner", block.combiner, x, joint, *size, state)]
    lines = []
    sides = sorted(
        zip(block.inputs, block.operations, strict=True),
        key=lambda side: xs[row - 1, side[0]],  # or the two lines would cross
    )
    for sign, (source, operation) in zip((-1, 1), sides, strict=True):
        port = x + sign * (BOX_WIDTH + BOX_GAP) / 2
        size = BOX_WIDTH, BOX_HEIGHT
        boxes.append(Box("operation", operation, port, y, *size))
        start = (xs[row - 1, source], _top(row - 1))
        lines.append(Line((start, (port, y)), source))
        lines.append(Line(((port, y + BOX_HEIGHT), (x, joint))))
    return boxes, lines


def _output(
    spec: CellSpec, row: int, xs: dict[Place, float]
) -> tuple[list[Box], list[Line]]:
    """The concatenation above the last row, and the lines to and from it."""
    states = spec.output_states
    arrivals = [xs[row - 1, state] for state in states]
    x = (min(arrivals) + max(arrivals)) / 2
    width = max(arrivals) - min(arrivals) + CONCAT_WIDTH / 2
    y = _bottom(row)
    end = y + CONCAT_HEIGHT + OUTPUT_RISE
    size = max(width, CONCAT_WIDTH), CONCAT_HEIGHT
    boxes = [
        Box("concat", "concat", x, y, *size),
        Box("output", "h_{i+1}", x, end, INPUT_WIDTH, INPUT_HEIGHT),
    ]
    lines = [
        Line(((arrival, _top(row - 1)), (arrival, y)), state)
        for arrival, state in zip(arrivals, states, strict=True)
    ]
    return boxes, [*lines, Line(((x, y + CONCAT_HEIGHT), (x, end)))]


def _separate_outputs(
    spec: CellSpec, row: int, xs: dict[Place, float]
) -> tuple[list[Box], list[Line]]:
    """A box for each output state above the last row, and the lines there."""
    order = sorted(spec.output_states, key=lambda state: xs[row - 1, state])
    left, right = (xs[row - 1, state] for state in (order[0], order[-1]))
    step = max(INPUT_WIDTH + BOX_GAP, (right - left) / max(len(order) - 1, 1))
    boxes, lines = [], []
    for place, state in enumerate(order):
        x = (left + right) / 2 + step * (place - (len(order) - 1) / 2)
        label = f"h'_{{{spec.output_states.index(state)}}}"
        size = INPUT_WIDTH, INPUT_HEIGHT
        boxes.append(Box("output", label, x, _bottom(row), *size))
        start = (xs[row - 1, state], _top(row - 1))
        lines.append(Line((start, (x, _bottom(row))), state))
    return boxes, lines


def _input_label(spec: CellSpec, state: int) -> str:
    if spec.separate:
        return f"h_{{{state}}}"
    return f"h_{{i-{state}}}" if state else "h_{i}"


def _bottom(row: int) -> float:
    if row == 0:
        return 0.0
    return INPUT_HEIGHT + CHANNEL_HEIGHT * row + ROW_HEIGHT * (row - 1)


def _top(row: int) -> float:
    return INPUT_HEIGHT if row == 0 else _bottom(row) + ROW_HEIGHT


def _levels(spec: CellSpec) -> list[int]:
    """The row of each state's block, above all rows that the block reads; of
    the cell's inputs 0."""
    levels = [0] * spec.inputs
    for block in spec.blocks:
        level = 1 + max(levels[state] for state in block.inputs)
        while levels.count(level) == BLOCKS_PER_ROW:
            level += 1
        levels.append(level)
    return levels


def _rows(spec: CellSpec, levels: list[int]) -> list[list[int]]:
    """The states in each row: those of its blocks, and those that pass."""
    top = 1 + max(levels)
    last = list(levels)
    for state, block in enumerate(spec.blocks, spec.inputs):
        for source in block.inputs:
            last[source] = max(last[source], levels[state] - 1)
    for state in spec.output_states:
        last[state] = top - 1
    return [
        [s for s in range(spec.states) if levels[s] <= row <= last[s]]
        for row in range(top)
    ]


def _joints(
    spec: CellSpec, levels: list[int], rows: list[list[int]]
) -> list[tuple[Place, Place]]:
    """The places that lines join, the lower one first."""
    joints = []
    for row, states in enumerate(rows[1:], 1):
        for state in states:
            sources: tuple[int, ...] = (state,)
            if levels[state] == row:
                sources = spec.blocks[state - spec.inputs].inputs
            joints += [((row - 1, s), (row, state)) for s in sources]
    return joints


def _width(row: int, level: int) -> float:
    """The width of a place in a row, of a state that begins at a level."""
    if row > level:
        return LANE_WIDTH
    return INPUT_WIDTH + INPUT_GAP if row == 0 else BLOCK_WIDTH + BLOCK_GAP
