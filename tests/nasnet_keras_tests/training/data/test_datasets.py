import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nasnet_keras.training.data.datasets import (
    ImageDataset,
    LabelledImages,
    load_dataset,
    resolve_source,
)


def images(count, value=0, shape=(2, 2, 1)):
    return np.full((count, *shape), value, np.uint8)


def labels(*values):
    return np.array(values, np.int32)


def test_importing_loads_no_framework():
    code = (
        "import sys, nasnet_keras.training.data.splits\n"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'PIL',"
        " 'tensorflow_datasets'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_test_images_are_read_once_and_only_when_asked_for():
    calls = []

    def read_test():
        calls.append(1)
        return images(2), labels(0, 1)

    dataset = ImageDataset(
        "d", LabelledImages(images(2), labels(0, 1)), ("a", "b"), read_test
    )
    assert not calls
    assert len(dataset.test) == len(dataset.test) == 2
    assert len(calls) == 1


def test_test_images_must_fit_the_training_images():
    train = LabelledImages(images(2), labels(0, 1))
    dataset = ImageDataset(
        "d",
        train,
        ("a", "b"),
        lambda: (images(1, shape=(3, 3, 1)), labels(0)),
    )
    with pytest.raises(ValueError, match=r"Expected the shape \(2, 2, 1\)"):
        _ = dataset.test
    dataset = ImageDataset(
        "d", train, ("a", "b"), lambda: (images(1), labels(2))
    )
    with pytest.raises(ValueError, match="Invalid test labels"):
        _ = dataset.test


@pytest.mark.parametrize(
    "values, message",
    [
        ((0, 1, 3), "Expected 0 to 2"),
        ((-1, 0, 1), "Expected 0 to 2"),
        ((0, 1, 1), "none of 2 'c'; give"),
    ],
)
def test_bad_labels(values, message):
    with pytest.raises(ValueError, match=message):
        ImageDataset(
            "d", LabelledImages(images(3), labels(*values)), ("a", "b", "c")
        )


def test_images_must_be_uint8_with_a_label_each():
    with pytest.raises(ValueError, match="Expected uint8 images"):
        LabelledImages(images(2).astype(np.float32), labels(0, 1))
    with pytest.raises(ValueError, match="Expected one label for each of 2"):
        LabelledImages(images(2), labels(0))


@pytest.mark.parametrize(
    "source, hint",
    [
        ("cifra10", "Did you mean 'cifar10'"),
        ("digit", "Did you mean 'digits'"),
        ("./cifar10", "which is none of them"),
        ("x" * 100_000, "which is none of them"),
        (Path("absent") / "data.npz", "which is none of them"),
    ],
)
def test_unknown_source(source, hint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="argument `source`") as error:
        load_dataset(source)
    assert hint in str(error.value)
    assert ".npz" in str(error.value) and "folder" in str(error.value)


def test_a_pair_of_arrays_is_a_source():
    dataset = load_dataset((images(4), labels(0, 1, 0, 1)), image_size=3)
    assert dataset.train.images.shape[:3] == (4, 3, 3)
    assert dataset.train.labels.tolist() == [0, 1, 0, 1]
    assert dataset.class_names == ("0", "1")
    assert dataset.notes[0] == "arrays: 2 classes; images: 4 to train on " + (
        "(images)."
    )


@pytest.mark.parametrize("pair", [tuple, list])
def test_two_pairs_are_to_train_and_to_test_on(pair):
    dataset = load_dataset(
        pair(
            (
                pair((images(4), labels(0, 1, 0, 1))),
                pair((images(2), labels(1, 0))),
            )
        )
    )
    assert len(dataset.train) == 4
    assert dataset.test.labels.tolist() == [1, 0]
    # Lists of two images, and of their labels, are a pair.
    dataset = load_dataset(pair(([*images(2)], [0, 1])))
    assert len(dataset.train) == 2 and dataset.test is None


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (([[1, 2], [3]], [0, 1]), "images of several shapes"),
        ((), "of type tuple"),
        ("", "of type str, ''"),
        (b"digits", "of type bytes, b'digits'"),
        (np.zeros((4, 4)), "a pair of arrays, images and labels. .*ndarray"),
        ((images(2), labels(0, 1), 3), "of type tuple"),
        ((images(2), labels(0)), "Expected one label for each of 2"),
        ((None, labels(0)), "Invalid array `images`.*object"),
    ],
)
def test_other_values_are_none(arrays, message):
    with pytest.raises(ValueError, match=message):
        load_dataset(arrays)


@pytest.mark.parametrize("name", ["digits", "cifar10"])
def test_a_folder_of_images_comes_before_a_data_set_of_its_name(
    tmp_path, monkeypatch, name
):
    monkeypatch.chdir(tmp_path)
    for label in "ab":
        (tmp_path / name / label).mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(tmp_path / name / label / "1.png")
    assert resolve_source(name) == str(tmp_path / name)
    assert load_dataset(name).class_names == ("a", "b")


def test_uneven_classes_and_another_size_are_told(tmp_path):
    labels = np.array([0] * 60 + [1] * 10)
    path = tmp_path / "data.npz"
    np.savez(path, images=images(70, shape=(40, 30, 3)), labels=labels)
    size, uneven = load_dataset(path, image_size=8).notes[-2:]
    assert size.startswith("The images, 30 x 40 pixels, are brought to 8 x 8;")
    assert uneven == "The classes are uneven: 60 images of '0', 10 of '1'."
    np.savez(path, images=images(70, shape=(8, 8, 3)), labels=np.arange(70) % 2)
    assert len(load_dataset(path, image_size=8).notes) == 2  # dark, and read


@pytest.mark.parametrize("image_size", [0, -8, 8.5, True])
def test_bad_image_size(image_size):
    with pytest.raises(ValueError, match="`image_size`"):
        load_dataset("digits", image_size=image_size)


def test_a_sample_keeps_the_classes_in_proportion():
    sample = load_dataset("digits", train_images=100, seed=3)
    assert np.bincount(sample.train.labels).tolist() == [10] * 10
    same = load_dataset("digits", train_images=100, seed=3)
    other = load_dataset("digits", train_images=100, seed=4)
    assert np.array_equal(sample.train.images, same.train.images)
    assert not np.array_equal(sample.train.images, other.train.images)
    assert len(sample.test) == 359


@pytest.mark.large
def test_cifar10(cifar10_folder):
    dataset = load_dataset("cifar10", data_dir=cifar10_folder)
    assert dataset.image_shape == (32, 32, 3)
    assert dataset.class_names[:2] == ("airplane", "automobile")
    assert np.bincount(dataset.train.labels).tolist() == [5000] * 10
    assert np.bincount(dataset.test.labels).tolist() == [1000] * 10
    # The known mean of red, green and blue, give or take what copies of the
    # data set with JPEG images lose.
    means = dataset.train.images.mean(axis=(0, 1, 2)) / 255
    np.testing.assert_allclose(means, [0.4914, 0.4822, 0.4465], atol=0.01)


def test_a_path_is_written_down_whole_and_a_name_as_it_is(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for folder in ("digits", "cifar10", "mine"):
        (tmp_path / folder).mkdir()
    (tmp_path / "images.npz").touch()
    assert resolve_source("digits") == "digits"
    assert resolve_source("cifar10") == "cifar10"
    assert resolve_source("./digits") == str(tmp_path / "digits")
    assert resolve_source(Path("cifar10")) == str(tmp_path / "cifar10")
    assert resolve_source("mine") == str(tmp_path / "mine")
    assert resolve_source("images.npz") == str(tmp_path / "images.npz")
    assert resolve_source("nowhere") == "nowhere"
