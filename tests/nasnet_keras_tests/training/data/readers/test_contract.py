"""What every reader of data keeps to: a module of `readers` with a function
`read_` and its own name."""

import importlib
import pkgutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nasnet_keras.training.data import readers
from nasnet_keras.training.data.datasets import load_dataset, open_dataset

READERS = {
    module.name
    for module in pkgutil.iter_modules(readers.__path__)
    if hasattr(
        importlib.import_module(f"{readers.__name__}.{module.name}"),
        f"read_{module.name}",
    )
}
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 8, 8, 3)).astype("uint8")
LABELS = np.arange(12) % 3


def of_digits(folder):
    return {"source": "digits"}


def of_npz(folder):
    path = folder / "data.npz"
    np.savez(path, images=IMAGES, labels=LABELS)
    return {"source": path}


def of_folder(folder):
    for number, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True)):
        path = folder / "images" / f"class {label}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return {"source": folder / "images"}


def of_tfds(folder):
    """Images made up, of a name that tensorflow-datasets knows."""
    import tensorflow_datasets as tfds

    features = {
        "image": tfds.features.Image(shape=(28, 28, 1)),
        "label": tfds.features.ClassLabel(names=[*map(str, range(10))]),
    }
    images = RNG.integers(0, 256, (20, 28, 28, 1)).astype("uint8")
    tfds.dataset_builders.store_as_tfds_dataset(
        name="mnist",
        version="3.0.1",
        features=tfds.features.FeaturesDict(features),
        split_datasets={
            "train": [
                (number, {"image": image, "label": number % 10})
                for number, image in enumerate(images)
            ]
        },
        data_dir=folder,
    )
    return {"source": "mnist", "data_dir": folder}


# What a small data set of each is loaded by.
CASES = {"digits": of_digits, "npz": of_npz}
CASES |= {"folder": of_folder, "tfds": of_tfds}


@pytest.fixture(scope="module", params=CASES)
def arguments(request, tmp_path_factory):
    return CASES[request.param](tmp_path_factory.mktemp(request.param))


def test_every_reader_has_a_case():
    assert set(CASES) == READERS


def test_images_are_pixels_and_labels_are_classes(arguments):
    train = load_dataset(**arguments).train
    assert train.images.dtype == "uint8" and train.images.ndim == 4
    assert len(train.images) == len(train.labels)
    assert np.issubdtype(train.labels.dtype, np.integer)
    # By these a sample is chosen before an image is read.
    labels = open_dataset(**arguments).read_labels()
    np.testing.assert_array_equal(labels, train.labels)
    again = load_dataset(**arguments).train
    np.testing.assert_array_equal(again.images, train.images)
    np.testing.assert_array_equal(again.labels, train.labels)


def test_a_sample_is_of_these_images(arguments):
    whole = load_dataset(**arguments)
    sample = load_dataset(**arguments, train_images=10, seed=1)
    assert len(sample.train) == 10
    assert sample.class_names == whole.class_names
    known = {
        (image.tobytes(), label)
        for image, label in zip(
            whole.train.images, whole.train.labels.tolist(), strict=True
        )
    }
    for image, label in zip(
        sample.train.images, sample.train.labels.tolist(), strict=True
    ):
        assert (image.tobytes(), label) in known


def test_it_is_brought_to_a_size(arguments):
    dataset = load_dataset(**arguments, image_size=5)
    channels = load_dataset(**arguments).image_shape[-1]
    assert dataset.image_shape == (5, 5, channels)
    for part in (dataset.test, dataset.validation):
        assert part is None or part.images.shape[1:] == (5, 5, channels)


@pytest.mark.parametrize("part", [0, 0.5])
def test_a_damaged_file_is_a_sentence(arguments, part, tmp_path):
    source = Path(arguments["source"])
    if not source.is_file():
        pytest.skip("it is no file, or reads what is installed")
    path, whole = tmp_path / source.name, source.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))] + b"\xff\0" * 99)
    with pytest.raises(ValueError, match=r"Expected .*\. Received: ") as told:
        load_dataset(path)
    assert "\n" not in str(told.value)
