import pytest

import zoo
from nasnet_keras.architectures import find_kind
from zoo.comparison import COMPARED, Table, table
from zoo.presets import PRESETS


def test_rows_are_the_papers_the_best_first():
    rows = {row.title: row for row in table().rows}
    large = rows["NASNet-A (6 @ 4032), Large"]
    assert (large.score, large.accuracy) == (82.7, "82.7 / 96.2")
    assert large.parameters == 88_753_150
    scores = [row.score for row in table().rows]
    assert scores == sorted(scores, reverse=True)
    assert {row.title for row in COMPARED} < rows.keys()


def test_what_nasnet_was_compared_with_has_our_counts():
    senet, shufflenet, mobilenet, *_ = COMPARED
    assert (senet.score, senet.parameters) == (82.7, 115_088_984)
    preset = PRESETS[senet.name]
    arguments = {**preset.network_arguments(), "input_shape": (320, 320, 3)}
    count = find_kind(preset.kind).complexity(preset.architecture, **arguments)
    assert senet.multiply_adds == count.multiply_adds
    assert (shufflenet.score, shufflenet.parameters) == (70.9, 5_449_776)
    recount = PRESETS[shufflenet.name].recount
    assert shufflenet.multiply_adds == recount.multiply_adds
    assert (mobilenet.name, mobilenet.parameters) == (None, 4_200_000)


def test_other_networks_have_the_costs_that_papers_print():
    rows = {row.title: row for row in COMPARED if row.name is None}
    resnext = rows["ResNeXt-101"]
    assert (resnext.score, resnext.accuracy) == (80.9, "80.9 / 95.6")
    assert (resnext.parameters, resnext.multiply_adds) == (84e6, 32e9)
    assert {"Inception-v3", "EfficientNet-B7"} < rows.keys()
    # Its authors print its costs beside their code.
    dual_path = rows.pop("DPN-131, 224 x 224")
    assert (dual_path.score, dual_path.multiply_adds) == (80.07, 16e9)
    assert dual_path.source.startswith("https://github.com/cypw/DPNs")
    assert all("arxiv.org" in row.source for row in rows.values())


def test_detectors_on_coco_are_those_of_the_text():
    shown = table("coco")
    assert [(row.name, row.score) for row in shown.rows] == [
        ("nasnet_large", 43.1),
        ("nasnet_large", 40.7),
        ("nasnet_mobile", 29.6),
    ]
    assert shown.rows[0].parameters == 88_753_150
    assert "| 88.8M | – | 40.7 |" in shown.markdown()
    # Multiply-adds are not known for images of these sizes.
    (panel,) = shown.draw().axes
    assert panel.get_xlabel() == "parameters"


def test_accuracies_of_logs_say_so():
    rows = {row.name: row for row in table().rows}
    for target in ("cpu", "gpu", "mobile"):
        assert "logs of" in rows[f"proxylessnas_{target}"].source


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
    assert (
        "ShuffleNet, 3 groups, 2x" in titles < {row.title for row in shown.rows}
    )
    assert products.get_xlabel() == "multiply-adds"


def test_latencies_are_measured_here():
    shown = zoo.table().measured(most_multiply_adds=100e6)
    timed = {row.name: row.latency for row in shown.rows if row.latency}
    assert timed.keys() == {"mnasnet_small"}
    assert 0 < timed["mnasnet_small"] < 10
    head, _, *lines = shown.markdown().splitlines()
    assert "| multiply-adds | latency | published |" in head
    assert sum(" ms | " in line for line in lines) == 1
    assert {line.count(" | ") for line in lines} == {head.count(" | ")}
    *_, panel = shown.draw().axes
    assert panel.get_xlabel() == "seconds for an image"
    assert sum(len(each.get_offsets()) for each in panel.collections) == 1


def test_a_network_for_other_images_is_not_timed():
    # SENet's row is of 320 x 320; a detector's costs are not known.
    for dataset, name in (("imagenet", "senet_154"), ("coco", "nasnet_mobile")):
        rows = [row for row in table(dataset).rows if row.name == name]
        (row,) = Table(dataset, tuple(rows)).measured().rows
        assert row.latency is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"runtime": "abacus"}, "Expected one of openvino, onnx"),
        ({"most_multiply_adds": "3e10"}, "`most_multiply_adds`. Expected a"),
    ],
)
def test_what_cannot_be_measured_is_said_at_once(arguments, message):
    with pytest.raises(ValueError, match=message):
        zoo.table().measured(**arguments)


@pytest.mark.parametrize("path", ["nowhere/table.png", "table.bmp", 3])
def test_a_path_that_takes_no_picture(path):
    with pytest.raises(ValueError, match="argument `path`. Expected a"):
        zoo.table().draw(path)


@pytest.mark.parametrize("dataset", ["cifar100", ["imagenet"], None])
def test_another_data_set_is_a_sentence(dataset):
    with pytest.raises(ValueError, match="`dataset`.*Received: dataset="):
        table(dataset)
