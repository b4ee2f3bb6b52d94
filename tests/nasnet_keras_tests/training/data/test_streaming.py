import threading
import time

import numpy as np
import pytest

from nasnet_keras.training.data import streaming
from nasnet_keras.training.data.pipeline import (
    evaluation_pipeline,
    training_pipeline,
)
from nasnet_keras.training.data.streaming import (
    StreamedImages,
    in_channels,
    in_parallel,
    unreadable_told,
)

COUNT = 22
IMAGES = np.random.default_rng(0).integers(0, 256, (COUNT, 8, 8, 1), np.uint8)
LABELS = np.arange(COUNT, dtype=np.int32)


def read(row):
    time.sleep(0.001 * (row % 3))  # the first asked for is not the first there
    return IMAGES[row]


@pytest.fixture
def streamed():
    return StreamedImages(read, IMAGES.shape)


@pytest.mark.parametrize("places", [slice(3, 9), np.array([5, 2, 2]), 7])
def test_what_is_asked_for_is_read(streamed, places):
    np.testing.assert_array_equal(streamed[places], IMAGES[places])
    indices = np.array([20, 3, 11, 0, 1, 2, 9, 8, 7, 12])
    part = streamed.take(indices)
    assert len(part) == 10 and part.shape == (10, 8, 8, 1)
    np.testing.assert_array_equal(part[places], IMAGES[indices][places])


def test_grey_images_in_colour(streamed):
    colour = in_channels(streamed, 3)
    assert colour.shape == (COUNT, 8, 8, 3)
    np.testing.assert_array_equal(colour[2:5], in_channels(IMAGES[2:5], 3))


@pytest.mark.parametrize("first_epoch", [0, 2])
def test_batches_are_those_of_images_in_memory(streamed, first_epoch):
    arguments = {"batch_size": 5, "cutout": 2, "first_epoch": first_epoch}
    pipelines = [
        training_pipeline(images, LABELS, **arguments)
        for images in (IMAGES, streamed)
    ]
    assert pipelines[0].element_spec == pipelines[1].element_spec
    for one, other in zip(*(each.take(9) for each in pipelines), strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_what_is_measured_on_is_the_same(streamed):
    pipelines = [
        evaluation_pipeline(images, LABELS, 5) for images in (IMAGES, streamed)
    ]
    for one, other in zip(*pipelines, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_little_is_read_before_it_is_asked_for():
    begun = []

    def double(number):
        begun.append(number)
        return 2 * number

    results = in_parallel(double, iter(range(10**9)))
    assert [next(results) for _ in range(3)] == [0, 2, 4]
    results.close()
    assert len(begun) <= 3 + streaming.AHEAD + 1


def test_several_threads_read():
    together = threading.Barrier(3, timeout=20)
    assert len(list(in_parallel(lambda _: together.wait(), range(3)))) == 3


def test_an_image_that_cannot_be_read_is_named():
    def fail(row):
        raise OSError("'cat/7.png' (cut short)")

    images = StreamedImages(fail, IMAGES.shape)
    with pytest.raises(ValueError, match="Received: 'cat/7.png' .cut short"):
        with unreadable_told(IMAGES, images):
            list(evaluation_pipeline(images, LABELS))
    with pytest.raises(KeyError):
        with unreadable_told(IMAGES, None):
            raise KeyError
