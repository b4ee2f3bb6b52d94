import itertools
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from nasnet_keras.genotype import (
    NASNET_OPERATIONS,
    Block,
    CellSpec,
    Genotype,
)
from nasnet_keras.published import NASNET_A
from search.spaces import create_space
from search.spaces.base import Decision, SearchSpace
from search.spaces.nasnet import NASNetSpace
from search.testing.letter_space import LetterSpace

BLOCKS = pytest.mark.parametrize("blocks", [1, 2, 5, 10])


def samples(space, count, seed=0):
    rng = np.random.default_rng(seed)
    return [space.sample(rng) for _ in range(count)]


def kinds(space):
    return Counter(decision.kind for decision in space.decisions)


# === Decisions ===


@BLOCKS
def test_the_decisions_of_the_paper(blocks):
    """Five for each block of each cell, in the order of the controller."""
    space = NASNetSpace(blocks)
    assert len(space.decisions) == 2 * 5 * blocks
    assert space.groups == blocks
    last = space.decisions[-5:]
    assert [decision.name for decision in last] == [
        f"reduction/{blocks - 1}/{slot}"
        for slot in (
            "input_1",
            "input_2",
            "operation_1",
            "operation_2",
            "combiner",
        )
    ]
    assert [len(decision.choices) for decision in last] == [
        blocks + 1,
        blocks + 1,
        13,
        13,
        2,
    ]
    assert [decision.kind for decision in last] == [
        *["input"] * 2,
        *["operation"] * 2,
        "combiner",
    ]
    assert {decision.group for decision in last} == {blocks - 1}
    assert len({decision.name for decision in space.decisions}) == 10 * blocks


