import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nasnet_keras.training.data.datasets import load_dataset


def write(path, size=(6, 6), mode="RGB", value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = value if mode in ("1", "L", "I;16") else (value,) * len(mode)
    Image.new(mode, size, colour).save(path)


def test_classes_are_the_subfolders(tmp_path):
    for number, name in enumerate(
        ["cat/b.png", "cat/a.JPG", "dog/a.bmp", "eel/a.gif"]
    ):
        write(tmp_path / name, value=10 * number)
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    (tmp_path / ".hidden").mkdir()
    dataset = load_dataset(tmp_path)
    assert dataset.class_names == ("cat", "dog", "eel")
    assert dataset.image_shape == (6, 6, 3)
    assert dataset.train.labels.tolist() == [0, 0, 1, 2]
    assert dataset.train.images[:, 0, 0, 0].tolist() == [10, 0, 20, 30]
    assert dataset.test is None


def test_grey_images_have_one_channel(tmp_path):
    write(tmp_path / "a" / "1.png", mode="L", value=200)
    write(tmp_path / "b" / "1.png", mode="1", value=1)
    dataset = load_dataset(tmp_path)
    assert dataset.image_shape == (6, 6, 1)
    assert dataset.train.images[:, 0, 0, 0].tolist() == [200, 255]


def test_grey_among_coloured_images(tmp_path):
    write(tmp_path / "a" / "1.png", mode="L", value=200)
    write(tmp_path / "b" / "1.png", mode="RGBA", value=7)
    dataset = load_dataset(tmp_path)
    assert dataset.image_shape == (6, 6, 3)
    assert dataset.train.images[0, 0, 0].tolist() == [200] * 3


def test_sizes_that_differ_need_an_image_size(tmp_path):
    write(tmp_path / "a" / "1.png", size=(6, 9))
    write(tmp_path / "b" / "1.png", size=(12, 5))
    with pytest.raises(ValueError, match="`image_size`"):
        load_dataset(tmp_path)
    assert load_dataset(tmp_path, image_size=4).image_shape == (4, 4, 3)


def test_pictures_are_turned_upright(tmp_path):
    array = np.zeros((4, 8, 3), np.uint8)
    array[:, :4] = 255  # the left half
    note = Image.Exif()
    note[0x0112] = 6  # orientation: turn a quarter to the right
    (tmp_path / "a").mkdir()
    Image.fromarray(array).save(tmp_path / "a" / "1.png", exif=note)
    image = load_dataset(tmp_path, image_size=4).train.images[0]
    assert image[0].min() == 255 and image[-1].max() == 0


def test_train_and_test_folders(tmp_path):
    for part, value in (("train", 1), ("test", 2)):
        for name in "ab":
            write(tmp_path / part / name / "1.png", value=value)
    dataset = load_dataset(tmp_path)
    assert dataset.class_names == ("a", "b")
    assert (dataset.train.images == 1).all()
    assert (dataset.test.images == 2).all()
    write(tmp_path / "test" / "c" / "1.png")
    with pytest.raises(ValueError, match="a, b; and a, b, c"):
        load_dataset(tmp_path)


def test_only_the_chosen_images_are_read(tmp_path):
    for number in range(10):
        write(tmp_path / "a" / f"{number}.png")
        write(tmp_path / "b" / f"{number}.png")
    dataset = load_dataset(tmp_path, train_images=6)
    assert dataset.train.labels.tolist() == [0, 0, 0, 1, 1, 1]


def test_bad_folders(tmp_path):
    with pytest.raises(ValueError, match="no sub-folder"):
        load_dataset(tmp_path)
    write(tmp_path / "a" / "1.png")
    (tmp_path / "b").mkdir()
    (tmp_path / "c").mkdir()
    with pytest.raises(ValueError, match=r"Expected images.*none in 'b', 'c'"):
        load_dataset(tmp_path)
    (tmp_path / "b" / "cover.heic").touch()
    with pytest.raises(ValueError, match="'c', but 1 .heic files were skip"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    "names, read",
    [
        (("train", "val"), (6, 4, None)),
        (("Train", "Validation", "TEST"), (6, 4, 4)),
        (("training", "valid", "testing"), (6, 4, 4)),
        (("train",), (6, None, None)),
    ],
)
def test_parts_of_a_data_set(tmp_path, names, read):
    for number, part in enumerate(names):
        for label in ("cat", "dog"):
            for image in range(2 if number else 3):
                write(tmp_path / part / label / f"{image}.png", value=number)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "best.keras").touch()
    write(tmp_path / names[-1] / "cover.png")
    dataset = load_dataset(tmp_path)
    parts = dataset.train, dataset.validation, dataset.test
    assert tuple(part and len(part) for part in parts) == read
    assert dataset.class_names == ("cat", "dog")
    notes = " ".join(dataset.notes)
    assert f"6 to train on ({names[0]})" in notes
    assert "Left alone: models (no part)." in notes
    assert "1 outside of a class" in notes
    if dataset.validation:
        assert (dataset.validation.images == 1).all()
        assert f"4 to validate on ({names[1]})" in notes


