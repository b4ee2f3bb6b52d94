import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from nasnet_keras.drawing.draw import STATE_COLOURS, draw_cell, draw_genotype
from nasnet_keras.genotype import MAX_BLOCKS, OPERATION_NAMES, Block, CellSpec
from nasnet_keras.published import NASNET_A, NASNET_B


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_a_cell_shows_its_operations_inputs_and_output():
    shown = texts(draw_cell(NASNET_A.normal, title="NASNet-A"))
    assert shown.count("sep\n3x3") == 3
    assert shown.count("avg\n3x3") == 3
    assert shown.count("identity") == 2
    assert shown.count("add") == 5
    assert {"$h_{i}$", "$h_{i-1}$", "$h_{i+1}$", "NASNet-A"} <= set(shown)
    assert {str(state) for state in range(7)} <= set(shown)


def test_separate_outputs_are_shown_one_by_one():
    shown = texts(draw_cell(NASNET_B.normal))
    assert "filter concatenation" not in shown
    for state in range(4):
        assert {f"$h_{{{state}}}$", f"$h'_{{{state}}}$"} <= set(shown)


@pytest.mark.parametrize("name", OPERATION_NAMES)
def test_labels_fit_their_boxes(name):
    figure = draw_cell(CellSpec((Block((0, 1), (name, name), "concat"),)))
    renderer = FigureCanvasAgg(figure).get_renderer()
    frames = [
        patch.get_window_extent(renderer)
        for patch in figure.axes[0].patches
        if patch.get_fill()
    ]
    labels = [
        text.get_window_extent(renderer)
        for text in figure.axes[0].texts
        if not text.get_text().isdigit()
    ]
    assert len(labels) == len(frames) == 7
    for label in labels:
        assert any(
            frame.x0 <= label.x0
            and label.x1 <= frame.x1
            and frame.y0 <= label.y0
            and label.y1 <= frame.y1
            for frame in frames
        )


def test_families_of_operations_have_colours_of_their_own():
    def face(name):
        figure = draw_cell(CellSpec((Block((0, 1), (name, name)),)))
        patches = [p for p in figure.axes[0].patches if p.get_fill()]
        return {patch.get_facecolor() for patch in patches} - {(1, 1, 1, 1)}

    assert face("sep_conv_3x3") == face("sep_conv_7x7") != set()
    kinds = ("identity", "sep_conv_3x3", "conv_1x1", "dil_conv_3x3")
    kinds += ("avg_pool_3x3", "max_pool_3x3")
    assert len(set.union(*map(face, kinds))) == len(kinds)


def test_every_hidden_state_has_a_colour_of_its_own():
    assert len(set(STATE_COLOURS)) == len(STATE_COLOURS) == 2 + MAX_BLOCKS


@pytest.mark.parametrize("suffix", ["svg", "png", "SVG"])
def test_the_same_cell_gives_the_same_file(tmp_path, suffix):
    paths = [tmp_path / f"{name}.{suffix}" for name in "ab"]
    for path in paths:
        draw_genotype(NASNET_A, path)
    first, second = (path.read_bytes() for path in paths)
    assert first == second


def test_svg_is_without_a_date(tmp_path):
    path = tmp_path / "cell.svg"
    draw_cell(NASNET_A.reduction, str(path), "Reduction cell")
    text = path.read_text()
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert "<dc:date>" not in text


def test_png_is_a_picture(tmp_path):
    draw_genotype(NASNET_A, tmp_path / "cells.png")
    with Image.open(tmp_path / "cells.png") as image:
        pixels = np.asarray(image.convert("L"))
    assert pixels.shape[1] > pixels.shape[0] > 500
    assert 0.5 < (pixels == 255).mean() < 0.99
    border = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
    assert all((edge == 255).all() for edge in border)


def test_a_long_title_fits_a_narrow_cell():
    spec = CellSpec((Block((0, 0), ("identity", "identity")),), inputs=1)
    figure = draw_cell(spec, title="The reduction cell of trial number 12345")
    renderer = FigureCanvasAgg(figure).get_renderer()
    title = figure.axes[0].texts[-1].get_window_extent(renderer)
    assert 0 < title.x0 and title.x1 < figure.bbox.width


def test_both_cells_are_drawn(tmp_path):
    figure = draw_genotype(NASNET_A, tmp_path / "cells.svg")
    assert isinstance(figure, Figure)
    assert {"Normal cell", "Reduction cell"} <= set(texts(figure))
    assert (tmp_path / "cells.svg").stat().st_size > 0


def test_a_notebook_shows_the_figure():
    picture = draw_cell(NASNET_A.normal)._repr_png_()
    assert picture.startswith(b"\x89PNG")


@pytest.mark.parametrize("path", ["cell.pdf", "cell", Path("cell.svg.txt")])
def test_other_formats_are_refused(path):
    with pytest.raises(ValueError, match=r"\.png or \.svg"):
        draw_cell(NASNET_A.normal, path)


def test_a_cell_is_no_genotype():
    with pytest.raises(ValueError, match="`draw_genotype` draws both"):
        draw_cell(NASNET_A)
    with pytest.raises(ValueError, match="`draw_cell` draws one cell"):
        draw_genotype(NASNET_A.normal)


def test_pyplot_and_settings_are_left_alone(tmp_path):
    before = dict(matplotlib.rcParams)
    draw_cell(NASNET_A.normal, tmp_path / "cell.svg")
    assert dict(matplotlib.rcParams) == before
    code = (
        "import sys\n"
        "from nasnet_keras.published import NASNET_A\n"
        "from nasnet_keras.drawing.draw import draw_genotype\n"
        f"draw_genotype(NASNET_A, {str(tmp_path / 'cells.png')!r})\n"
        "heavy = {'keras', 'tensorflow', 'matplotlib.pyplot'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
