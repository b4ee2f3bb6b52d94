import pytest

import zoo
from zoo.comparison import COMPARED, table
from zoo.presets import PRESETS


def test_rows_are_the_papers_the_best_first():
    rows = {row.title: row for row in table().rows}
    large = rows["NASNet-A (6 @ 4032), Large"]
    assert (large.score, large.accuracy) == (82.7, "82.7 / 96.2")
    assert large.parameters == 88_753_150
    senet = rows["SENet"]
    assert (senet.name, senet.parameters) == (None, 145_800_000)
    assert (senet.score, senet.multiply_adds) == (82.7, 42_300_000_000)
    scores = [row.score for row in table().rows]
    assert scores == sorted(scores, reverse=True)
    assert COMPARED.keys() < rows.keys()


def test_errors_on_cifar10_are_the_least_first():
    rows = table("cifar10").rows
    assert [row.score for row in rows] == sorted(row.score for row in rows)
    by_name = {row.name: row for row in rows}
    assert by_name["nasnet_a_cifar"].score == 3.41
    assert all(PRESETS[row.name].classes == 10 for row in rows)
    # What was trained here is of no paper.
    assert "nasnet_a_cifar_nano" not in by_name


def test_a_table_in_markdown_and_as_a_picture(tmp_path):
    shown = zoo.table()
    lines = shown.markdown().splitlines()
    assert len(lines) == 2 + len(shown.rows)
    row = "| MobileNet | 4.2M | 569M | 70.6 / 89.5 |"
    assert any(line.startswith(row) for line in lines)
    figure = shown.draw(tmp_path / "table.png")
    assert (tmp_path / "table.png").stat().st_size > 10_000
    parameters, products = figure.axes
    points = sum(len(each.get_offsets()) for each in parameters.collections)
    assert points == len(shown.rows)
    titles = {text.get_text() for text in parameters.texts}
    assert "ShuffleNet 2x" in titles < {row.title for row in shown.rows}
    assert products.get_xlabel() == "multiply-adds"


@pytest.mark.parametrize("path", ["nowhere/table.png", "table.bmp", 3])
def test_a_path_that_takes_no_picture(path):
    with pytest.raises(ValueError, match="argument `path`. Expected a"):
        zoo.table().draw(path)


@pytest.mark.parametrize("dataset", ["coco", ["imagenet"], None])
def test_another_data_set_is_a_sentence(dataset):
    with pytest.raises(ValueError, match="`dataset`.*Received: dataset="):
        table(dataset)