# What of each is a part, in the order of training, validation and test.
NAMED = [
    "seg_train/seg_train, -, seg_test/seg_test",
    "training_set, -, test_set",
    "training_set/training_set, -, test_set/test_set",
    "train_data, -, test_data",
    "Training Data, -, Testing Data ",
    "train_images, val_images, -",
    "train2017, val2017, -",
    "split_train, split_val, -",
    "trainval, -, test",
    "train+val, -, test",
    "Train , Val , Test ",
    "train, dev, holdout",
    "train, eval, test_set",
    "train, validate, -",
    "Trainset, Valset, Testset",
    "trainImages, validationImages, testImages",
    "1_train, 2_val, 3_test",
    "train/train, val/val, -",
    "train, val/val, -",
    "train/images, val/images, test/images",
    "pets/train, pets/development, pets/test",
    "pets/training_set, pets/val, -",
]


@pytest.mark.parametrize("names", NAMED)
def test_parts_by_the_words_in_their_names(tmp_path, names):
    found = names.split(", ")
    for number, part in enumerate(found):
        for label in ("cat", "dog") if part != "-" else ():
            for image in range(3 - number):
                write(tmp_path / part / label / f"{image}.png", value=number)
    dataset = load_dataset(tmp_path)
    assert dataset.class_names == ("cat", "dog")
    parts = dataset.train, dataset.validation, dataset.test
    for number, (name, part) in enumerate(zip(found, parts, strict=True)):
        assert (part is None) == (name == "-")
        if part:
            assert len(part) == 2 * (3 - number)
            assert (part.images == number).all()
    assert len(dataset.notes) == 1


@pytest.mark.parametrize(
    "files",
    [
        "bullet_train/1 bullet_train/2 test_tube/1",
        "bullet_train/day/1 car/day_and_night/1",
        "steam_train/1 bullet_train/1 train_station/1",
        "trainers/1 valves/1 tests/1",
        "retrain/a/1 contest/a/1",
    ],
)
def test_classes_whose_names_have_such_words(tmp_path, files):
    for file in files.split():
        write(tmp_path / f"{file}.png")
    classes = {file.split("/")[0] for file in files.split()}
    assert load_dataset(tmp_path).class_names == tuple(sorted(classes))


def test_what_is_to_be_predicted_is_left_alone(tmp_path):
    for name in ("seg_train/seg_train", "seg_test/seg_test"):
        for label in ("cat", "dog"):
            write(tmp_path / name / label / "1.png")
    write(tmp_path / "seg_pred" / "seg_pred" / "1.png")
    dataset = load_dataset(tmp_path)
    assert len(dataset.test) == 2
    assert dataset.notes[1] == "Left alone: seg_pred (no part)."


