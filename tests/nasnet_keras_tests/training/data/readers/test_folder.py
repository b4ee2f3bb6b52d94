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
    with pytest.raises(ValueError, match=r"b'.*Expected images"):
        load_dataset(tmp_path)
    (tmp_path / "b" / "1.png").write_text("no image")
    with pytest.raises(ValueError, match="1.png'. Expected an image"):
        load_dataset(tmp_path)
    write(tmp_path / "b" / "1.png", mode="I;16")
    with pytest.raises(ValueError, match="8 bits a channel"):
        load_dataset(tmp_path)


def test_broken_image(tmp_path):
    path = tmp_path / "a" / "1.png"
    write(path, size=(64, 64))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match="1.png'. Expected an image"):
        load_dataset(tmp_path)
