"""What `search.spaces.base` promises, for every space there is."""

import dataclasses

import pytest

import search
from nasnet_keras.architectures import read_architecture
from nasnet_keras.console.command_line import InputError
from nasnet_keras.training.recipes import RECIPES, adapted
from search.evaluation import EVALUATORS
from search.spaces import SPACES, create_space, name_space
from search.strategies import STRATEGIES, strategy_class
from search.testing.space_checks import SPACE_CHECKS
from search.trial import TrialState
from search.views.report.page import write_report

# Options with which a space is small; every space has an entry.
OPTIONS = {
    "nasnet": {"blocks": 2},
    # These are made already.
    **dict.fromkeys(("pnasnet", "enas", "darts", "amoebanet"), {}),
    "layerwise": {"layers": 4, "strides": "searched"},
    "mobile": {"width": 0.25, "blocks": 3},
    "hierarchical": {"motifs": 2, "motif_nodes": 3, "cell_nodes": 3},
    "proxylessnas": {"width": 0.25, "kernels": [3], "stages": 1},
    "macro": {},
    "nasbench101": {"vertices": 4},
    "nasbench201": {"nodes": 3},
    "recipe": {"values": {"learning_rate": [0.1, 0.01], "l2": [0, 1e-4]}},
}

# Strategies that share weights want cells that one network can hold, and those
# of gradients such as add alone, or paths side by side.
OF_CELLS, OF_PATHS = {"one-shot", "enas", "darts"}, {"proxylessnas"}
NEITHER = OF_CELLS | OF_PATHS
REFUSED = {
    "nasnet": {"darts"} | OF_PATHS,
    **dict.fromkeys(("pnasnet", "enas", "darts", "amoebanet"), OF_PATHS),
    **dict.fromkeys(("proxylessnas", "macro"), OF_CELLS),
    **dict.fromkeys(("layerwise", "mobile", "hierarchical"), NEITHER),
    **dict.fromkeys(("nasbench101", "nasbench201"), NEITHER),
    "recipe": {*STRATEGIES},  # its networks are its evaluator's
}

all_spaces = pytest.mark.parametrize("name", SPACES)


def test_every_space_has_options():
    assert OPTIONS.keys() == REFUSED.keys() == SPACES.keys()


@all_spaces
@pytest.mark.parametrize(
    "check", SPACE_CHECKS, ids=lambda check: check.__name__
)
def test_it_keeps_the_contract(name, check):
    check(create_space(name, OPTIONS[name]))


@all_spaces
def test_it_is_known_by_its_name(name):
    space = create_space(name, OPTIONS[name])
    assert name_space(space)[0] == name


@all_spaces
def test_it_has_defaults(name):
    groups = create_space(name, OPTIONS[name]).groups
    assert create_space(name).groups >= groups


@all_spaces
def test_strategies_that_do_not_suit_are_refused(name, tmp_path):
    capabilities, refused = (
        create_space(name, OPTIONS[name]).capabilities,
        set(),
    )
    for strategy in STRATEGIES:
        found = strategy_class(strategy)
        if (found.needs | EVALUATORS[found.evaluator].needs) - capabilities:
            refused.add(strategy)
            with pytest.raises(
                InputError, match="a space of (cells|architectures)"
            ):
                search.run(
                    tmp_path / strategy,
                    dataset="digits",
                    space=name,
                    space_options=OPTIONS[name],
                    strategy=strategy,
                    trials=1,
                )
            assert not (tmp_path / strategy).exists()
    assert refused == REFUSED[name]


@pytest.mark.large
@all_spaces
def test_a_search_is_exported_retrained_and_reported(name, tmp_path):
    kind = create_space(name, OPTIONS[name]).kind
    if kind is None:
        pytest.skip("its architectures are no networks")
    search.run(
        tmp_path / "run",
        dataset="digits",
        space=name,
        space_options=OPTIONS[name],
        strategy="random",
        trials=1,
        recipe={"epochs": 1},
        tensorboard=False,
    )
    run = search.load(tmp_path / "run")
    assert [trial.state for trial in run.trials] == [TrialState.COMPLETE]
    output = search.export(run, tmp_path / "best")
    written, architecture = read_architecture(output / "architecture.json")
    assert written.name == kind.name and architecture == run.architecture
    recipe = adapted(RECIPES["search-proxy"], kind.unsupported)
    recipe = dataclasses.replace(recipe, epochs=1)
    assert len(search.retrain(run, recipe, top=1).children) == 1
    assert name in write_report([run], tmp_path / "page.html").read_text()