@pytest.mark.parametrize("test", ["test", "Test", "testing", "test_set"])
def test_parts_within_the_classes(tmp_path, test):
    train = "training_set" if test == "test_set" else "train"
    for label in ("cat", "dog"):
        write(tmp_path / label / train / "1.png", value=1)
        write(tmp_path / label / train / "2.png", value=1)
        write(tmp_path / label / test / "1.png", value=2)
    write(tmp_path / "cat" / "val" / "1.png", value=3)
    dataset = load_dataset(tmp_path)
    assert dataset.class_names == ("cat", "dog")
    assert (dataset.train.images == 1).all() and len(dataset.train) == 4
    assert (dataset.test.images == 2).all() and len(dataset.test) == 2
    assert (dataset.validation.images == 3).all()


@pytest.mark.parametrize(
    "files, message",
    [
        (
            "cat/train/1 cat/test/1 dog/1",
            "'train', 'test' within 'cat', and other images in 'dog';",
        ),
        (
            "cat/train/1 cat/test/1 dog/train/1 dog/others/1",
            "within 'cat', 'dog', and other images in 'dog/others';",
        ),
        (
            "a/train/cat/1 a/val/cat/1 b/train/cat/1 b/val/cat/1",
            "one data set. Received: .* in these, 'a', 'b'; give the path",
        ),
        (
            "cat/1 cat/test/1 dog/1",
            "'test' within 'cat', and.* in 'cat', 'dog'",
        ),
        ("cat/val/1 dog/val/1", "'val' within 'cat', 'dog', and none to train"),
        ("cat/train/1 cat/test/1 dog/test/1", "none in 'dog'"),
        ("train_images/1 test_images/1", "'train_images', 'test_images' among"),
        ("test_set/a/1 set/a/1", "none, but 'test_set' among"),
        ("train_set/a/1 more/a/1", "'train_set' with.* beside 'more'; if"),
        ("train/a/1 dev/a/1 eval/a/1", "to validate on. Received: 'dev', 'ev"),
        ("training_set/a/1 test_images/1 b/1", "'training_set' with.*'b'; if"),
    ],
)
def test_names_of_parts_that_are_unclear_are_refused(tmp_path, files, message):
    for file in files.split():
        write(tmp_path / f"{file}.png")
    with pytest.raises(ValueError, match=message):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    "files, told",
    [
        (
            "cat/day/1 cat/night/1 dog/day/1 dog/night/1",
            "cat (day, night), dog (day, night)",
        ),
        ("data/cat/1 data/dog/1 docs/1", "data (cat, dog)"),
        ("labelled/cat/1 labelled/dog/1 others/1", "labelled (cat, dog)"),
        ("cat/more/1 dog/more/1 dog/1", None),
    ],
)
def test_classes_that_may_hold_classes_are_told(tmp_path, files, told):
    for file in files.split():
        write(tmp_path / f"{file}.png")
    dataset = load_dataset(tmp_path)
    names = {file.split("/")[0] for file in files.split()}
    assert dataset.class_names == tuple(sorted(names))
    assert dataset.notes[1:] == (
        ()
        if told is None
        else (
            "Sub-folders of a class are read as the class, not as classes: "
            f"{told}.",
        )
    )


@pytest.mark.parametrize(
    "files, reason",
    [
        (["1.png", "2.png"], "2 images without classes"),
        (["unknown/1.png"], "other classes: unknown"),
        ([".hidden/1.png"], "no images"),
    ],
)
def test_a_test_part_without_the_classes_is_left_alone(tmp_path, files, reason):
    for label in ("cat", "dog"):
        write(tmp_path / "train" / label / "1.png")
    for file in files:
        write(tmp_path / "test" / file)
    dataset = load_dataset(tmp_path)
    assert dataset.test is None and len(dataset.train) == 2
    assert f"Left alone: test ({reason})." in dataset.notes


