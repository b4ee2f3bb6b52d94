import numpy as np
import pytest

import search
from nasnet_keras import load_model
from nasnet_keras.console.command_line import InputError
from search.evaluation.base import Child
from search.evaluation.gated import GatedEvaluator
from search.runs.config import create_configuration
from search.spaces.mobile import MobileSpace
from search.spaces.proxylessnas import ProxylessNASSpace

OPTIONS = {"width": 0.25, "kernels": [3], "stages": 1}
SPACE = ProxylessNASSpace(**OPTIONS)
SETTINGS = {
    "epochs": 1,
    "train_images": 96,
    "validation_images": 60,
    "batch_size": 32,
}
RUN = {
    "dataset": "digits",
    "strategy": "proxylessnas",
    "space": "proxylessnas",
    "space_options": OPTIONS,
    "evaluator_options": {"interval": 1},
    "recipe": {"epochs": 1, "batch_size": 32},
    "child": {"train_images": 96, "validation_images": 60},
    "tensorboard": False,
}


@pytest.fixture(scope="module")
def evaluator(child_settings):
    settings = child_settings("digits", SPACE, 1, **SETTINGS)
    return GatedEvaluator(settings, interval=1)


@pytest.mark.large
def test_the_best_so_far_leaves_its_weights(evaluator, tmp_path):
    """They give an ordinary model, with dropped paths, the same accuracy."""
    found = [evaluator.suggest(number, tmp_path) for number in range(3)]
    assert len(set(found)) == 3
    child = Child(0, found[0], folder=tmp_path)
    evaluation = evaluator.evaluate(child)
    assert evaluation.budget == 1
    assert evaluation.metrics["multiply_adds"] > 0
    model = evaluator.build(found[0])
    model.load_weights(child.weights)
    correct = [
        np.argmax(model(images), -1) == labels
        for images, labels in evaluator.data.validation
    ]
    assert np.concatenate(correct).mean() == pytest.approx(evaluation.reward)
    assert evaluator.accuracy(found[0], tmp_path) == evaluation.reward


def test_a_space_without_paths_is_refused(child_settings):
    with pytest.raises(ValueError, match="each layer is one of several"):
        GatedEvaluator(child_settings("digits", MobileSpace(), **SETTINGS))


@pytest.mark.parametrize(
    "option",
    [
        {"warmup": 2},
        {"interval": 0},
        {"gate_rate": -1},
        {"cost_weight": "high"},
        {"calibration_batches": 0},
    ],
)
def test_options_out_of_range_are_refused(child_settings, option):
    with pytest.raises(ValueError, match=f"`{next(iter(option))}`. Expected"):
        GatedEvaluator(child_settings("digits", SPACE, **SETTINGS), **option)


@pytest.mark.parametrize("option", [{"warmup": 1}, {"interval": 3}])
def test_gates_that_are_never_trained_are_refused(child_settings, option):
    settings = child_settings("digits", SPACE, **SETTINGS)
    with pytest.raises(ValueError, match="a step of the gates behind"):
        GatedEvaluator(settings, **option)


def test_gates_need_a_batch_to_validate_on(child_settings):
    settings = {**SETTINGS, "validation_images": 20}
    with pytest.raises(ValueError, match="at least a batch of them, 32"):
        GatedEvaluator(child_settings("digits", SPACE, **settings))


@pytest.mark.parametrize(
    ("objective", "sentence"),
    [
        ({"reward": "netscore"}, "the reward accuracy, or mnasnet"),
        (
            {
                "reward": "mnasnet",
                "cost": "parameters",
                "target": 9,
                "hard": True,
            },
            "or mnasnet without `hard`",
        ),
        (
            {"reward": "mnasnet", "cost": "latency", "target": 1},
            "a `latency_table`, since a latency that is measured has no grad",
        ),
    ],
)
@pytest.mark.parametrize(
    "settings",
    [
        {"strategy": "darts", "space": "darts"},
        {"strategy": "proxylessnas", "space": "proxylessnas"},
        {"strategy": "random", "space": "macro", "evaluator": "gated"},
        {
            "strategy": "random",
            "space": "darts",
            "evaluator": "shared",
            "evaluator_options": {"order": 1},
        },
    ],
)
def test_what_gradients_cannot_weigh_is_refused(settings, objective, sentence):
    settings = {"dataset": "digits", **settings, "objective": objective}
    with pytest.raises(InputError, match=sentence):
        create_configuration(settings)
    # A run of before it was refused can be looked at.
    assert create_configuration(settings, to_look=True)


def test_what_learns_by_no_gradients_weighs_any_reward():
    settings = {"dataset": "digits", "objective": {"reward": "netscore"}}
    for evaluator, strategy in (
        ("training", "random"),
        ("shared", "random"),
        ("shared", "enas"),
    ):
        more = {"strategy": strategy, "evaluator": evaluator}
        assert create_configuration({**settings, **more})


@pytest.mark.large
def test_a_search_by_gates_with_a_cost(tmp_path):
    """A cost that outweighs all else finds the cheapest network; it is
    exported as any other."""
    cost = {"reward": "mnasnet", "cost": "multiply_adds", "target": 1e5}
    run = search.run(
        tmp_path / "run",
        trials=2,
        objective=cost,
        **{
            **RUN,
            "evaluator_options": {
                "cost_weight": 1e6,
                "gate_rate": 3.0,
                "interval": 1,
                "warmup": 0.0,
            },
            "recipe": {"epochs": 10, "batch_size": 32},
        },
    )
    cheapest = tuple(
        decision.choices.index(
            "identity"
            if "identity" in decision.choices
            else "inverted_residual_3/3x3"
        )
        for decision in run.space.decisions
    )
    assert run.trials[0].decisions == cheapest
    exported = search.export(run, tmp_path / "best", trial=1)
    assert load_model(exported / "model.keras").output_shape == (None, 10)


@pytest.mark.large
@pytest.mark.filterwarnings("ignore:.* are identities")
def test_darts_weighs_a_cost(tmp_path):
    """A cost that outweighs all else takes the operation without one; without
    its weight, gradients take the other one here."""
    found = {}
    for weight in (1e6, 0.0):
        run = search.run(
            tmp_path / f"run_{weight}",
            dataset="digits",
            strategy="darts",
            space_options={
                "blocks": 1,
                "combiners": ["add"],
                "operations": ["sep_conv_3x3", "identity"],
            },
            trials=1,
            objective={
                "reward": "mnasnet",
                "cost": "multiply_adds",
                "target": 1e5,
            },
            evaluator_options={"cost_weight": weight},
            recipe={"epochs": 1, "batch_size": 32},
            child={"train_images": 96, "validation_images": 60, "filters": 2},
            tensorboard=False,
        )
        found[weight] = run.architecture.to_json()
    assert "sep_conv" not in found[1e6]
    assert "sep_conv" in found[0.0]
    shared = run.identity["evaluator"]["shared"]
    assert shared["cost_weight"] == 0.0 and shared["target"] == 1e5
