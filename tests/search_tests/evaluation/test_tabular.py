import gzip
import os

import pytest

from nasnet_keras.kinds.graphs.edge_cell import EdgeCell
from search.evaluation import tabular
from search.evaluation.base import Child, EvaluationError
from search.evaluation.tabular import ArchitectureTable, TabularEvaluator
from search.spaces import create_space
from search.spaces.nasbench201 import NASBench201Space
from search.testing.letter_space import LetterSpace

LETTERS = LetterSpace((3, 3))
EDGE = NASBench201Space(nodes=2)


@pytest.fixture
def write(tmp_path):
    def write(text, name="table.csv"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def test_a_reward_is_the_number_in_the_column(small_table, small_space):
    table = ArchitectureTable(small_table, small_space)
    assert len(table.rows) == small_space.size == 27
    evaluator = TabularEvaluator(table, "validation")
    cell = EdgeCell.from_text(
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|skip_connect~1|"
    )
    row = table.rows[small_space.encode(cell)]
    evaluation = evaluator.evaluate(Child(0, cell, 3))
    assert evaluation.reward == float(row["validation"])
    assert evaluation.metrics == {"validation": evaluation.reward}


def test_any_space_has_a_table_by_its_own_text(write):
    """By default the choices, joined by commas."""
    path = write('arch,loss\n"b,a",0.5\n"c,c",0.25\n')
    table = ArchitectureTable(path, LETTERS)
    assert table.values("loss") == {(1, 0): 0.5, (2, 2): 0.25}
    evaluator = TabularEvaluator(table, "loss")
    assert evaluator.evaluate(Child(0, "ba")).reward == 0.5
    with pytest.raises(EvaluationError, match="no loss of .*'a,b'"):
        evaluator.evaluate(Child(0, "ab"))


def test_fidelities_are_columns_and_not_all_rows_have_all(write):
    path = write('arch,short,long\n"b,a",1,\n"c,c",2,3\n"a,a",4,0\n')
    table = ArchitectureTable(path, LETTERS)
    assert table.values("short") == {(1, 0): 1, (2, 2): 2, (0, 0): 4}
    assert table.values("long") == {(2, 2): 3, (0, 0): 0}
    with pytest.raises(EvaluationError, match="no long of .*'b,a'"):
        TabularEvaluator(table, "long").evaluate(Child(0, "ba"))


def test_what_has_no_row_is_looked_up_by_what_is_the_same(write):
    """Two chains of an identity and a convolution, in another order."""
    space = NASBench201Space(nodes=3)
    texts = [
        f"|{one}~0|+|none~0|{two}~1|"
        for one, two in (
            ("skip_connect", "nor_conv_1x1"),
            ("nor_conv_1x1", "skip_connect"),
            ("nor_conv_3x3", "skip_connect"),
        )
    ]
    table = ArchitectureTable(write(f"arch,x\n{texts[0]},7\n"), space)
    evaluator = TabularEvaluator(table, "x")
    for text in texts[:2]:
        assert (
            evaluator.evaluate(Child(0, EdgeCell.from_text(text))).reward == 7
        )
    with pytest.raises(EvaluationError, match="The table has no x"):
        evaluator.evaluate(Child(0, EdgeCell.from_text(texts[2])))
    # A row of its own comes first.
    both = f"arch,x\n{texts[0]},7\n{texts[1]},8\n"
    evaluator = TabularEvaluator(ArchitectureTable(write(both), space), "x")
    assert rewards(evaluator, texts[:2]) == [7, 8]


def test_a_row_without_the_number_is_no_row(write):
    """Then an equal architecture has it, if one does; the same row tells
    another column."""
    space = NASBench201Space(nodes=3)
    texts = [
        f"|{one}~0|+|none~0|{two}~1|"
        for one, two in (
            ("skip_connect", "nor_conv_1x1"),
            ("nor_conv_1x1", "skip_connect"),
        )
    ]
    rows = f"arch,x,y\n{texts[0]},,5\n{texts[1]},7,6\n"
    table = ArchitectureTable(write(rows), space)
    evaluator = TabularEvaluator(table, "x")
    assert rewards(evaluator, texts) == [7, 7]
    row = evaluator.find(space.from_key(texts[0]))
    assert table.values("y")[row] == 6


def rewards(evaluator, texts):
    return [
        evaluator.evaluate(Child(0, EdgeCell.from_text(text))).reward
        for text in texts
    ]


@pytest.mark.parametrize(
    ("space", "rows"),
    [
        (NASBench201Space(nodes=3, operations=["none"]), 1),
        (NASBench201Space(nodes=3, operations=["none", "skip_connect"]), 8),
    ],
)
def test_rows_outside_a_restricted_space_are_left_out(small_table, space, rows):
    """Of another number of nodes too, which is no option of the default."""
    table = ArchitectureTable(small_table, space)
    assert len(table.rows) == rows
    note = f"{27 - rows} of the 27 rows of small.csv are outside the space"
    assert [each.startswith(note) for each in table.notes] == [True]
    assert TabularEvaluator(table, "test").notes == table.notes


def test_a_table_of_choices_is_restricted_too(write):
    full = create_space("nasnet", {"blocks": 2, "cells": 1})
    options = {"blocks": 2, "cells": 1, "operations": ["identity"]}
    options["combiners"] = ["add"]
    space = create_space("nasnet", options)
    key = space.to_key((0,) * 10)
    outside = full.to_key((1, 1, 4, 4, 1, 0, 0, 0, 0, 0))  # concatenates
    text = f'arch,x\n"{key}",1\n"{outside}",2\n'
    assert ",concat" in text
    table = ArchitectureTable(write(text), space)
    assert table.values("x") == {(0,) * 10: 1}
    assert ArchitectureTable(write(text), full).notes == ()
    with pytest.raises(ValueError, match="an architecture of .* in row 2"):
        ArchitectureTable(write(text.replace(",concat", ",multiply")), space)


def test_a_table_that_is_all_outside_is_refused(small_table):
    space = NASBench201Space(nodes=3, operations=["avg_pool_3x3"])
    with pytest.raises(ValueError, match="whose options exclude all 27"):
        ArchitectureTable(small_table, space)


def test_the_description_tells_tables_and_columns_apart(
    small_table, small_space, write
):
    one = ArchitectureTable(small_table, small_space)
    other = ArchitectureTable(
        write(small_table.read_text() + "\n"), small_space
    )
    descriptions = [
        TabularEvaluator(table, column).describe()
        for table in (one, other)
        for column in ("validation", "test")
    ]
    assert all(descriptions.count(each) == 1 for each in descriptions)


def test_reads_compressed_tables(small_table, small_space, tmp_path):
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(small_table.read_bytes()))
    rows = [
        ArchitectureTable(each, small_space).rows
        for each in (path, small_table)
    ]
    assert rows[0] == rows[1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"Expected a column 'arch' among \(\)"),
        (
            "cell,x\n|none~0|,1\n",
            r"Expected a column 'arch' among \('cell', 'x'\)",
        ),
        ("arch,x\n", "Expected at least one row"),
        (
            "arch,x\n|none~0|,1\n|none~0|,2\n",
            r"each architecture once, but has '\|none~0\|' twice",
        ),
        (
            "arch,x\n|none~0|,1\n|pool~0|,2\n",
            r"of the space 'nasbench201' in row 2.*Received: '\|pool~0\|'",
        ),
        ("x,arch\n1,|none~0|\n2\n", "in row 2.*Received: ''"),
        (
            "arch,x\n|none~0|+|none~0|none~1|,1\n",
            "in row 1. .*Expected the decisions",
        ),
        ("arch,x,x\n|none~0|,1,2\n", "each column once, but has 'x' twice"),
        ("arch,x\n|none~0|,1,2\n", "at most 2 fields in row 1; quote"),
        ("arch\n" + 200_000 * "a", "can be read: field larger than"),
    ],
)
def test_refuses_what_is_no_table(write, text, message):
    with pytest.raises(ValueError, match=message):
        ArchitectureTable(write(text), EDGE)