def test_a_part_may_lack_a_class(tmp_path):
    for name in ("train/a/1", "train/b/1", "val/b/1"):
        write(tmp_path / f"{name}.png")
    dataset = load_dataset(tmp_path)
    assert dataset.validation.labels.tolist() == [1]
    assert "No images to validate on of the classes: a." in dataset.notes


@pytest.mark.parametrize(
    "files, message",
    [
        (["train/1.png", "test/1.png"], "none, but 'train', 'test' among"),
        (["val/a/1.png", "test/a/1.png"], "none, but 'val', 'test' among"),
        (["a/1.png", "b/1.png", "test/a/1.png"], "none, but 'test' among"),
        (
            ["train/a/1.png", "val/a/1.png", "valid/a/1.png"],
            "one sub-folder to validate on. Received: 'val', 'valid'",
        ),
        (["train/steam/1.png", "bus/1.png"], "either classes or parts.*'bus'"),
    ],
)
def test_parts_that_are_unclear_are_refused(tmp_path, files, message):
    for file in files:
        write(tmp_path / file)
    with pytest.raises(ValueError, match=message):
        load_dataset(tmp_path)


@pytest.mark.parametrize("names", [("train", "bus"), ("valid", "invalid")])
def test_classes_that_are_called_like_a_part(tmp_path, names):
    for name in names:
        write(tmp_path / name / "1.png")
    assert load_dataset(tmp_path).class_names == tuple(sorted(names))


def test_a_folder_within_a_folder_of_its_name(tmp_path):
    for name in ("pets/train/cat/1", "pets/train/dog/1", "pets/val/cat/1"):
        write(tmp_path / f"{name}.png")
    dataset = load_dataset(tmp_path)
    assert dataset.class_names == ("cat", "dog")
    assert len(dataset.validation) == 1
    assert str(tmp_path / "pets") in dataset.notes[0]


def test_what_is_read_and_what_is_skipped(tmp_path):
    for ending in ("png", "webp", "tif", "JPG", "jpeg", "jfif", "jpe"):
        write(tmp_path / "cat" / f"1.{ending}")
    write(tmp_path / "dog" / "more" / "deep.png")
    (tmp_path / "dog" / "itself").symlink_to(tmp_path / "dog")
    for name in ("cat/Thumbs.db", "dog/a.txt", "dog/b.txt", "dog/.c", "labels"):
        (tmp_path / name).touch()
    for name in ("__MACOSX", "@eaDir", "$RECYCLE.BIN", "#recycle"):
        write(tmp_path / name / "1.png")
    for name in ("Thumbs", "System Volume Information", "#snapshot"):
        (tmp_path / name).mkdir()
    dataset = load_dataset(tmp_path)
    assert dataset.class_names == ("cat", "dog")
    assert len(dataset.train) == 8
    assert dataset.train.files[-1] == "dog/more/deep.png"
    assert dataset.notes[1] == (
        "Skipped: 2 .txt files, 1 files without an ending, 1 hidden, 8 of the "
        "system."
    )


