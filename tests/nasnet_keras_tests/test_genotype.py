import copy
import dataclasses
import json
import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasnet_keras.genotype import (
    COMBINER_NAMES,
    MAX_BLOCKS,
    NASNET_OPERATIONS,
    Block,
    CellSpec,
    Genotype,
)

PAIR = ("sep_conv_3x3", "identity")
BLOCK = Block((0, 1), PAIR)
CELL = CellSpec((BLOCK,))


def random_cell(rng, blocks, inputs=2):
    """A valid cell; half of them say what they concatenate."""
    spec = CellSpec(
        tuple(
            Block(
                (rng.randrange(inputs + n), rng.randrange(inputs + n)),
                (rng.choice(NASNET_OPERATIONS), rng.choice(NASNET_OPERATIONS)),
                rng.choice(COMBINER_NAMES),
            )
            for n in range(blocks)
        ),
        inputs=inputs,
    )
    if rng.random() < 0.5:
        return spec
    states = rng.sample(range(spec.states), rng.randint(1, spec.states))
    return dataclasses.replace(spec, concat=tuple(states))


def random_genotype(seed, blocks):
    rng = random.Random(seed)
    inputs = rng.randint(1, 4)
    return Genotype(
        random_cell(rng, blocks, inputs), random_cell(rng, blocks, inputs)
    )


# === Values ===


@pytest.mark.parametrize("blocks", range(1, MAX_BLOCKS + 1))
def test_written_and_read_again(blocks):
    for seed in range(10):
        genotype = random_genotype(seed, blocks)
        read = Genotype.from_json(genotype.to_json())
        assert read == genotype
        assert hash(read) == hash(genotype)
        assert read.to_json() == genotype.to_json()
        assert Genotype.from_dict(genotype.to_dict()) == genotype


def test_json_has_a_line_for_each_block():
    lines = random_genotype(0, 7).to_json().splitlines()
    assert sum("operations" in line for line in lines) == 14
    assert max(map(len, lines)) <= 100


def test_frozen_and_hashable():
    genotype = Genotype(CELL, CELL)
    for instance in (BLOCK, CELL, genotype):
        field = dataclasses.fields(instance)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(instance, field, None)
    assert {genotype, Genotype(CELL, CELL)} == {genotype}
    assert hash(Block([0, 1], list(PAIR))) == hash(BLOCK)
    assert hash(CellSpec([BLOCK], concat=[2])) == hash(
        CellSpec((BLOCK,), concat=(2,))
    )


@pytest.mark.parametrize(
    ("inputs", "concat", "states"),
    [
        ([(0, 1)], "unused", (2,)),
        ([(0, 0), (1, 1)], "unused", (2, 3)),
        ([(0, 1), (2, 0), (2, 3)], "unused", (4,)),
        ([(0, 1), (0, 1), (3, 3)], "unused", (2, 4)),
        # An unread input is no block output: it is not concatenated.
        ([(0, 0)], "unused", (2,)),
        ([(0, 1), (2, 0)], (3, 0), (3, 0)),
    ],
)
def test_output_states(inputs, concat, states):
    blocks = tuple(Block(pair, PAIR) for pair in inputs)
    assert CellSpec(blocks, concat=concat).output_states == states


def test_a_concatenating_block_counts_twice():
    wide = Block((0, 1), PAIR, "concat")
    spec = CellSpec((wide, BLOCK), concat=(1, 2, 3))
    assert spec.output_multiple == 4


def test_separate_output_states():
    spec = CellSpec((BLOCK,) * 2, concat=(3, 2), separate=True)
    assert spec.output_states == (3, 2)
    assert spec.to_dict()["separate"] is True
    assert CellSpec.from_dict(spec.to_dict()) == spec
    # Files of other cells do not change.
    assert set(CELL.to_dict()) == {"inputs", "blocks", "concat"}


def test_one_block_output_is_always_unread():
    """Thus `"unused"` never leaves a cell without output."""
    for seed in range(100):
        rng = random.Random(seed)
        cell = random_cell(rng, rng.randint(1, MAX_BLOCKS))
        unused = dataclasses.replace(cell, concat="unused").output_states
        assert cell.states - 1 in unused


# === Errors ===

