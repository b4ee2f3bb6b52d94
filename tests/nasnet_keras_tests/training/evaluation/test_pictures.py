import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from nasnet_keras.training.evaluation.evaluate import NetworkEvaluation
from nasnet_keras.training.evaluation.pictures import (
    draw_confusion,
    draw_mistakes,
)


def evaluation_of(classes, labels, predictions):
    """Each image is taken for its prediction, the first at the lowest
    confidence."""
    share = np.linspace(0.6, 0.9, len(labels))[:, None]
    probabilities = (1 - share) / classes + share * np.eye(classes)[predictions]
    names = tuple(
        f"class ${number} of many others" for number in range(classes)
    )
    return NetworkEvaluation(names, np.array(labels), probabilities)


def drawn(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(int)


def test_right_is_blue_and_wrong_is_orange():
    figure = draw_confusion(evaluation_of(3, [0, 0, 1, 2], [0, 2, 1, 2]))
    (axes,) = figure.axes
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    # By column and row; the cells without images are left empty.
    assert texts == {(0, 0): "1", (2, 0): "1", (1, 1): "1", (2, 2): "1"}
    pixels = drawn(figure)

    def colour(column, row):
        x, y = axes.transData.transform((column + 0.3, row + 0.3))
        return pixels[round(len(pixels) - y), round(x)]

    red, _, blue = colour(2, 2)
    assert blue > red
    red, _, blue = colour(2, 0)
    assert red > blue
    assert (colour(0, 2) == 255).all()


@pytest.mark.parametrize("classes", [2, 21, 100])
def test_what_cannot_be_read_is_left_out(classes):
    everything = np.arange(classes)
    (axes,) = draw_confusion(
        evaluation_of(classes, everything, everything)
    ).axes
    assert bool(axes.texts) is (classes <= 20)
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert (r"class \$1 of man…" in names) is (classes <= 60)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_worst_mistakes_come_first(channels):
    labels = [0, 1, 0, 1]
    images = np.zeros((4, 6, 6, channels), np.uint8)
    images[2] = 255
    evaluation = evaluation_of(2, labels, [0, 1, 1, 0])
    first, second, *others = draw_mistakes(evaluation, images).axes
    assert first.get_title() == (
        "class \\$1 of man…\n→ class \\$0 of man…, 95%"
    )
    assert first.images[0].get_array().max() == 0
    assert second.images[0].get_array().min() == 255
    assert not any(axes.images for axes in others)


def test_of_many_mistakes_there_are_25():
    labels = np.zeros(40, int)
    figure = draw_mistakes(
        evaluation_of(2, labels, labels + 1), np.zeros((40, 2, 2, 1), np.uint8)
    )
    assert sum(bool(axes.images) for axes in figure.axes) == 25


def test_where_there_is_no_mistake_the_picture_says_so():
    evaluation = evaluation_of(2, [0, 1], [0, 1])
    figure = draw_mistakes(evaluation, np.zeros((2, 4, 4, 1), np.uint8))
    assert figure.get_suptitle() == "Every image is classified rightly."
    assert drawn(figure).min() < 255
