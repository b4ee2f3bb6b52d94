"""A photograph has the same pixels wherever a network meets it."""

import dataclasses
import sys

import keras
import numpy as np
import pytest

import search
import zoo.deploy_cli
from nasnet_keras.architectures import find_kind, to_data
from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.network import build_network
from nasnet_keras.published import NASNET_A
from nasnet_keras.training import run
from nasnet_keras.training.data.datasets import load_dataset
from nasnet_keras.training.evaluation import evaluate
from nasnet_keras.training.recipes import RECIPES
from nasnet_keras.training.settings import TrainingSettings, load_data
from search.runs.config import RunConfig
from search.runs.create import create_evaluator

SIZE = 16


@pytest.fixture
def photographs(tmp_path):
    """Two classes of photographs of 3:2."""
    rng = np.random.default_rng(0)
    for part in ("train", "test"):
        for label in ("ants", "bees"):
            folder = tmp_path / "photographs" / part / label
            folder.mkdir(parents=True)
            for number in range(10):
                image = rng.integers(0, 256, (24, 36, 3), np.uint8)
                keras.utils.save_img(
                    folder / f"{number}.png", image, scale=False
                )
    return tmp_path / "photographs"


def pixels(*parts):
    """The images in an order that does not depend on theirs."""
    images = np.concatenate(parts)
    return np.array(sorted(images.reshape(len(images), -1).tolist()))


def test_search_and_training_see_the_same_pixels(photographs):
    seen = pixels(load_dataset(photographs, image_size=SIZE).train.images)
    config = RunConfig(
        dataset=str(photographs),
        child={"image_size": SIZE},
        recipe={"batch_size": 4},
    )
    data = create_evaluator(config).data
    child = pixels(data.train_images, data.validation_images)
    assert np.array_equal(child, seen)
    # What `nasnet-train` trains on.
    data = load_data(
        TrainingSettings(
            dataset=str(photographs),
            network={
                "architecture": to_data(find_kind("nasnet"), NASNET_A),
                "input_shape": (SIZE, SIZE, 3),
                "repeats": 1,
                "filters": 4,
            },
            recipe=RECIPES["search-proxy"],
        )
    )
    assert np.array_equal(pixels(data.train.images), seen)


@pytest.mark.large
def test_retraining_and_its_evaluation_see_the_same_pixels(
    photographs, tmp_path, monkeypatch
):
    found = search.run(
        tmp_path / "run",
        dataset=str(photographs),
        space_options={"blocks": 1, "operations": ["identity"]},
        strategy="random",
        trials=1,
        child={"image_size": SIZE, "repeats": 1, "filters": 4},
        recipe={"epochs": 1, "batch_size": 4},
    )
    seen = {}

    def note(module, name, position):
        function = getattr(module, name)

        def noted(*arguments):
            seen[name] = pixels(arguments[position])
            return function(*arguments)

        monkeypatch.setattr(module, name, noted)

    note(run, "recipe_pipeline", 2)
    note(evaluate, "evaluation_pipeline", 0)
    recipe = dataclasses.replace(
        RECIPES["search-proxy"], epochs=1, batch_size=4
    )
    search.retrain(found, recipe, top=1)
    dataset = load_dataset(photographs, image_size=SIZE)
    trained, measured = seen["recipe_pipeline"], seen["evaluation_pipeline"]
    assert np.array_equal(trained, pixels(dataset.train.images))
    assert np.array_equal(measured, pixels(dataset.test.images))


@pytest.mark.large
def test_calibration_and_check_of_an_export_see_the_same_pixels(
    photographs, tmp_path, monkeypatch
):
    pytest.importorskip("openvino")
    from nasnet_keras.deployment import export

    cell = CellSpec((Block((0, 1), ("conv_1x1", "identity")),))
    network = build_network(
        Genotype(cell, cell), (SIZE, SIZE, 3), 2, repeats=1, filters=4
    )
    network.save(tmp_path / "model.keras")
    seen = []
    monkeypatch.setattr(
        export,
        "as_input",
        lambda network, images: seen.append(images) or images / 127.5 - 1.0,
    )
    words = ["nasnet-deploy", str(tmp_path / "model.keras")]
    words += ["--format", "openvino", "--output", str(tmp_path / "model.xml")]
    words += ["--int8", "--calibration", str(photographs)]
    monkeypatch.setattr(sys, "argv", words)
    assert zoo.deploy_cli.main() == 0
    dataset = load_dataset(photographs, image_size=SIZE)
    expected = {
        pixels(dataset.train.images).tobytes(),
        pixels(dataset.test.images).tobytes(),
    }
    assert {pixels(images).tobytes() for images in seen} == expected
