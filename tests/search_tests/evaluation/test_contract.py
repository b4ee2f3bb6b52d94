"""What every evaluator by name keeps to."""

import pytest

from search.evaluation import EVALUATORS, create_evaluator
from search.spaces.base import CAPABILITIES
from search.spaces.nasnet import NASNetSpace
from search.testing.evaluator_checks import EVALUATOR_CHECKS

# Options of each.
OPTIONS = {
    "training": {},
    "shared": {"calibration_batches": 1},
    "parameters": {},
    "multiply-adds": {},
    "naswot": {"images": 16},
    "jacobian-covariance": {"images": 16},
}
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
@pytest.mark.parametrize(
    "check", EVALUATOR_CHECKS, ids=lambda check: check.__name__
)
def test_it_keeps_the_contract(evaluators, name, check):
    check(evaluators[name], GENOTYPE)


@all_evaluators
def test_a_network_is_built_again_by_its_description(evaluators, name):
    described = evaluators[name].describe()
    try:
        built = evaluators[name].build(GENOTYPE)
    except ValueError:
        pytest.skip("The evaluator trains no networks.")
    model = SPACE.kind.build(GENOTYPE, **described["network"])
    assert model.count_params() == built.count_params()
    costs = evaluators[name].costs(GENOTYPE)
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
