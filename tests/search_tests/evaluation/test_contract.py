"""What every evaluator by name keeps to."""

import json
import math

import pytest

from search.evaluation import EVALUATORS, create_evaluator
from search.evaluation.base import Child
from search.spaces.base import CAPABILITIES
from search.spaces.nasnet import NASNetSpace

# Options of each.
OPTIONS = {"training": {}, "shared": {"calibration_batches": 1}}
SETTINGS = {
    "filters": 2,
    "epochs": 1,
    "train_images": 64,
    "validation_images": 30,
    "batch_size": 32,
}
SPACE = NASNetSpace(1)
GENOTYPE = SPACE.decode((0, 1, 8, 0, 0) * 2)

all_evaluators = pytest.mark.parametrize("name", EVALUATORS)


def test_every_evaluator_has_options():
    assert OPTIONS.keys() == EVALUATORS.keys()


@pytest.fixture(scope="module")
def evaluators(child_settings):
    settings = child_settings("digits", SPACE, 1, **SETTINGS)
    return {
        name: create_evaluator(name, settings, OPTIONS[name])
        for name in EVALUATORS
    }


@all_evaluators
def test_the_same_child_is_the_same(evaluators, name):
    child = Child(0, GENOTYPE, seed=3)
    one, other = (evaluators[name].evaluate(child) for _ in range(2))
    assert math.isfinite(one.reward)
    assert one.reward == other.reward
    assert one.metrics == other.metrics
    assert one.budget == other.budget > 0


@all_evaluators
def test_what_it_depends_on_is_described_as_json(evaluators, name):
    described = evaluators[name].describe()
    assert json.loads(json.dumps(described)) == described
    # By these `export` and `retrain` build the network again.
    kind = SPACE.kind
    model = kind.build(GENOTYPE, **described["network"])
    built = evaluators[name].build(GENOTYPE)
    assert model.count_params() == built.count_params()
    costs = evaluators[name].costs(GENOTYPE)
    assert costs["parameters"] > 0
    assert costs["multiply_adds"] > 0


@all_evaluators
def test_the_row_says_what_it_is(evaluators, name):
    row = EVALUATORS[name]
    shares = evaluators[name].shared_weights is not None
    assert shares == row.shares_weights
    assert row.needs <= CAPABILITIES.keys()


@all_evaluators
def test_an_unknown_option_is_a_sentence(child_settings, name):
    settings = child_settings("digits", SPACE, 1, **SETTINGS)
    with pytest.raises(ValueError, match=f"options for the evaluator '{name}"):
        create_evaluator(name, settings, {"colour": "red"})
