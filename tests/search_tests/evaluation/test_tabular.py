import gzip
from pathlib import Path

import pytest

from search.evaluation.base import Child, EvaluationError
from search.evaluation.tabular import TabularEvaluator
from search.spaces.tabular import CellTable, TabularSpace, parse_cell

REAL = (
    Path(__file__).parents[4] / "shared/benchmarks/nasbench201_cifar10.csv.gz"
)


@pytest.fixture
def write(tmp_path):
    def write(text, name="table.csv"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def test_the_space_follows_from_the_cells(small_table):
    space = TabularSpace(CellTable(small_table))
    assert space.to_names((0, 1, 2)) == {
        "1/0/operation": "conv",
        "2/0/operation": "none",
        "2/1/operation": "skip",
    }
    assert [decision.group for decision in space.decisions] == [0, 1, 1]
    assert {decision.kind for decision in space.decisions} == {"operation"}
    assert (space.groups, space.size) == (2, 27)


def test_an_edge_has_the_choices_that_the_table_has_on_it(write):
    table = CellTable(
        write("arch,x\n|conv~0|+|a b~0|z~1|\n|conv~0|+|skip~0|conv~1|\n")
    )
    choices = [decision.choices for decision in TabularSpace(table).decisions]
    assert choices == [("conv",), ("a b", "skip"), ("conv", "z")]


def test_decode_and_encode_are_inverse(small_table):
    table = CellTable(small_table)
    space = TabularSpace(table)
    vectors = {space.encode(cell) for cell in table.rows}
    assert len(vectors) == 27
    assert {space.decode(vector) for vector in vectors} == set(table.rows)
    with pytest.raises(ValueError, match="Expected one of conv, none, skip"):
        space.encode("|pool~0|+|conv~0|conv~1|")
    with pytest.raises(ValueError, match="Expected the decisions of space"):
        space.encode("|conv~0|")


def test_a_reward_is_the_number_in_the_column(small_table):
    table = CellTable(small_table)
    evaluator = TabularEvaluator(table, "validation")
    cell = "|conv~0|+|conv~0|skip~1|"
    evaluation = evaluator.evaluate(Child(0, cell, 3))
    assert evaluation.reward == float(table.rows[cell]["validation"])
    assert evaluation.metrics == {"validation": evaluation.reward}
    with pytest.raises(EvaluationError, match="no cell '|pool~0|'"):
        evaluator.evaluate(Child(0, "|pool~0|", 3))


def test_the_description_tells_tables_and_columns_apart(small_table, write):
    one = CellTable(small_table)
    other = CellTable(write(small_table.read_text() + "\n"))
    descriptions = [
        TabularEvaluator(table, column).describe()
        for table in (one, other)
        for column in ("validation", "test")
    ]
    assert all(descriptions.count(each) == 1 for each in descriptions)


def test_reads_compressed_tables(small_table, tmp_path):
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(small_table.read_bytes()))
    assert CellTable(path).rows == CellTable(small_table).rows


@pytest.mark.parametrize(
    "text",
    [
        "",
        "conv",
        "|conv~0",
        "|conv~1|",
        "|conv~0|conv~0|",
        "|a~0||b~0|",
        "|~0|",
    ],
)
def test_refuses_what_is_no_cell(text):
    with pytest.raises(ValueError, match="Expected a cell such as"):
        parse_cell(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"Expected a column 'arch' among \(\)"),
        (
            "cell,x\n|a~0|,1\n",
            r"Expected a column 'arch' among \('cell', 'x'\)",
        ),
        ("arch,x\n", "Expected at least one row"),
        ("arch,x\n|a~0|,1\n|a~0|,2\n", r"each cell once, but has '\|a~0\|'"),
        ("arch\n" + 200_000 * "a", "can be read: field larger than"),
    ],
)
def test_refuses_what_is_no_table(write, text, message):
    with pytest.raises(ValueError, match=message):
        CellTable(write(text))


def test_refuses_a_row_that_ends_before_its_cell(write):
    with pytest.raises(ValueError, match="Expected a cell such as.*''"):
        TabularSpace(CellTable(write("x,arch\n1,|a~0|\n2\n")))


def test_refuses_files_that_cannot_be_read(write, tmp_path):
    for path in (tmp_path / "none.csv", write("arch,x\n", "plain.csv.gz")):
        with pytest.raises(ValueError, match="a CSV file that can be read"):
            CellTable(path)


@pytest.mark.parametrize("value", ["", "good", "nan"])
def test_refuses_a_column_without_numbers(write, value):
    table = CellTable(write(f"arch,x,y\n|a~0|,1,{value}\n"))
    assert table.values("x") == {"|a~0|": 1.0}
    with pytest.raises(ValueError, match="finite numbers in the column 'y'"):
        TabularEvaluator(table, "y")
    with pytest.raises(
        ValueError, match="a column 'z' among .'arch', 'x', 'y'"
    ):
        TabularEvaluator(table, "z")


def test_refuses_cells_of_different_edges(write):
    table = CellTable(write("arch,x\n|a~0|,1\n|a~0|+|a~0|a~1|,2\n"))
    with pytest.raises(ValueError, match="the same edges in every cell"):
        TabularSpace(table)


@pytest.mark.skipif(not REAL.exists(), reason="needs NAS-Bench-201's table")
def test_reads_nas_bench_201():
    table = CellTable(REAL)
    space = TabularSpace(table)
    assert len(table.rows) == space.size == 15625
    assert [decision.group for decision in space.decisions] == [
        0, 1, 1, 2, 2, 2,
    ]  # fmt: skip
    values = table.values("cifar10_val_accuracy_12_epochs")
    assert max(values.values()) == 84.892
