"""What every evaluator by name keeps to."""

import importlib.util

import pytest

from search.evaluation import EVALUATORS, create_evaluator
from search.evaluation.score import ScoreEvaluator
from search.spaces.base import CAPABILITIES
from search.spaces.nasnet import NASNetSpace
from search.spaces.proxylessnas import ProxylessNASSpace
from search.testing.evaluator_checks import EVALUATOR_CHECKS

# Options of each.
OPTIONS = {
    "training": {},
    "int8": {"calibration_images": 8},
    "shared": {"calibration_batches": 1},
    "gated": {"calibration_batches": 1, "interval": 1},
    "parameters": {},
    "multiply-adds": {},
    "naswot": {"images": 16},
    "jacobian-covariance": {"images": 16},
}
SETTINGS = {
    "epochs": 1,
    "train_images": 64,
    "validation_images": 32,
    "batch_size": 32,
}
CELLS, PATHS = NASNetSpace(1), ProxylessNASSpace(0.25, kernels=(3,), stages=1)
# By evaluator, where it is not `CELLS`, and a small architecture of each.
SPACES = {"gated": PATHS}
ARCHITECTURES = {
    "nasnet": CELLS.decode((0, 1, 8, 0, 0) * 2),
    "proxylessnas": PATHS.decode((0, 2, 1, 2)),
}


def space_of(name):
    return SPACES.get(name, CELLS)


def architecture_of(name):
    return ARCHITECTURES[space_of(name).name]


# By evaluator a package that is not installed with this one.
EXTRAS = {"int8": "ai_edge_litert"}
INSTALLED = [
    name
    for name in EVALUATORS
    if name not in EXTRAS or importlib.util.find_spec(EXTRAS[name])
]

all_evaluators = pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=[
                pytest.mark.skipif(
                    name not in INSTALLED, reason=f"needs {EXTRAS.get(name)}"
                ),
                # It trains as `training` does, and exports each child.
                *([pytest.mark.large] if name == "int8" else []),
            ],
        )
        for name in EVALUATORS
    ],
)


def test_every_evaluator_has_options():
    assert OPTIONS.keys() == EVALUATORS.keys()


@pytest.fixture(scope="module")
def settings_of(child_settings):
    def settings_of(name):
        space = space_of(name)
        scale = {"filters": 2} if "filters" in space.kind.scale else {}
        return child_settings("digits", space, 1, **SETTINGS, **scale)

    return settings_of


@pytest.fixture(scope="module")
def evaluators(settings_of):
    return {
        name: create_evaluator(name, settings_of(name), OPTIONS[name])
        for name in INSTALLED
    }


@all_evaluators
@pytest.mark.parametrize(
    "check", EVALUATOR_CHECKS, ids=lambda check: check.__name__
)
def test_it_keeps_the_contract(evaluators, name, check, unchanged_process):
    """And puts back what it sets in the process."""
    with unchanged_process():
        check(evaluators[name], architecture_of(name))


@all_evaluators
def test_a_network_is_built_again_by_its_description(evaluators, name):
    described, architecture = evaluators[name].describe(), architecture_of(name)
    try:
        built = evaluators[name].build(architecture)
    except ValueError:
        pytest.skip("The evaluator trains no networks.")
    model = space_of(name).kind.build(architecture, **described["network"])
    assert model.count_params() == built.count_params()
    costs = evaluators[name].costs(architecture)
    assert costs["multiply_adds"] > 0


@all_evaluators
def test_the_row_says_what_it_is(evaluators, name):
    row = EVALUATORS[name]
    shares = evaluators[name].shared_weights is not None
    assert shares == row.shares_weights
    # Strategies filter by the `score` of one that trains nothing.
    assert isinstance(evaluators[name], ScoreEvaluator) != row.trains
    assert row.needs <= CAPABILITIES.keys()


@all_evaluators
def test_an_unknown_option_is_a_sentence(settings_of, name):
    with pytest.raises(ValueError, match=f"options for the evaluator '{name}"):
        create_evaluator(name, settings_of(name), {"colour": "red"})
