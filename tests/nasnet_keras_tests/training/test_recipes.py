import dataclasses
import subprocess
import sys

import keras
import numpy as np
import pytest

from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.kinds.cells import CellsKind
from nasnet_keras.training.data.pipeline import recipe_pipeline
from nasnet_keras.training.recipes import RECIPES, Recipe
from nasnet_keras.training.settings import recipe_arguments
from nasnet_keras.training.train import compile_network

RECIPE = Recipe(epochs=10, batch_size=8, learning_rate=0.1)


def test_the_papers_recipes():
    cifar = RECIPES["cifar"]
    # 937,500 steps of 32 are 600 epochs of the 50,000 images.
    assert cifar.epochs * 50_000 // cifar.batch_size == 937_500
    for name, workers in {"imagenet-mobile": 50, "imagenet-large": 100}.items():
        recipe = RECIPES[name]
        images = workers * recipe.batch_size
        assert images == 1600
        assert round(250_000 * images / 1_281_167) == recipe.epochs
    # The weight decays of TF-slim's argument scopes.
    decays = {"cifar": 5e-4, "imagenet-mobile": 4e-5, "imagenet-large": 5e-5}
    assert {name: RECIPES[name].l2 for name in decays} == decays


def test_phases_add_up():
    assert RECIPE.phases == (RECIPE,)
    recipe = dataclasses.replace(
        RECIPE, frozen_epochs=3, frozen_learning_rate=0.5
    )
    head, body = recipe.phases
    assert (head.epochs, head.learning_rate) == (3, 0.5)
    assert (body.epochs, body.learning_rate) == (7, 0.1)
    assert head.phases == (head,) and body.phases == (body,)
    probe = dataclasses.replace(recipe, frozen_epochs=10)
    (whole,) = probe.phases
    assert (whole.epochs, whole.learning_rate) == (10, 0.5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("learning_rate", -1.0),
        ("learning_rate", float("inf")),
        ("optimizer", "adam"),
        ("augmentation", "flip"),
        ("frozen_epochs", 11),
        ("average_weights", 1.0),
        ("batch_size", "many"),
    ],
)
def test_values_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        dataclasses.replace(RECIPE, **{name: value})


def test_every_value_is_described():
    for field in dataclasses.fields(Recipe):
        assert field.type.__metadata__[0].description.endswith(".")


def test_recipes_need_no_tensorflow():
    script = (
        "import sys, nasnet_keras.training.recipes\n"
        "sys.exit(any(m in sys.modules for m in ('keras', 'tensorflow')))\n"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            # Their parts are those of imagenet-mobile and of cifar.
            marks=[pytest.mark.large]
            if name in ("imagenet-large", "search-proxy")
            else [],
        )
        for name in RECIPES
    ],
)
def test_a_network_is_compiled_and_trained_by_every_recipe(name):
    cell = CellSpec((Block((0, 1), ("conv_1x1", "identity")),))
    for phase in RECIPES[name].phases:
        model = CellsKind().build(
            Genotype(cell, cell),
            (32, 32, 3),
            4,
            repeats=1,
            filters=4,
            **recipe_arguments(phase, 10, CellsKind()),
        )
        compile_network(model, phase, 5)
        labels = np.arange(4)
        if isinstance(model.output, dict):
            labels = dict.fromkeys(model.output, labels)
        loss = model.train_on_batch(np.zeros((4, 32, 32, 3)), labels)
        assert np.isfinite(loss).all()


class Watched:
    """A recipe that notes which of its values are asked for."""

    def __init__(self, recipe, read):
        self.recipe, self.read = recipe, read

    def __getattr__(self, name):
        self.read.add(name)
        return getattr(self.recipe, name)


def test_every_value_is_followed():
    """Or it would be an option of the commands that changes nothing."""
    read = {"frozen_epochs", "frozen_learning_rate"}  # by `phases`
    for changes in ({}, {"schedule": "exponential", "optimizer": "rmsprop"}):
        recipe = Watched(dataclasses.replace(RECIPE, **changes), read)
        recipe_arguments(recipe, 10, CellsKind())
        inputs = keras.Input((2,))
        outputs = keras.layers.Dense(2)(inputs)
        compile_network(keras.Model(inputs, outputs), recipe, 5)
        images = np.zeros((8, 8, 8, 3), np.uint8)
        recipe_pipeline(recipe, "noise", images, np.arange(8) % 2, 0, 0)
    assert {field.name for field in dataclasses.fields(Recipe)} <= read