def broken(folder):
    """Six whole files and four that are not."""
    for name in ("cat", "dog"):
        for number in range(3):
            write(folder / name / f"{number}.jpg", size=(32, 32))
    whole = (folder / "dog" / "0.jpg").read_bytes()
    (folder / "dog" / "half.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "dog" / "empty.jpg").touch()
    (folder / "cat" / "page.jpg").write_text("<!doctype html><title>404")
    os.mkfifo(folder / "cat" / "pipe.png")


EACH = (
    "'cat/page.jpg' (a page of HTML or XML), 'cat/pipe.png' (a named pipe), "
    "'dog/empty.jpg' (empty), 'dog/half.jpg' (cut short)"
)


@pytest.mark.parametrize("part", ["", "test"])
def test_broken_files_are_named_at_once(tmp_path, part):
    for name in ("cat", "dog"):
        if part:
            write(tmp_path / "train" / name / "1.png", size=(32, 32))
    broken(tmp_path / part)
    each = EACH
    for name in ("cat", "dog"):
        each = each.replace(f"'{name}", f"'{Path(part, name)}")
    with pytest.raises(
        ValueError, match=re.escape(f"4 that cannot be read, {each}; mend")
    ):
        load_dataset(tmp_path)
    dataset = load_dataset(tmp_path, skip_broken=True)
    assert len(dataset.test if part else dataset.train) == 6
    assert f"Skipped as unreadable: 4, {each}." in dataset.notes


def test_a_picture_that_ends_too_early_is_found_before_it_is_needed(tmp_path):
    for part in ("train", "test"):
        for name in ("cat", "dog"):
            write(tmp_path / part / name / "1.png", size=(64, 64))
    path = tmp_path / "test" / "dog" / "1.png"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match="1 that cannot be read, 'test/dog"):
        load_dataset(tmp_path)


def test_a_part_of_broken_files_is_none(tmp_path):
    for name in ("train/a/1", "train/b/1", "val/b/1"):
        write(tmp_path / f"{name}.png")
    (tmp_path / "val" / "b" / "1.png").write_text("404")
    dataset = load_dataset(tmp_path, skip_broken=True)
    assert dataset.validation is None
    assert "Skipped as unreadable: 1, 'val/b/1.png' (text)." in dataset.notes


def test_a_class_of_broken_files(tmp_path):
    write(tmp_path / "a" / "1.png")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "1.png").touch()
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "1.png").touch()
    with pytest.raises(ValueError, match="cannot be read of 'b', 'c'"):
        load_dataset(tmp_path, skip_broken=True)


def test_spaces_around_the_name_of_a_class(tmp_path):
    for name in ("train/cat /1", "train/dog/1", "val/ cat/1", "val/dog /1"):
        write(tmp_path / f"{name}.png")
    dataset = load_dataset(tmp_path)
    assert dataset.class_names == ("cat", "dog")
    assert dataset.validation.labels.tolist() == [0, 1]


def test_names_that_are_not_utf_8(tmp_path):
    write(tmp_path / "train" / "cafe\u0301" / "1.png")
    write(tmp_path / "val" / "caf\u00e9" / "1.png")  # written another way
    os.mkdir(os.fsencode(tmp_path) + b"/train/caf\xe9")
    other = tmp_path / "train" / os.fsdecode(b"caf\xe9") / "1.png"
    write(other)
    dataset = load_dataset(tmp_path)
    assert sorted(dataset.class_names) == ["caf\\udce9", "caf\u00e9"]
    assert len(dataset.validation) == 1
    for text in (*dataset.notes, *dataset.class_names, *dataset.train.files):
        text.encode()


def test_one_name_written_in_two_ways(tmp_path):
    for name in ("cafe\u0301", "caf\u00e9", "tea"):
        write(tmp_path / name / "1.png")
    with pytest.raises(ValueError, match="'caf\u00e9' 2 times, its accents"):
        load_dataset(tmp_path)


def test_folders_too_deep(tmp_path):
    write(tmp_path / "a" / "1.png")
    write(tmp_path.joinpath("b", *"c" * 60, "1.png"))
    with pytest.raises(ValueError, match="at most 50 folders one in another"):
        load_dataset(tmp_path)


def test_what_may_surprise_is_told(tmp_path):
    write(tmp_path / "a" / "1.png", mode="RGBA")
    frames = [Image.new("L", (6, 6), value) for value in (0, 200)]
    (tmp_path / "b").mkdir()
    frames[0].save(
        tmp_path / "b" / "1.gif", save_all=True, append_images=frames[1:]
    )
    assert load_dataset(tmp_path).notes[1:] == (
        "1 of them can be transparent and are painted on white, or on black "
        "where they are white.",
        "1 of them have several frames, of which the first is read.",
    )
