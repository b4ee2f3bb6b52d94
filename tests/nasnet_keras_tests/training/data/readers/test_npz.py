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
            "`y_test`. Expected 'cat' to 'dog', one of the 2 .* Received: 0",
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
        "x_train y_train x_dev y_dev x_test y_test",
        "train_x train_y eval_x eval_y holdout_x holdout_y",
        "Xtr ytr Xva yva Xte yte",
    ],
)
def test_names_that_people_give(save, names):
    parts = [IMAGES, LABELS, IMAGES[:4], LABELS[:4], IMAGES[:5], LABELS[:5]]
    dataset = load_dataset(save(**dict(zip(names.split(), parts, strict=True))))
    parts = dataset.train, dataset.validation, dataset.test
    assert [len(part) for part in parts] == [6, 4, 5]


@pytest.mark.parametrize(
    "arrays, counts",
    [
        ((IMAGES, LABELS), (6, None)),
        ((LABELS, IMAGES), (6, None)),
        ((IMAGES, LABELS[:, np.newaxis]), (6, None)),
        ((IMAGES, LABELS, IMAGES[:4], LABELS[:4]), (6, 4)),
        ((IMAGES, IMAGES[:4], LABELS, LABELS[:4]), (6, 4)),
    ],
)
def test_arrays_without_names(tmp_path, arrays, counts):
    for named in ({}, {"class_names": ["cat", "dog", "eel"]}):
        np.savez(tmp_path / "data.npz", *arrays, **named)
        dataset = load_dataset(tmp_path / "data.npz")
        parts = dataset.train, dataset.test
        assert tuple(part and len(part) for part in parts) == counts
        assert dataset.class_names[0] == ("cat" if named else "0")


@pytest.mark.parametrize(
    "arrays, message",
    [
        ((IMAGES,), "Expected the arrays `x_train`"),
        ((IMAGES, LABELS) * 3, "Expected the arrays `x_train`"),
        ((IMAGES, LABELS, LABELS), "Expected the arrays `x_train`"),
        ((IMAGES, LABELS[:4], IMAGES[:4], LABELS), "`arr_0` and `arr_1` of"),
        ((IMAGES[..., 0, 0], LABELS), "Invalid array `arr_0`"),
    ],
)
def test_arrays_without_names_that_are_unclear(tmp_path, arrays, message):
    np.savez(tmp_path / "data.npz", *arrays)
    with pytest.raises(ValueError, match=message):
        load_dataset(tmp_path / "data.npz")


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


@pytest.mark.parametrize("images", [IMAGES % 16, IMAGES % 16 / 255])
def test_dark_images_are_told(save, images):
    path = save(images=images, labels=LABELS)
    assert "The brightest pixel is 15 of 255" in load_dataset(path).notes[1]


@pytest.mark.parametrize("part", ["val", "test"])
@pytest.mark.parametrize(
    "train, other, values",
    [
        (IMAGES, IMAGES / 255, "0 to 255, as .* from 0.0 to 1.0; bring"),
        (IMAGES, IMAGES // 128, "0 to 255, as .* from 0 to 1; bring"),
        (IMAGES, IMAGES > 127, "0 to 255, as .* from 0 to 1; bring"),
        (IMAGES, IMAGES % 16, "0 to 255, as .* from 0 to 15; bring"),
        (IMAGES / 1.0, IMAGES / 255, "0 to 255, as .* to 1.0; bring"),
        (IMAGES / 255, IMAGES, "0 to 1, as .* from 0 to 255; bring"),
        (IMAGES / 255, IMAGES / 255**2, "0 to 1, as .* from 0.0 to 0.00"),
    ],
)
def test_parts_of_two_scales(save, part, train, other, values):
    arrays = {f"x_{part}": other, f"y_{part}": LABELS}
    path = save(x_train=train, y_train=LABELS, **arrays)
    with pytest.raises(ValueError, match=f"`x_{part}`. Expected .* {values}"):
        load_dataset(path)


@pytest.mark.parametrize("size", [None, 2])
@pytest.mark.parametrize("other", [IMAGES[..., :1], IMAGES[:, :3]])
def test_parts_of_two_shapes(save, other, size):
    path = save(x_train=IMAGES, y_train=LABELS, x_test=other, y_test=LABELS)
    if size and other.shape[3] == 3:
        assert load_dataset(path, image_size=size).test.images.shape[1] == size
        return
    with pytest.raises(ValueError, match=r"`x_test`.*train on, \(4, 4, 3\)"):
        load_dataset(path, image_size=size)


def test_a_part_that_is_black(save):
    path = save(
        x_train=IMAGES, y_train=LABELS, x_test=0 * IMAGES, y_test=LABELS
    )
    assert not load_dataset(path).test.images.any()


def test_a_part_without_labels_is_left_alone(save):
    path = save(
        x_train=IMAGES, y_train=LABELS, x_test=IMAGES, y_test=0 * LABELS - 1
    )
    dataset = load_dataset(path)
    assert dataset.test is None
    assert "Arrays that are not used: x_test, y_test." in dataset.notes


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


@pytest.mark.parametrize(
    "train, test",
    [
        (["caf\u00e9", "tea"], ["cafe\u0301", "tea"]),
        ([0, 1], ["0", "1"]),
        (["0", "1"], [0, 1]),
        ([3, 7], ["3", "7"]),
        ([False, True], ["0", "1"]),
    ],
)
def test_labels_written_in_two_ways(save, train, test):
    path = save(
        x_train=IMAGES, y_train=train * 3, x_test=IMAGES, y_test=test * 3
    )
    assert load_dataset(path).test.labels.tolist() == [0, 1] * 3


@pytest.mark.parametrize(
    "names, received",
    [
        (np.array([], "U1"), "none"),
        (np.array([], "S1"), "none"),
        (["cat", "dog", "cat"], "'cat' 2 times"),
        (["caf\u00e9", "tea", "cafe\u0301"], "'caf\u00e9' 2 times"),
    ],
)
def test_bad_class_names(save, names, received):
    path = save(images=IMAGES, labels=LABELS, class_names=names)
    with pytest.raises(ValueError, match=f"`class_names`.*ed: {received}."):
        load_dataset(path)


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


def test_arrays_of_several_shapes():
    with pytest.raises(ValueError, match="Received: images of several shapes"):
        load_dataset(([IMAGES[0], IMAGES[0, :2]], [0, 1]))