def test_refuses_files_that_cannot_be_read(write, tmp_path):
    for path in (tmp_path / "none.csv", write("arch,x\n", "plain.csv.gz")):
        with pytest.raises(ValueError, match="a CSV file that can be read"):
            ArchitectureTable(path, EDGE)


@pytest.mark.parametrize("value", ["", " ", "good", "nan", "1e999", "1_0"])
def test_refuses_a_column_without_numbers(write, value):
    table = ArchitectureTable(write(f"arch,x,y\n|none~0|,1,{value}\n"), EDGE)
    assert table.values("x") == {(1,): 1.0}
    with pytest.raises(ValueError, match="finite numbers in the column 'y'"):
        TabularEvaluator(table, "y")
    with pytest.raises(
        ValueError, match="a column 'z' among .'arch', 'x', 'y'"
    ):
        TabularEvaluator(table, "z")


@pytest.mark.parametrize("name", ["/dev/zero", "pipe", "loop", "."])
def test_what_is_no_file_is_not_waited_for(name, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ValueError, match="Expected a CSV file that can be re"):
        ArchitectureTable(tmp_path / name, EDGE)


def test_a_small_file_may_not_be_a_large_table(tmp_path, monkeypatch):
    monkeypatch.setattr(tabular, "MAX_BYTES", 1000)
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(b"arch,a\n" + b"|none~0|,1\n" * 100))
    with pytest.raises(ValueError, match="unfolds to more than"):
        ArchitectureTable(path, EDGE)