def test_size():
    choices = 2 * 2 * 13 * 13 * 2
    assert NASNetSpace(1).size == choices**2
    assert NASNetSpace(1, ("add",)).size == (choices // 2) ** 2


# === Decoding ===


@BLOCKS
def test_every_vector_is_a_genotype_and_back(blocks):
    space = NASNetSpace(blocks)
    for decisions in samples(space, 100):
        genotype = space.decode(decisions)
        assert space.encode(genotype) == decisions
        assert Genotype.from_json(genotype.to_json()) == genotype
        names = space.to_names(decisions)
        assert space.from_names(names) == decisions


def test_what_a_vector_means():
    space = NASNetSpace(2)
    genotype = space.decode((0, 1, 0, 4, 1, 2, 2, 10, 3, 0) * 2)
    assert genotype.normal == genotype.reduction
    assert genotype.normal.blocks == (
        Block((0, 1), ("identity", "avg_pool_3x3"), "concat"),
        Block((2, 2), ("sep_conv_3x3", "dil_conv_3x3"), "add"),
    )


@pytest.mark.parametrize(
    "architecture",
    [
        # It concatenates its input as well: not the space's rule.
        NASNET_A,
        Genotype(*[CellSpec(NASNET_A.normal.blocks[:2])] * 2),
        Genotype(*[CellSpec(NASNET_A.normal.blocks, inputs=3)] * 2),
        Genotype(
            *[
                CellSpec(
                    (Block((0, 1), ("max_pool_2x2", "identity")),)
                    + NASNET_A.normal.blocks[1:]
                )
            ]
            * 2
        ),
        Genotype(
            *[
                CellSpec(
                    (Block((0, 1), ("identity",) * 2, "concat"),)
                    + NASNET_A.normal.blocks[1:]
                )
            ]
            * 2
        ),
    ],
)
def test_what_is_not_in_the_space_is_refused(architecture):
    with pytest.raises(ValueError, match="`architecture`.*Received"):
        NASNetSpace(5, ("add",)).encode(architecture)


def test_an_explicit_list_of_the_unused_states_is_in_the_space():
    genotype = Genotype(
        CellSpec(NASNET_A.normal.blocks, concat=(2, 3, 4, 5, 6)),
        CellSpec(NASNET_A.reduction.blocks),
    )
    space = NASNetSpace()
    decoded = space.decode(space.encode(genotype))
    assert decoded.normal.output_states == genotype.normal.output_states


@pytest.mark.parametrize(
    "decisions", [(), (0,) * 9, (0,) * 11, (2,) + (0,) * 9, (-1,) + (0,) * 9]
)
def test_vectors_that_do_not_fit_are_refused(decisions):
    space = NASNetSpace(1)
    for use in (space.decode, space.canonical, space.to_names):
        with pytest.raises(ValueError, match="`decisions`.*Received"):
            use(decisions)


def test_names_that_do_not_fit_are_refused():
    space = NASNetSpace(1)
    names = space.to_names((0,) * 10)
    for wrong in (
        {},
        {**names, "other": "0"},
        dict(reversed(names.items())),
        {**names, "normal/0/input_1": "2"},
        {**names, "normal/0/input_1": 0},
    ):
        with pytest.raises(ValueError, match="Expected.*Received"):
            space.from_names(wrong)


# === Canonical form ===


def swap_sides(cell, rng):
    """Some blocks with their sides exchanged."""
    rows = []
    for first, second, op_1, op_2, combiner in cell:
        if rng.integers(2):
            first, second, op_1, op_2 = second, first, op_2, op_1
        rows.append((first, second, op_1, op_2, combiner))
    return rows


def orders(cell):
    """All orders of the blocks in which each comes after what it reads, with
    the blocks renumbered."""
    for order in itertools.permutations(range(len(cell))):
        number = {0: 0, 1: 1}
        rows = []
        for block in order:
            first, second, *rest = cell[block]
            if first not in number or second not in number:
                break
            rows.append((number[first], number[second], *rest))
            number[2 + block] = 2 + len(rows) - 1
        else:
            yield rows


def rows_of(decisions):
    return [decisions[n : n + 5] for n in range(0, len(decisions), 5)]


def check_canonical(space, cell, rng):
    """Every other way to write the cell has one canonical form."""
    half = tuple(itertools.chain(*cell))
    form = space.canonical(half * 2)
    assert form[: len(half)] == form[len(half) :]
    assert space.canonical(form) == form
    for rows in orders(cell):
        other = tuple(itertools.chain(*swap_sides(rows, rng)))
        assert space.canonical(other * 2) == form
        np.testing.assert_array_equal(
            space.features(other * 2), space.features(form)
        )


@pytest.mark.parametrize("blocks", [1, 2, 3, 4, 5])
def test_canonical_forgets_sides_and_numbers(blocks):
    space, rng = NASNetSpace(blocks), np.random.default_rng(1)
    for decisions in samples(space, 25):
        check_canonical(space, rows_of(decisions)[:blocks], rng)


def test_canonical_forgets_numbers_where_blocks_are_equal():
    """Few choices, so that equal blocks are read by different later ones."""
    space, rng = NASNetSpace(5), np.random.default_rng(2)
    for _ in range(60):
        cell = [
            (*rng.integers(min(2 + n, 4), size=2), *rng.integers(2, size=2), 0)
            for n in range(5)
        ]
        check_canonical(space, [tuple(map(int, row)) for row in cell], rng)


def test_two_equal_blocks_read_by_two_different_ones():
    leaf = (0, 1, 3, 3, 0)
    space = NASNetSpace(4)
    forms = {
        space.canonical(tuple(itertools.chain(*cell)) * 2)
        for cell in (
            [leaf, leaf, (0, 2, 5, 5, 0), (0, 3, 6, 6, 0)],
            [leaf, leaf, (0, 3, 5, 5, 0), (0, 2, 6, 6, 0)],
            [leaf, (0, 2, 6, 6, 0), leaf, (0, 4, 5, 5, 0)],
        )
    }
    assert len(forms) == 1


def test_canonical_keeps_different_cells_apart():
    """As many forms as there are cells up to sides and numbers, counted over
    all cells of two blocks with few choices."""
    space = NASNetSpace(2)
    rows = [
        list(
            itertools.product(range(2 + n), range(2 + n), (0, 4), (0, 4), (0,))
        )
        for n in range(2)
    ]
    forms, classes = set(), set()
    for cell in itertools.product(*rows):
        forms.add(space.canonical(tuple(itertools.chain(*cell)) * 2))
        ways = []
        for order in orders(cell):
            for sides in itertools.product((False, True), repeat=2):
                ways.append(
                    tuple(
                        (b, a, q, p, c) if swapped else (a, b, p, q, c)
                        for swapped, (a, b, p, q, c) in zip(
                            sides, order, strict=True
                        )
                    )
                )
        classes.add(min(ways))
    assert len(forms) == len(classes)


def test_ten_equal_blocks_take_no_time():
    space = NASNetSpace(10)
    decisions = (0, 1, 3, 3, 0) * 20
    assert space.canonical(decisions) == decisions


# === Samples, mutations, neighbours ===


def test_samples_are_uniform():
    space = NASNetSpace(1)
    drawn = np.array(samples(space, 3000))
    for column, decision in zip(drawn.T, space.decisions, strict=True):
        share = np.bincount(column, minlength=len(decision.choices)) / 3000
        # Five standard deviations.
        expected = 1 / len(decision.choices)
        np.testing.assert_allclose(
            share, expected, atol=5 * (expected * (1 - expected) / 3000) ** 0.5
        )
    assert {
        type(choice) for choice in space.sample(np.random.default_rng())
    } == {int}


def test_mutation_changes_one_decision():
    space, rng = NASNetSpace(3), np.random.default_rng(0)
    reached = set()
    for decisions in samples(space, 600):
        mutant = space.mutate(decisions, rng)
        space.check(mutant)
        (changed,) = [
            position
            for position, (before, after) in enumerate(
                zip(decisions, mutant, strict=True)
            )
            if before != after
        ]
        reached.add(changed)
    assert reached == set(range(len(space.decisions)))


def test_mutation_leaves_alone_what_has_one_choice():
    space, rng = NASNetSpace(1, ("add",)), np.random.default_rng(0)
    assert 0 in space.mutate((0,) * 10, rng)
    with pytest.raises(ValueError, match="two or more choices. Received"):
        LetterSpace((1, 1)).mutate((0, 0), rng)


def test_neighbours_are_all_single_changes():
    space = NASNetSpace(1)
    decisions = space.sample(np.random.default_rng(0))
    neighbours = set(space.neighbours(decisions))
    assert len(neighbours) == sum(len(d.choices) - 1 for d in space.decisions)
    for other in neighbours:
        space.check(other)
        assert sum(a != b for a, b in zip(decisions, other, strict=True)) == 1


# === The interface ===


def test_other_spaces_have_defaults():
    class Coin(SearchSpace):
        name, version = "coin", 1
        decisions = (Decision("side", ("heads", "tails")),)

        def decode(self, decisions):
            return decisions[0]

        def encode(self, architecture):
            return (architecture,)

        def describe(self):
            return {"name": self.name}

    coin = Coin()
    assert coin.canonical((1,)) == (1,)
    assert (coin.groups, coin.size) == (1, 2)
    assert coin.mutate((1,), np.random.default_rng(0)) == (0,)
    assert coin.from_names({"side": "tails"}) == (1,)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"blocks": 0}, "`blocks`"),
        ({"blocks": 11}, "`blocks`"),
        ({"blocks": True}, "`blocks`"),
        ({"blocks": 5.0}, "`blocks`"),
        ({"combiners": ()}, "`combiners`"),
        ({"combiners": "add"}, "`combiners`"),
        ({"combiners": ("add", "multiply")}, "`combiners`"),
        ({"combiners": ("add", "add")}, "`combiners`"),
    ],
)
def test_errors_name_the_argument(arguments, named):
    with pytest.raises(ValueError, match=f"{named}.*Received"):
        NASNetSpace(**arguments)


