import numpy as np
import pytest

from nasnet_keras.training.data.datasets import load_dataset

IMAGES = np.arange(6 * 4 * 4 * 3, dtype=np.uint16).astype(np.uint8)
IMAGES = IMAGES.reshape(6, 4, 4, 3)
LABELS = np.array([0, 1, 2, 0, 1, 2])


@pytest.fixture
def save(tmp_path):
    def save(**arrays):
        np.savez(tmp_path / "data.npz", **arrays)
        return tmp_path / "data.npz"

    return save


def test_train_and_test(save):
    path = save(
        x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:2], y_test=LABELS[:2]
    )
    dataset = load_dataset(str(path))
    assert dataset.name == str(path)
    assert np.array_equal(dataset.train.images, IMAGES)
    assert dataset.train.labels.tolist() == LABELS.tolist()
    assert dataset.class_names == ("0", "1", "2")
    assert np.array_equal(dataset.test.images, IMAGES[:2])


def test_images_and_labels_alone(save):
    path = save(
        images=IMAGES,
        labels=LABELS[:, np.newaxis],
        class_names=["cat", "dog", "eel"],
    )
    dataset = load_dataset(path, train_images=3, image_size=2)
    assert dataset.class_names == ("cat", "dog", "eel")
    assert dataset.image_shape == (2, 2, 3)
    assert sorted(dataset.train.labels) == [0, 1, 2]
    assert dataset.test is None


def test_no_test_image_is_no_test_set(save):
    path = save(
        x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:0], y_test=LABELS[:0]
    )
    assert load_dataset(path).test is None


@pytest.mark.parametrize(
    "images",
    [
        IMAGES[..., 0],
        IMAGES[..., 0].astype(np.int64),
        IMAGES[..., 0].astype(np.float32),
        IMAGES[..., 0] / 255,
    ],
)
def test_grey_images_of_any_type(save, images):
    # 255 must be there, or floating values would not tell their range.
    images = np.concatenate([images, np.full_like(images[:1], images.max())])
    images[-1, 0, 0] = 1.0 if images.max() <= 1 else 255
    labels = np.append(LABELS, 0)
    dataset = load_dataset(save(images=images, labels=labels))
    assert dataset.train.images.dtype == np.uint8
    assert np.array_equal(dataset.train.images[:6, ..., 0], IMAGES[..., 0])


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"x": IMAGES}, "Received: x."),
        ({"x_train": IMAGES, "labels": LABELS}, "Expected the arrays"),
        ({"images": IMAGES[0, 0], "labels": LABELS}, "Invalid array `images`"),
        ({"images": IMAGES * 2.0, "labels": LABELS}, "values from 0 to 255"),
        ({"images": IMAGES * np.nan, "labels": LABELS}, "values from 0 to"),
        ({"images": IMAGES, "labels": np.eye(6)}, "Invalid array `labels`"),
        ({"images": IMAGES, "labels": LABELS / 1}, "Invalid array `labels`"),
        ({"images": IMAGES, "labels": LABELS[:5]}, "label for each of 6"),
        (
            {"images": IMAGES, "labels": LABELS, "class_names": "cat"},
            "one of the 1 classes",
        ),
        ({"images": IMAGES, "labels": LABELS + 1}, "counted from 0"),
        ({"images": IMAGES, "labels": LABELS - 1}, "Expected 0 to 1"),
    ],
)
def test_bad_arrays(save, arrays, message):
    with pytest.raises(ValueError, match=message):
        load_dataset(save(**arrays))


@pytest.mark.parametrize("size", [None, 2])
@pytest.mark.parametrize("train_images", [None, 3])
def test_labels_for_some_of_the_images(save, size, train_images):
    path = save(images=IMAGES[:5], labels=LABELS)
    with pytest.raises(ValueError, match="label for each of 5 images"):
        load_dataset(path, image_size=size, train_images=train_images)


def test_python_objects_are_not_loaded(save):
    path = save(images=IMAGES, labels=np.array([{}] * 6, dtype=object))
    with pytest.raises(ValueError, match="without Python objects"):
        load_dataset(path)


def test_files_that_are_no_npz(tmp_path):
    path = tmp_path / "data.npz"
    path.write_text("no archive")
    with pytest.raises(ValueError, match="cannot be read"):
        load_dataset(path)
    with path.open("wb") as file:
        np.save(file, IMAGES)
    with pytest.raises(ValueError, match="cannot be read"):
        load_dataset(path)
