"""What is said of images before they are decoded."""

import numpy as np
import pytest
from PIL import Image

import nasnet_auto.survey
from nasnet_auto.survey import FIRST_SIZE, Survey, survey
from nasnet_keras.console.accuracy import standard_error


def made(**values):
    return Survey(
        **{
            "class_names": ("a", "b"),
            "counts": (50, 50),
            "sizes": ((100, 80), (300, 200)),
            "has_validation": False,
            "has_test": True,
            "notes": (),
            **values,
        }
    )


def test_digits():
    found = survey("digits")
    assert found.images == 1438
    assert found.image_size == 8
    assert found.has_test
    assert "1,438 training images of 10 classes" in found.lines()[0]


def test_a_folder_of_several_sizes(tmp_path):
    for label, count in (("ant", 4), ("bee", 2)):
        (tmp_path / label).mkdir()
        for number in range(count):
            pixels = np.zeros((70, 90 + number, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / label / f"{number}.png")
    found = survey(tmp_path)
    assert found.counts == (4, 2)
    assert found.image_size == FIRST_SIZE
    text = " ".join(found.lines())
    assert "ant 4, bee 2" in text
    assert "90 x 70 to 93 x 70" in text


@pytest.mark.parametrize(
    ("values", "size"),
    [
        ({"sizes": ((8, 8),)}, 8),
        ({"sizes": ((32, 32),)}, 32),
        ({"sizes": ((500, 400),)}, FIRST_SIZE),
        ({"sizes": ()}, FIRST_SIZE),
    ],
)
def test_the_first_size_makes_no_image_larger(values, size):
    assert made(**values).image_size == size


@pytest.mark.parametrize(
    ("values", "held_out"),
    [
        ({"has_validation": True}, None),
        ({}, 20),  # a fifth of few
        ({"has_test": False}, 18),  # a tenth is held out for the test first
        ({"counts": (5_000, 5_000)}, 1_000),
        ({"counts": (500_000, 500_000)}, 5_000),
        ({"counts": (1, 1)}, 1),
    ],
)
def test_how_many_are_held_out(values, held_out):
    assert made(**values).validation_images == held_out


def test_many_classes_are_not_all_listed():
    names = tuple(map(str, range(1000)))
    (first, *_) = made(class_names=names, counts=(3,) * 1000).lines()
    assert first.endswith("and 992 more.")


def test_the_error_of_an_accuracy():
    # As the spread of so many draws.
    rng = np.random.default_rng(0)
    spread = rng.binomial(60, 0.8, 100_000).std() / 60
    assert abs(standard_error(0.8, 60) - spread) < 1e-3


def test_photographs_of_several_sizes_are_trained_on_in_larger_ones():
    assert made(sizes=((200, 100), (600, 300))).largest_size == 200


def a_folder(path, **counts):
    """Of so many pictures of each class."""
    for label, count in counts.items():
        (path / label).mkdir(parents=True)
        for number in range(count):
            pixels = np.full((9, 9, 3), number, np.uint8)
            Image.fromarray(pixels).save(path / label / f"{number}.png")
    return path


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"ant": 1, "bee": 1}, "at least one of each"),
        ({"ant": 9}, "at least two classes"),
    ],
)
def test_too_few_images_are_refused_at_once(counts, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        survey(a_folder(tmp_path, **counts))


def test_one_image_of_a_class_among_many_does(tmp_path):
    assert survey(a_folder(tmp_path, ant=30, bee=1)).counts == (30, 1)


def test_all_photographs_that_are_cut_short_are_named(tmp_path):
    """Their headers are whole; so they are found when they are decoded."""
    a_folder(tmp_path, ant=5, bee=5)
    noise = np.random.default_rng(0).integers(0, 255, (90, 90, 3), np.uint8)
    for name in ("ant/0.jpg", "bee/1.jpg"):
        file = tmp_path / name
        Image.fromarray(noise).save(file)
        file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(ValueError, match=r"2 that .*ant/0.*bee/1.*--skip-bro"):
        survey(tmp_path)
    assert survey(tmp_path, skip_broken=True).counts == (5, 5)


@pytest.mark.parametrize("part", ["val", "test"])
def test_an_image_of_any_part_changes_the_fingerprint(part, tmp_path):
    for name in ("train", "val", "test"):
        a_folder(tmp_path / name, ant=5, bee=5)
    before = survey(tmp_path).fingerprint
    pixels = np.full((9, 9, 3), 200, np.uint8)
    Image.fromarray(pixels).save(tmp_path / part / "ant" / "0.png")
    assert survey(tmp_path).fingerprint != before


def test_what_is_done_with_the_images_is_told(tmp_path):
    a_folder(tmp_path, ant=40, bee=10)
    text = " ".join(survey(tmp_path).lines())
    for said in (
        "Decoded at 9 x 9 they take 1 MiB; ",
        "cropped and mirrored (augmentation crop-flip)",
        "losses are weighted",
        "5 images are held out to test on",
        "9 images are held out to choose networks by",
    ):
        assert said in text
    of_letters = survey(tmp_path, augmentation="crop").lines()
    assert "not mirrored" in " ".join(of_letters)


def test_the_error_of_given_images_for_validation_is_told(tmp_path):
    for name in ("train", "val"):
        a_folder(tmp_path / name, ant=8, bee=8)
    text = " ".join(survey(tmp_path).lines())
    assert "by the images for validation; an accuracy of 80 % on them" in text
    assert "10.6 points" in text


def test_another_resizer_changes_the_fingerprint(tmp_path, monkeypatch):
    a_folder(tmp_path, ant=5, bee=5)
    before = survey(tmp_path).fingerprint
    monkeypatch.setattr(nasnet_auto.survey, "RESIZER", "squeezed")
    assert survey(tmp_path).fingerprint != before


def test_an_image_of_the_same_name_changes_the_fingerprint(tmp_path):
    a_folder(tmp_path, ant=5, bee=5)
    before = survey(tmp_path).fingerprint
    assert survey(tmp_path).fingerprint == before
    pixels = np.full((9, 9, 3), 200, np.uint8)
    Image.fromarray(pixels).save(tmp_path / "ant" / "0.png")
    assert survey(tmp_path).fingerprint != before


def arrays(channels=3, **others):
    images = np.arange(40, dtype=np.uint8)[:, None, None, None]
    images = np.tile(images, (1, 8, 8, channels))
    labels = np.arange(40) % 2
    return {"x_train": images, "y_train": labels, **others}


@pytest.mark.parametrize("channels", [4, 7])
def test_other_channels_are_refused(channels):
    with pytest.raises(ValueError, match=f"Received: {channels} channels"):
        survey(tuple(arrays(channels).values()))


def test_grey_images_do():
    assert survey(tuple(arrays(1).values())).images == 40


def test_test_images_that_cannot_be_read_are_refused_at_once(tmp_path):
    file = tmp_path / "data.npz"
    images = np.zeros((2, 8, 8, 3), np.uint8)
    np.savez(file, **arrays(x_test=images, y_test=np.array([0, 5])))
    with pytest.raises(ValueError, match="y_test"):
        survey(file)


def test_the_images_for_validation_are_counted(tmp_path):
    a_folder(tmp_path / "train", ant=30, bee=30)
    a_folder(tmp_path / "val", ant=4, bee=3)
    found = survey(tmp_path)
    assert found.validation_images is None
    assert found.validated == 7
    assert made().validated == 20


def test_images_that_are_there_twice_are_told(tmp_path):
    """Equal pixels in files of other bytes; not what differs by a pixel."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 6), ("test", 4)):
        for label in ("ant", "bee"):
            (tmp_path / part / label).mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (70, 70, 3), np.uint8)
                Image.fromarray(pixels).save(
                    tmp_path / part / label / f"{number}.png"
                )
    assert survey(tmp_path).copies == ()
    source = Image.open(tmp_path / "train" / "ant" / "3.png")
    source.save(tmp_path / "test" / "ant" / "1.png", compress_level=0)
    source.save(tmp_path / "train" / "ant" / "5.png", compress_level=0)
    tested, trained = survey(tmp_path).copies
    assert tested.startswith("Images to test on that are to train on too: 1 (")
    assert "ant/1.png" in tested
    assert trained.startswith(
        "Images to train on that are copies of others: 1 ("
    )
    assert tested in survey(tmp_path).lines()


def test_many_files_are_compared_undecoded(tmp_path, monkeypatch):
    a_folder(tmp_path / "train", ant=9, bee=9)
    a_folder(tmp_path / "test", ant=2, bee=2)
    monkeypatch.setattr(nasnet_auto.survey, "MOST_DECODED", 5)
    monkeypatch.setattr(nasnet_auto.survey, "_digests", None)
    tested, trained = survey(tmp_path).copies
    assert tested.startswith("Images to test on that are to train on too: 4")
    assert trained.startswith(
        "Images to train on that are copies of others: 9 ("
    )


def test_copies_in_arrays():
    pixels, labels = arrays().values()
    (said,) = survey(((pixels, labels), (pixels[-3:], labels[-3:]))).copies
    assert said.startswith("Images to test on that are to train on too: 3. ")


def test_groups_by_the_names_of_files(tmp_path):
    for label in ("ill", "well"):
        (tmp_path / label).mkdir()
        for number in range(40):
            pixels = np.full((9, 9, 3), number, np.uint8)
            name = f"{label}/patient{number // 4}_{number % 4}.png"
            Image.fromarray(pixels).save(tmp_path / name)
    text = " ".join(survey(tmp_path).lines())
    assert "of 10 patients: whoever is held out" in text
    assert "About 14 images are held out" in text