def test_described_it_is_made_again():
    space = NASNetSpace(3, ("concat",))
    description = space.describe()
    name, version = description.pop("name"), description.pop("version")
    assert version == NASNetSpace.version
    assert create_space(name, description).decisions == space.decisions


def test_the_operations_are_the_papers():
    assert len(NASNET_OPERATIONS) == 13
    for decision in NASNetSpace(2).decisions:
        if decision.kind == "operation":
            assert decision.choices == NASNET_OPERATIONS


def test_importing_loads_no_framework():
    code = (
        "import sys, search.spaces.nasnet\n"
        "sys.exit(any(m in sys.modules for m in ('keras', 'tensorflow')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# === Fewer operations, one cell ===

FEWER = ("sep_conv_3x3", "none", "identity")
SMALL = NASNetSpace(3, ("add", "concat"), FEWER, cells=1)


def test_one_cell_has_half_of_the_decisions():
    assert len(SMALL.decisions) == 15
    assert SMALL.groups == 3
    assert [decision.name for decision in SMALL.decisions[:5]] == [
        "cell/0/input_1",
        "cell/0/input_2",
        "cell/0/operation_1",
        "cell/0/operation_2",
        "cell/0/combiner",
    ]
    assert SMALL.decisions[2].choices == FEWER
    assert SMALL.size == (2 * 3 * 4 * 3**3) ** 2 * 2**3
    assert NASNetSpace(1, operations=FEWER).size == ((2 * 3) ** 2 * 2) ** 2


@pytest.mark.parametrize("space", [SMALL, NASNetSpace(3, ("add",), FEWER)])
def test_every_vector_of_fewer_is_a_genotype_and_back(space):
    for decisions in samples(space, 100):
        genotype = space.decode(decisions)
        assert space.encode(genotype) == decisions
        assert (genotype.normal == genotype.reduction) or space.cells == 2
        canonical = space.canonical(decisions)
        assert space.canonical(canonical) == canonical
        assert Genotype.from_json(genotype.to_json()) == genotype


def test_the_canonical_cell_is_that_of_two():
    """Of one cell as of each of two."""
    two = NASNetSpace(3, SMALL.combiners, FEWER)
    for decisions in samples(SMALL, 50):
        assert two.canonical(decisions * 2) == SMALL.canonical(decisions) * 2


def test_swapped_sides_are_one_architecture():
    one = (0, 1, 0, 2, 0, 2, 0, 1, 0, 1, 1, 1, 2, 2, 0)
    other = (1, 0, 2, 0, 0, 0, 2, 0, 1, 1, 1, 1, 2, 2, 0)
    assert SMALL.canonical(one) == SMALL.canonical(other)


def test_cells_that_differ_are_refused_by_one_cell():
    one, other = (SMALL.decode(each) for each in samples(SMALL, 2))
    with pytest.raises(ValueError, match="the same normal and reduction cell"):
        SMALL.encode(Genotype(one.normal, other.normal))
    more = Genotype(
        one.normal, CellSpec(one.normal.blocks, concat=(0, 2, 3, 4))
    )
    with pytest.raises(ValueError, match="unused states"):
        SMALL.encode(more)


def test_an_operation_that_is_left_out_is_refused():
    space = NASNetSpace(5, operations=FEWER)
    with pytest.raises(ValueError, match="the operations sep_conv_3x3, none"):
        space.encode(
            Genotype(
                CellSpec(NASNET_A.normal.blocks),
                CellSpec(NASNET_A.reduction.blocks),
            )
        )


def test_the_papers_space_is_described_as_ever():
    """So that runs go on."""
    whole = NASNetSpace(operations=NASNET_OPERATIONS, cells=2)
    assert list(whole.describe()) == ["name", "version", "blocks", "combiners"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"operations": ()}, "`operations`"),
        ({"operations": "identity"}, "`operations`"),
        ({"operations": 3}, "`operations`"),
        ({"operations": ("identity", "conv_9x9")}, "`operations`"),
        ({"operations": ("identity", ["none"])}, "`operations`"),
        ({"operations": ("identity", "identity")}, "`operations`"),
        ({"operations": ("none",)}, "`operations`.*beside none"),
        ({"cells": 0}, "`cells`"),
        ({"cells": 3}, "`cells`"),
        ({"cells": True}, "`cells`"),
        ({"concat": "none"}, "`concat`"),
        ({"concat": ["all"]}, "`concat`"),
        ({"combiners": 3}, "`combiners`"),
    ],
)
def test_errors_of_operations_and_cells(arguments, named):
    with pytest.raises(ValueError, match=f"{named}.*Received"):
        NASNetSpace(**arguments)
