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
        ({"x_test": IMAGES, "y_test": LABELS}, "Expected the arrays"),
        ({"images": IMAGES[0, 0], "labels": LABELS}, "Invalid array `images`"),
        ({"images": IMAGES * 2.0, "labels": LABELS}, "values from 0 to 255"),
        ({"images": IMAGES * np.nan, "labels": LABELS}, "values from 0 to"),
        ({"images": IMAGES, "labels": np.eye(6)}, "`argmax` makes them"),
        ({"images": IMAGES, "labels": LABELS / 1}, "Invalid array `labels`"),
        ({"images": IMAGES, "labels": LABELS[:5]}, "label for each of 6"),
        (
            {"images": IMAGES, "labels": LABELS, "class_names": "cat"},
            "one of the 1 classes",
        ),
        ({"images": IMAGES, "labels": LABELS - 1}, "labels from -1 to 1;"),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, "Received: none"),
        ({"images": IMAGES[:, :0], "labels": LABELS}, "of shape .6, 0, 4, 3."),
        ({"images": IMAGES / 200, "labels": LABELS}, "to 1.27.*; scale them"),
        ({"images": IMAGES / 99 - 1, "labels": LABELS}, "from -1.0 to"),
        (
            {
                "x_train": IMAGES,
                "y_train": LABELS,
                "x_test": IMAGES,
                "y_test": LABELS + 1,
            },
            "`y_test`. Expected 0 to 2, .* 3 classes. Received: 3",
        ),
        (
            {
                "x_train": IMAGES,
                "y_train": np.array(["cat", "dog"] * 3),
                "x_test": IMAGES,
                "y_test": LABELS,
            },
            "`y_test`. Expected labels such as cat, .* Received: 0",
        ),
    ],
)
def test_bad_arrays(save, arrays, message):
    with pytest.raises(ValueError, match=message):
        _ = load_dataset(save(**arrays)).test


@pytest.mark.parametrize("size", [None, 2])
@pytest.mark.parametrize("train_images", [None, 3])
def test_labels_for_some_of_the_images(save, size, train_images):
    path = save(images=IMAGES[:5], labels=LABELS)
    with pytest.raises(ValueError, match="label for each of 5 images"):
        load_dataset(path, image_size=size, train_images=train_images)


@pytest.mark.parametrize(
    "names",
    [
        "train_images train_labels val_images val_labels test_images "
        "test_labels",
        "X_train y_train X_val y_val X_test y_test",
        "trainX trainY validationX validationY testX testY",
        "x_train train-labels valid_x valid_labels x_test test_labels",
        "images labels val_images val_labels test_images test_targets",
    ],
)
def test_names_that_people_give(save, names):
    parts = [IMAGES, LABELS, IMAGES[:4], LABELS[:4], IMAGES[:5], LABELS[:5]]
    dataset = load_dataset(save(**dict(zip(names.split(), parts, strict=True))))
    parts = dataset.train, dataset.validation, dataset.test
    assert [len(part) for part in parts] == [6, 4, 5]


def test_arrays_without_names(tmp_path):
    np.savez(tmp_path / "data.npz", IMAGES, LABELS)
    assert len(load_dataset(tmp_path / "data.npz").train) == 6


def test_arrays_that_are_not_used_are_told(save):
    path = save(images=IMAGES, labels=LABELS, ids=LABELS, x_test=IMAGES)
    dataset = load_dataset(path)
    assert dataset.test is None
    assert "Arrays that are not used: ids, x_test." in dataset.notes


@pytest.mark.parametrize("channels", [1, 3, 7])
def test_channels_first(save, channels):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 9, 9, channels), dtype=np.uint8)
    path = save(images=images.transpose(0, 3, 1, 2), labels=LABELS)
    dataset = load_dataset(path)
    assert np.array_equal(dataset.train.images, images)
    assert f"Images of shape ({channels}, 9, 9)" in dataset.notes[1]


def test_floats_a_little_beyond_their_range(save):
    images = IMAGES / 255 * 1.06 - 0.02
    dataset = load_dataset(save(images=images, labels=LABELS))
    assert dataset.train.images.min() == 0
    assert dataset.train.images.max() == 255
    assert "are read as 0 to 1" in dataset.notes[1]


@pytest.mark.parametrize("kind", [np.uint8, np.int64, bool])
def test_masks_are_black_and_white(save, kind):
    masks = (IMAGES[..., :1] > 127).astype(kind)
    # The test images are read as those to train on.
    path = save(
        x_train=masks, y_train=LABELS, x_test=masks[:1], y_test=LABELS[:1]
    )
    dataset = load_dataset(path)
    assert np.array_equal(dataset.train.images, 255 * masks.astype(np.uint8))
    assert np.array_equal(dataset.test.images, dataset.train.images[:1])
    assert "black and white" in dataset.notes[1]
    bright = save(
        x_train=masks, y_train=LABELS, x_test=IMAGES[..., :1], y_test=LABELS
    )
    with pytest.raises(ValueError, match="as in the training images"):
        _ = load_dataset(bright).test


def test_dark_images_are_told(save):
    path = save(images=IMAGES % 16, labels=LABELS)
    assert "The brightest pixel is 15 of 255" in load_dataset(path).notes[1]


@pytest.mark.parametrize(
    "labels, names",
    [
        ([17, 2_000_000_003] * 3, ("17", "2000000003")),
        ([20261102, 20261101] * 3, ("20261101", "20261102")),
        ([0, 2**32 + 1] * 3, ("0", "4294967297")),
        (np.array([1, 2**64 - 1] * 3, np.uint64), ("1", f"{2**64 - 1}")),
        ([1, 2, 3] * 2, ("1", "2", "3")),
        (["dog", "cat"] * 3, ("cat", "dog")),
        ([b"dog", b"cat"] * 3, ("cat", "dog")),
        ([True, False] * 3, ("0", "1")),
    ],
)
def test_labels_that_are_no_numbers_from_0(save, labels, names):
    labels = np.array(labels)
    dataset = load_dataset(save(images=IMAGES, labels=labels))
    assert dataset.class_names == names
    assert (
        dataset.train.labels.tolist()
        == np.searchsorted(np.unique(labels), labels).tolist()
    )
    if labels.dtype != bool:
        assert f"named by them: {', '.join(names)}." in dataset.notes[1]


def test_labels_that_are_class_names(save):
    path = save(
        x_train=IMAGES,
        y_train=np.array(["eel", "cat", "dog"] * 2),
        x_test=IMAGES[:1],
        y_test=np.array([b"cat"]),
        class_names=["dog", "cat", "eel"],
    )
    dataset = load_dataset(path)
    assert dataset.class_names == ("dog", "cat", "eel")
    assert dataset.train.labels.tolist() == [2, 1, 0] * 2
    assert dataset.test.labels.tolist() == [1]


def test_class_names_as_bytes(save):
    names = np.array([b"cat", b"dog", "caf\xe9".encode("latin-1")])
    path = save(images=IMAGES, labels=LABELS, class_names=names)
    assert load_dataset(path).class_names == ("cat", "dog", "caf\\xe9")


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
