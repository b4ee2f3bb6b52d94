from itertools import combinations, pairwise

import numpy as np
import pytest

from nasnet_keras.drawing.layout import BLOCKS_PER_ROW, lay_out
from nasnet_keras.genotype import Block, CellSpec
from nasnet_keras.published import NASNET_A, NASNET_B
from search.spaces.nasnet import NASNetSpace

GENOTYPES = [NASNET_A, NASNET_B] + [
    space.decode(space.sample(np.random.default_rng(seed)))
    for space in (NASNetSpace(blocks=5), NASNetSpace(blocks=10))
    for seed in range(8)
]
WIDE = CellSpec((Block((0, 1), ("identity", "sep_conv_3x3")),) * 10)
DEEP = CellSpec(
    tuple(Block((n, n + 1), ("identity", "conv_1x1")) for n in range(10))
)
FOUR_INPUTS = CellSpec(
    (Block((0, 3), ("identity", "identity")),), concat=(0, 2, 4), inputs=4
)
SPECS = [
    spec
    for genotype in GENOTYPES
    for spec in (genotype.normal, genotype.reduction)
] + [WIDE, DEEP, FOUR_INPUTS]


EDGE = 1e-6  # inch; sums of heights differ in their last digits


def near(point):
    return round(point[0], 6), round(point[1], 6)


def sides(box):
    return box.x - box.width / 2, box.x + box.width / 2


@pytest.mark.parametrize("spec", SPECS)
def test_no_box_overlaps_another(spec):
    for one, other in combinations(lay_out(spec).boxes, 2):
        (left, right), (other_left, other_right) = sides(one), sides(other)
        assert (
            right < other_left
            or other_right < left
            or one.y + one.height < other.y
            or other.y + other.height < one.y
        )


@pytest.mark.parametrize("spec", SPECS)
def test_no_line_crosses_a_box(spec):
    """An upright line keeps beside every box; one that changes lanes does so
    where there is no box at all."""
    layout = lay_out(spec)
    for line in layout.lines:
        for (x0, y0), (x1, y1) in pairwise(line.points):
            assert y0 < y1
            for box in layout.boxes if line.state is not None else ():
                if box.y > y1 - EDGE or box.y + box.height < y0 + EDGE:
                    continue
                left, right = sides(box)
                assert x0 == x1 and not left <= x0 <= right


@pytest.mark.parametrize("spec", SPECS)
def test_every_operation_is_reached_from_its_hidden_state(spec):
    layout = lay_out(spec)
    tops = {
        box.state: near((box.x, box.y + box.height))
        for box in layout.boxes
        if box.state is not None
    }
    assert set(tops) == set(range(spec.states))

    def ends(state):
        """Where the lines of a state lead, from its box on."""
        reached, more = {tops[state]}, True
        while more:
            steps = {
                near(line.points[-1])
                for line in layout.lines
                if line.state == state and near(line.points[0]) in reached
            }
            more = not steps <= reached
            reached |= steps
        return reached

    operations = [box for box in layout.boxes if box.kind == "operation"]
    drawn = sorted(
        (state, box.label)
        for state in range(spec.states)
        for box in operations
        if near((box.x, box.y)) in ends(state)
    )
    assert drawn == sorted(
        pair
        for block in spec.blocks
        for pair in zip(block.inputs, block.operations, strict=True)
    )
    end = "output" if spec.separate else "concat"
    (height,) = {box.y for box in layout.boxes if box.kind == end}
    arrived = {
        state
        for state in range(spec.states)
        if any(abs(y - height) < EDGE for _, y in ends(state))
    }
    assert arrived == set(spec.output_states)


def test_rows():
    """NASNet-A's normal cell is one row, ten such blocks are two."""

    def rows(spec):
        return [box.y for box in lay_out(spec).boxes if box.kind == "combiner"]

    assert len(set(rows(NASNET_A.normal))) == 1
    assert len(set(rows(NASNET_A.reduction))) == 2
    assert len(set(rows(DEEP))) == 10
    assert sorted(map(rows(WIDE).count, set(rows(WIDE)))) == (
        [BLOCKS_PER_ROW] * 2
    )
