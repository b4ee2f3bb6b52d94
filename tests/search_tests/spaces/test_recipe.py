import math

import numpy as np
import pytest

from nasnet_keras.training.recipes import RECIPES
from search.spaces.recipe import VALUES, RecipeSpace


def test_values_take_the_place_of_a_recipes_own():
    space = RecipeSpace({"learning_rate": [0.3, 0.1], "schedule": ["cosine"]})
    values = space.decode((1, 0))
    assert str(values) == "learning_rate = 0.3\nschedule = cosine"
    recipe = values.applied(RECIPES["cifar"])
    assert (recipe.learning_rate, recipe.l2) == (0.3, 5e-4)


def test_all_values_of_the_table_are_those_of_a_recipe():
    space = RecipeSpace()
    assert space.values.keys() == VALUES.keys()
    for name, choices in VALUES.items():
        assert getattr(RECIPES["cifar"], name) is not None
        assert list(space.values[name]) == list(choices)


def test_numbers_are_logarithms_with_zero_below():
    space = RecipeSpace(
        {"l2": [0, 1e-4, 1e-3], "schedule": ["cosine", "exponential"]}
    )
    features = [space.features((choice, 1)) for choice in range(3)]
    steps = np.diff(np.array(features)[:, 0])
    np.testing.assert_allclose(steps, math.log(10))
    assert features[0][1:].tolist() == [0, 1]


def test_what_is_without_effect_makes_no_other_training():
    space = RecipeSpace(
        {"randaugment": [0, 2], "randaugment_magnitude": [3, 9]}
    )
    assert space.canonical((0, 1)) == space.canonical((0, 0))
    assert space.canonical((1, 1)) != space.canonical((1, 0))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({}, "`values`"),
        ({"colour": [1]}, "Expected a value of a recipe"),
        ({"epochs": [1, 2]}, "Expected a value of a recipe"),
        ({"learning_rate": [0.1, 0.1]}, "`learning_rate`"),
        ({"learning_rate": [0.1, "high"]}, "`learning_rate`"),
        ({"learning_rate": [-1, 0.1]}, "`learning_rate`"),
        ({"learning_rate": 0.1}, "`learning_rate`"),
        ({"schedule": ["linear"]}, "`schedule`"),
    ],
)
def test_what_is_no_value_of_a_recipe_is_a_sentence(values, named):
    with pytest.raises(ValueError, match=f"{named}.*Received: "):
        RecipeSpace(values)
