"""Images that belong together, by the names of their files."""

import numpy as np
import pytest

from nasnet_keras.training.data.datasets import ImageDataset, LabelledImages
from nasnet_keras.training.data.groups import grouped, groups_of
from nasnet_keras.training.data.splits import split, with_test


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (["a/patient1_1.jpg", "b/patient1_2.jpg", "a/patient12_1.jpg"], "001"),
        (["a/Sub-01/1.png", "a/sub-01/2.png", "b/sub-2/1.png"], "001"),
        (["scan video 3 x.png", "scan video 4.png", "video03.png"], "010"),
    ],
)
def test_words_before_numbers(names, numbers):
    groups = groups_of(np.array(names), np.array([0, 1, 1]))
    assert groups.numbers.tolist() == [int(digit) for digit in numbers]
    assert groups.total == 2


@pytest.mark.parametrize(
    "names",
    [
        ["a/patient1_1.jpg", "a/patient1_2.jpg", "b/3.jpg"],  # not all
        ["patient1.jpg", "patient2.jpg"],  # each its own
        ["patient1_1.jpg", "patient1_2.jpg"],  # all the same
        ["IMG_20200101_1.jpg", "IMG_20200101_2.jpg", "IMG_20200102_1.jpg"],
        ["n01440764_1.jpg", "n01440764_2.jpg", "n01443537_1.jpg"],  # classes
        ["impatient1_1.jpg", "impatient1_2.jpg", "impatient2_1.jpg"],
        ["person/1.jpg", "person/2.jpg", "case/1.jpg"],
        ["patient1_1.jpg", "patient1_2.jpg", "case2_1.jpg"],
    ],
)
def test_other_names_tell_nothing(names):
    labels = np.arange(len(names)) % 2
    assert groups_of(np.array(names), labels) is None


def test_classes_are_no_groups():
    """Folders of faces, of scenes: each class is a number."""
    names = [f"train/person_{row // 4}/{row}.jpg" for row in range(12)]
    labels = np.arange(12) // 4
    assert groups_of(np.array(names), labels) is None
    assert groups_of(np.array(names), labels % 2).total == 3


def test_names_of_classes_say_nothing():
    """Numbers of plants in them, and clips within scenes."""
    names = [f"train/plant{row % 3}_rust/{row}.jpg" for row in range(12)]
    assert groups_of(np.array(names), np.arange(12) % 3) is None
    names = [f"scene{row % 2}/clip{row // 4}_{row}.jpg" for row in range(12)]
    groups = groups_of(np.array(names), np.arange(12) % 2)
    assert (groups.word, groups.total) == ("clip", 3)


def test_a_class_is_never_held_out_whole():
    labels, numbers = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 2, 2])
    for seed in range(9):
        held_out = grouped(labels, numbers, 4, seed)
        assert 0 < len(held_out) <= 4
        assert 1 not in labels[held_out]


def test_each_class_is_measured_on():
    """Where the groups of one are larger than its share, too."""
    ill = np.repeat(np.arange(5), 40)
    labels = np.repeat([0, 1], 200)
    numbers = np.concatenate([ill, 5 + np.repeat(np.arange(100), 2)])
    for seed in range(3):
        held_out = grouped(labels, numbers, 40, seed)
        assert np.bincount(labels[held_out]).tolist() == [40, 20]


def a_dataset(patients=30, images=4):
    rng = np.random.default_rng(0)
    count = patients * images
    return ImageDataset(
        "photographs",
        LabelledImages(
            rng.integers(0, 256, (count, 4, 4, 1), np.uint8),
            (np.arange(count) % 2).astype(np.int32),
            np.array(
                [
                    f"{row % 2}/patient{row // images}_{row}.png"
                    for row in range(count)
                ],
                object,
            ),
        ),
        ("0", "1"),
    )


def test_groups_stay_together():
    dataset = with_test(a_dataset())
    parts = split(dataset, 20)
    shares = [dataset.test, parts.validation, parts.train]
    found = [{name.split("_")[0][2:] for name in part.files} for part in shares]
    assert all(found)
    assert sum(map(len, found)) == len(set().union(*found)) == 30
    assert 8 <= len(dataset.test) <= 12
    assert 16 <= len(parts.validation) <= 20


def test_groups_that_are_too_large():
    with pytest.raises(ValueError, match="Expected of each class some patient"):
        split(a_dataset(patients=2, images=40), 4)