ERRORS = {
    "`inputs`": [
        lambda: Block((0,), PAIR),
        lambda: Block((0, 1, 2), PAIR),
        lambda: Block(3, PAIR),
        lambda: Block("01", PAIR),
        lambda: Block((0, -1), PAIR),
        lambda: Block((0, 1.0), PAIR),
        lambda: Block((True, 0), PAIR),
        lambda: CellSpec((BLOCK,), inputs=0),
        lambda: CellSpec((BLOCK,), inputs=True),
    ],
    "`operations`": [
        lambda: Block((0, 1), ("identity",)),
        lambda: Block((0, 1), "identity"),
        lambda: Block((0, 1), ("identity", "conv_9x9")),
        lambda: Block((0, 1), ("identity", ["identity"])),
        lambda: Block((0, 1), ("identity", None)),
    ],
    "`combiner`": [
        lambda: Block((0, 1), PAIR, "multiply"),
        lambda: Block((0, 1), PAIR, {}),
    ],
    "`blocks`": [
        lambda: CellSpec(()),
        lambda: CellSpec(3),
        lambda: CellSpec("ab"),
        lambda: CellSpec((BLOCK,) * 11),
        lambda: CellSpec((PAIR,)),
        lambda: CellSpec((Block((0, 2), PAIR),)),
        lambda: CellSpec((BLOCK, Block((3, 0), PAIR))),
        lambda: CellSpec((BLOCK,), inputs=1),
    ],
    "`concat`": [
        lambda: CellSpec((BLOCK,), concat=()),
        lambda: CellSpec((BLOCK,), concat=(3,)),
        lambda: CellSpec((BLOCK,), concat=(2, 2)),
        lambda: CellSpec((BLOCK,), concat=(True,)),
        lambda: CellSpec((BLOCK,), concat=(-1,)),
        lambda: CellSpec((BLOCK,), concat=([2],)),
        lambda: CellSpec((BLOCK,), concat="all"),
        lambda: CellSpec((BLOCK,), concat=2),
        lambda: CellSpec((BLOCK,), concat=None),
    ],
    "`separate`": [
        lambda: CellSpec((BLOCK,) * 3, separate=True),
        lambda: CellSpec((BLOCK,) * 2, separate=1),
        lambda: CellSpec((BLOCK,), separate=None),
        lambda: Genotype(
            CellSpec((BLOCK,) * 2, separate=True), CellSpec((BLOCK,) * 2)
        ),
    ],
    "`normal`": [lambda: Genotype(None, CELL), lambda: Genotype(BLOCK, CELL)],
    "`reduction`": [
        lambda: Genotype(CELL, {}),
        lambda: Genotype(CELL, CellSpec((BLOCK,), inputs=3)),
    ],
    "`schema`": [
        lambda schema=schema: Genotype.from_dict(
            {**Genotype(CELL, CELL).to_dict(), "schema": schema}
        )
        for schema in (2, 0, True, 1.0, "1", None, [])
    ],
    "keys": [
        lambda: Genotype.from_dict({}),
        lambda: Genotype.from_dict({"schema": 1, 2: 3}),
        lambda: CellSpec.from_dict({"blocks": [], "kind": "normal"}),
        lambda: CellSpec.from_dict({"blocks": [{"inputs": [0, 1]}]}),
    ],
}


@pytest.mark.parametrize(
    ("named", "make"),
    [
        pytest.param(named, make, id=f"{named}-{number}")
        for named, rows in ERRORS.items()
        for number, make in enumerate(rows)
    ],
)
def test_errors_name_the_argument_and_show_the_value(named, make):
    with pytest.raises(ValueError) as error:
        make()
    text = str(error.value)
    assert named in text
    assert "Expected" in text
    assert "Received" in text or "Missing" in text
    assert "\n" not in text


# === Files ===


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "3",
        '"genotype"',
        "NaN",
        "{'schema': 1}",
        '{"schema": 1}',
        "9" * 5000,
        "\x00",
        b"\xff\xfe\xfa",
        None,
        3,
    ],
)
def test_what_is_no_genotype_is_a_value_error(text):
    with pytest.raises(ValueError):
        Genotype.from_json(text)


def test_deep_nesting_is_a_value_error():
    """Around the depth at which the parser, or the message, gives up."""
    limit = sys.getrecursionlimit()
    valid = json.dumps(Genotype(CELL, CELL).to_dict())
    for depth in [*range(limit - 100, limit, 3), 100 * limit]:
        lists = "[" * depth + "]" * depth
        for text in (
            lists,
            '{"a": ' * depth + "1" + "}" * depth,
            valid.replace('"unused"', lists),
            valid.replace('"identity"', lists),
            valid.replace("1", lists),
        ):
            with pytest.raises(ValueError):
                Genotype.from_json(text)


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 12)
    | st.floats()
    | st.sampled_from([*NASNET_OPERATIONS, *COMBINER_NAMES, "unused", "", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["schema", "normal", "blocks", "inputs", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


def places(value):
    """The container and the key of everything inside JSON data."""
    rows = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(rows):
        yield value, key
        if isinstance(inner, dict | list):
            yield from places(inner)


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(data=st.data())
def test_a_damaged_file_is_refused_or_still_a_genotype(data):
    """Whatever is put somewhere into a good one: never another error."""
    good = random_genotype(data.draw(st.integers(0, 20)), 2).to_dict()
    damaged = copy.deepcopy(good)
    container, key = data.draw(st.sampled_from(list(places(damaged))))
    container[key] = data.draw(JUNK)
    try:
        genotype = Genotype.from_json(json.dumps(damaged))
    except ValueError as error:
        assert str(error)
    else:
        assert Genotype.from_json(genotype.to_json()) == genotype
