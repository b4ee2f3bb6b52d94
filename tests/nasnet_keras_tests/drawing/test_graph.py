import matplotlib.colors
from matplotlib.patches import FancyBboxPatch

from nasnet_keras.drawing.draw import FAMILY_COLOURS, PAPER
from nasnet_keras.drawing.graph import GraphBox, draw_edges, draw_graph


def parts(figure):
    """Labels, colours of the boxes, and how many lines there are."""
    (axes,) = figure.axes
    boxes = [each for each in axes.patches if isinstance(each, FancyBboxPatch)]
    colours = [matplotlib.colors.to_hex(box.get_facecolor()) for box in boxes]
    labels = [text.get_text() for text in axes.texts]
    return labels, colours, len(axes.patches) - len(boxes)


def test_every_box_and_every_line_is_drawn():
    figure = draw_graph(
        [
            GraphBox("image"),
            GraphBox("first", (0,), "relu_conv_3x3"),
            GraphBox("second", (0, 1), "max_pool_3x3"),
            GraphBox("last", (0, 2)),
        ]
    )
    labels, colours, lines = parts(figure)
    assert labels == ["image", "first", "second", "last"]
    assert colours == [
        *(PAPER, FAMILY_COLOURS["conv"], FAMILY_COLOURS["max_pool"], PAPER),
    ]
    assert lines == 5


def test_lines_lie_within_the_picture():
    boxes = [GraphBox("image"), *(GraphBox("", range(n)) for n in range(1, 9))]
    (axes,) = draw_graph(boxes).axes
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    for patch in axes.patches:
        extent = patch.get_path().get_extents(patch.get_patch_transform())
        assert left <= extent.xmin and extent.xmax <= right
        assert low <= extent.ymin and extent.ymax <= high


def test_operations_on_edges_are_boxes_but_identities():
    edges = {(0, 1): "sep_conv_3x3", (0, 2): "skip", (1, 2): "avg_pool_3x3"}
    labels, _, lines = parts(draw_edges(edges, "add", ("skip",), range(3)))
    assert labels == [
        *("input", "sep_conv_3x3", "1:  add", "avg_pool_3x3", "2:  add"),
    ]
    assert lines == 5


def test_an_output_that_nothing_reaches_has_no_line():
    for edges in ({}, {(1, 2): "a"}):
        labels, colours, lines = parts(draw_edges(edges, "add", (), range(3)))
        assert labels == ["input", "2:  add"]
        assert colours == [PAPER, PAPER]
        assert lines == 0


def test_what_an_operation_without_a_source_makes_is_left_out():
    labels, _, _ = parts(
        draw_edges({(0, 2): "a", (1, 2): "b"}, "add", (), range(3))
    )
    assert labels == ["input", "a", "2:  add"]
