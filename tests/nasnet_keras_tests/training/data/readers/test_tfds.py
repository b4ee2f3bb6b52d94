import numpy as np
import pytest

from nasnet_keras.training.data.datasets import load_dataset

# Those that the README names.
NAMED = ("cifar10", "cifar100", "fashion_mnist")


def store(folder, name, version, shape, classes, counts, sizes, form=None):
    """Stores a data set of tensorflow-datasets, made up and small."""
    import tensorflow_datasets as tfds

    rng = np.random.default_rng(0)
    features = tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=shape),
            "label": tfds.features.ClassLabel(names=classes),
        }
    )
    splits = {}
    for split, count in counts.items():
        splits[split] = [
            (
                number,
                {
                    "image": rng.integers(
                        0, 256, sizes[number % len(sizes)], np.uint8
                    ),
                    "label": number % len(classes),
                },
            )
            for number in range(count)
        ]
    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        version=version,
        features=features,
        split_datasets=splits,
        data_dir=folder,
        file_format=form,
    )


MALARIA = (
    "malaria",
    "1.0.0",
    (None, None, 3),
    ["parasitized", "uninfected"],
    {"train": 6},
    [(9, 12, 3), (8, 8, 3), (15, 5, 3)],
)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    digits = [str(digit) for digit in range(10)]
    store(
        folder,
        "mnist",
        "3.0.1",
        (28, 28, 1),
        digits,
        {"train": 300, "test": 20},
        [(28, 28, 1)],
    )
    store(folder, *MALARIA)
    store(
        folder,
        "beans",
        "0.1.0",
        (500, 500, 3),
        ["angular_leaf_spot", "bean_rust", "healthy"],
        {"train": 6, "validation": 4, "test": 3},
        [(500, 500, 3)],
    )
    return folder


@pytest.mark.parametrize("name", NAMED)
def test_download_addresses_are_known(name):
    """Without importlib_resources tensorflow-datasets fails here."""
    import tensorflow_datasets as tfds

    addresses = tfds.builder_cls(name).url_infos
    assert addresses
    assert all(address.startswith("http") for address in addresses)


def test_reads_all_images(data_dir):
    dataset = load_dataset("mnist", data_dir=data_dir)
    assert dataset.image_shape == (28, 28, 1)
    assert dataset.class_names == tuple("0123456789")
    assert np.bincount(dataset.train.labels).tolist() == [30] * 10
    assert np.bincount(dataset.test.labels).tolist() == [2] * 10
    again = load_dataset("mnist", data_dir=data_dir)
    assert np.array_equal(dataset.train.images, again.train.images)


def test_data_dir_from_the_environment(data_dir, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(data_dir))
    assert len(load_dataset("mnist").train) == 300


def test_a_sample_is_a_part_of_all_images(data_dir):
    everything = load_dataset("mnist", data_dir=data_dir).train
    sample = load_dataset("mnist", data_dir=data_dir, train_images=0.1).train
    assert np.bincount(sample.labels).tolist() == [3] * 10
    known = {
        image.tobytes(): label
        for image, label in zip(
            everything.images, everything.labels, strict=True
        )
    }
    for image, label in zip(sample.images, sample.labels, strict=True):
        assert known[image.tobytes()] == label


def test_images_that_differ_in_size(data_dir):
    with pytest.raises(ValueError, match="`image_size`"):
        load_dataset("malaria", data_dir=data_dir)
    dataset = load_dataset("malaria", data_dir=data_dir, image_size=8)
    assert dataset.train.images.shape == (6, 8, 8, 3)
    assert dataset.test is None and dataset.validation is None
    assert "8 x 8 to 12 x 9 pixels, are brought to 8 x 8" in dataset.notes[0]


def test_a_split_for_validation(data_dir):
    dataset = load_dataset("beans", data_dir=data_dir, image_size=8)
    parts = dataset.train, dataset.validation, dataset.test
    assert [len(part) for part in parts] == [6, 4, 3]
    assert "500 x 500 pixels, are brought to 8 x 8" in dataset.notes[0]


def test_a_data_set_of_random_access_is_streamed(data_dir, tmp_path):
    arguments = {"image_size": 8, "train_images": 5}
    before = load_dataset("malaria", data_dir=data_dir, **arguments)
    with pytest.raises(ValueError, match="as they are; .*array_record"):
        load_dataset("malaria", data_dir=data_dir, stream=True, **arguments)
    store(tmp_path / "converted", *MALARIA, form="array_record")
    arguments["data_dir"] = tmp_path / "converted"
    others = [
        load_dataset("malaria", stream=True, **arguments),
        load_dataset("malaria", **arguments),
        load_dataset("malaria", cache=tmp_path / "cache", **arguments),
        load_dataset(
            "malaria",
            cache=tmp_path / "cache",
            **(arguments | {"data_dir": data_dir}),
        ),
    ]
    for other in others:
        np.testing.assert_array_equal(
            other.train.images[:], before.train.images
        )
        for name in ("labels", "digests"):
            one, another = (
                getattr(each.train, name) for each in (before, other)
            )
            np.testing.assert_array_equal(one, another)
    assert [len(each.notes) for each in others] == [2, 1, 2, 2]
    assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.mark.parametrize("name", ["imdb_reviews", "coco", "lfw"])
def test_not_for_image_classification(name, tmp_path):
    with pytest.raises(ValueError, match="image classification"):
        load_dataset(name, data_dir=tmp_path)


@pytest.mark.parametrize("name", ["mnist:9.9.9", "mnist/blue"])
def test_unknown_version_or_configuration(name, tmp_path):
    with pytest.raises(ValueError, match="configuration and version"):
        load_dataset(name, data_dir=tmp_path)


def test_failed_download(tmp_path, monkeypatch):
    import tensorflow_datasets as tfds

    def download_and_prepare(self, **_):
        raise ConnectionError("no network\nand more")

    monkeypatch.setattr(
        tfds.core.DatasetBuilder, "download_and_prepare", download_and_prepare
    )
    with pytest.raises(OSError, match="TFDS_DATA_DIR") as error:
        load_dataset("fashion_mnist", data_dir=tmp_path)
    text = str(error.value)
    assert "(no network)" in text and str(tmp_path) in text
    assert "\n" not in text
