import dataclasses
import json
import sys

import numpy as np
import pytest

import search
from nasnet_auto.commands import train_cli
from nasnet_auto.trainings.candidates import Candidate
from nasnet_auto.trainings.changes import CHANGES
from nasnet_auto.tuning import TUNERS, TuningEvaluator, tune, values_of
from nasnet_keras.architectures import find_kind, to_data
from nasnet_keras.console.command_line import InputError
from nasnet_keras.files import locked
from nasnet_keras.kinds.layerwise import (
    ConvolutionLayer,
    LayerwiseArchitecture,
)
from nasnet_keras.training.evaluation.evaluate_run import evaluate_run
from nasnet_keras.training.recipes import RECIPES
from search.evaluation.base import Child, ChildSettings, EvaluationError
from search.spaces.recipe import VALUES, RecipeSpace
from search.strategies import STRATEGIES
from search.testing.evaluator_checks import check_evaluator

NETWORK = {
    "architecture": to_data(
        find_kind("layerwise"),
        LayerwiseArchitecture((ConvolutionLayer((3, 3), 4, (), (2, 2)),)),
    ),
    "input_shape": [8, 8, 1],
}
RECIPE = dataclasses.replace(
    RECIPES["search-proxy"],
    **{"epochs": 3, "batch_size": 16, "drop_path_rate": 0.0},
)
SPACE = RecipeSpace({"learning_rate": [0.01, 0.1], "frozen_epochs": [0, 1]})


def evaluator(**options):
    settings = ChildSettings(
        space=SPACE,
        dataset="digits",
        recipe=RECIPE,
        train_images=48,
        validation_images=30,
    )
    return TuningEvaluator(settings, NETWORK, **options)


@pytest.mark.large
def test_the_evaluator_keeps_the_contract():
    check_evaluator(evaluator(), SPACE.decode((1, 0)))


@pytest.mark.large
@pytest.mark.parametrize("fidelity", ["epochs", "images"])
def test_budget_by_budget_it_comes_to_what_it_comes_to_at_once(
    fidelity, tmp_path
):
    made = evaluator(fidelity=fidelity)
    (tmp_path / "whole").mkdir()
    child = Child(7, SPACE.decode((1, 1)), folder=tmp_path)
    first, last = (
        made.evaluate(dataclasses.replace(child, budget=budget))
        for budget in (1.0, 3.0)
    )
    folder = tmp_path / "00007"
    assert (first.budget, last.budget) == (1.0, 3.0)
    assert (folder / "model.keras").exists()
    at_once = made.evaluate(
        dataclasses.replace(child, folder=tmp_path / "whole")
    )
    assert at_once.metrics == last.metrics
    assert first.metrics != last.metrics


@pytest.mark.large
def test_a_share_of_the_images_is_trained_on_for_all_epochs(tmp_path):
    made = evaluator(fidelity="images")
    made.evaluate(Child(0, SPACE.decode((1, 0)), folder=tmp_path, budget=1.0))
    record = json.loads((tmp_path / "00000" / "config.json").read_text())
    assert record["settings"]["train_images"] == 16
    history = json.loads((tmp_path / "00000" / "history.json").read_text())
    assert len(history) == 3
    evaluated = evaluate_run(tmp_path / "00000", "validation")
    assert evaluated.accuracy == pytest.approx(history[-1]["val_accuracy"])


def test_a_training_that_another_process_has_is_left_to_it(tmp_path):
    child = Child(0, SPACE.decode((1, 0)), folder=tmp_path, budget=1.0)
    evaluator().evaluate(child)
    lock = tmp_path / "00000" / "lock"
    with locked(lock, ""), pytest.raises(InputError, match="Another process"):
        evaluator().evaluate(dataclasses.replace(child, budget=2.0))
    assert (tmp_path / "00000" / "history.json").exists()


def test_a_training_that_cannot_be_is_a_failed_child(tmp_path):
    large = RecipeSpace({"batch_size": [64]})
    with pytest.raises(EvaluationError, match="`batch_size`"):
        evaluator().evaluate(Child(0, large.decode((0,)), folder=tmp_path))


@pytest.fixture
def untrained(monkeypatch):
    """Accuracies follow from the learning rate; returns what was trained."""
    trained = []

    def train(self, child, recipe, budget, folder):
        trained.append((child.number, budget))
        accuracy = 1 / (1 + abs(recipe.learning_rate - 0.05))
        entry = {"epoch": 1, "val_accuracy": accuracy, "val_loss": 1.0}
        return [{**entry, "loss": 1.0}] * RECIPE.epochs

    monkeypatch.setattr(TuningEvaluator, "_train", train)
    return trained


def begin(folder, trials, strategy="bayesian", dataset="digits", **others):
    return tune(
        folder,
        dataset,
        NETWORK,
        RECIPE,
        values={name: VALUES[name] for name in ("learning_rate", "l2")},
        strategy=strategy,
        trials=trials,
        validation_images=30,
        **others,
    )


def outcomes(run):
    return [(trial.decisions, trial.reward) for trial in run.trials]


@pytest.mark.parametrize("strategy", ["grid", "hyperband", "bohb"])
def test_the_same_command_goes_on(strategy, tmp_path, untrained):
    whole = begin(tmp_path / "whole", 14, strategy)
    begin(tmp_path / "parts", 5, strategy)
    parts = begin(tmp_path / "parts", 14, strategy)
    assert outcomes(parts) == outcomes(whole)
    # The same again trains nothing.
    before = len(untrained)
    begin(tmp_path / "parts", 5, strategy)
    assert len(untrained) == before


def test_hyperband_trains_at_several_budgets(tmp_path, untrained):
    begin(tmp_path / "run", 14, "hyperband")
    assert {budget for _, budget in untrained} == {1.0, 3.0}


def test_other_settings_are_refused(tmp_path, untrained):
    begin(tmp_path, 2)
    with pytest.raises(InputError, match="config.seed.*Received: 1"):
        begin(tmp_path, 2, seed=1)


def test_paths_are_texts_and_a_data_set_may_be_relative(
    tmp_path, monkeypatch, untrained
):
    monkeypatch.chdir(tmp_path)
    pixels = np.zeros((60, 8, 8, 1), np.uint8)
    np.savez("own.npz", x_train=pixels, y_train=np.arange(60) % 2)
    for trials in (2, 3):  # The second time it goes on.
        run = begin("run", trials, dataset="own.npz")
    assert len(run.trials) == 3


def test_arrays_are_refused(tmp_path):
    data = np.zeros((60, 8, 8, 3), np.uint8), np.arange(60) % 2
    with pytest.raises(InputError, match="`dataset`. Expected a name.*savez"):
        begin(tmp_path / "run", 2, dataset=data)
    assert not (tmp_path / "run").exists()


def test_every_tuner_is_a_strategy():
    for name, settings in TUNERS.items():
        assert settings.get("strategy", name) in STRATEGIES


def test_what_is_tuned_follows_from_the_network_and_what_is_given():
    found = values_of(NETWORK, RECIPE, {}, fixed=["l2"])
    assert "drop_path_rate" not in found  # it has no cells
    assert "l2" not in found and "frozen_epochs" not in found
    pretrained = values_of(NETWORK, RECIPE, {}, pretrained=True)
    assert pretrained["frozen_epochs"] == [0, 1, 2]
    assert values_of(NETWORK, RECIPE, {"l2": [0, 1]}) == {"l2": [0, 1]}


def test_the_stage_of_tuning_takes_steps_of_the_same_table():
    candidate = Candidate(
        "plain network",
        {"dataset": "digits", "network": NETWORK, "seed": 5}
        | {"recipe": dataclasses.asdict(RECIPE)},
    )
    steps = {
        name: change.values(candidate, None)
        for name, change in CHANGES.items()
        if name != "larger images"
    }
    assert steps == {
        "higher rate": {"learning_rate": 0.15},
        "mixup": {"mixup": 0.2},
        "labels smoothed": {"label_smoothing": 0.1},
        "lower rate": {"learning_rate": 0.015},
        "longer": {"epochs": 4 * RECIPE.epochs},
        "another seed": {"seed": 6},
    }
    assert (
        CHANGES["higher rate"].values(
            candidate.changed("other", learning_rate=0.15), None
        )
        == {}
    )


def call(*arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["nasnet-train", *map(str, arguments)])
        return train_cli.main()


def options(folder, **others):
    (folder / "network.json").write_text(json.dumps(NETWORK["architecture"]))
    given = {
        "architecture": folder / "network.json",
        "image-size": 8,
        "dataset": "digits",
        "recipe": "search-proxy",
        "epochs": 1,
        "train-images": 64,
        "validation-images": 30,
        "output": folder / "run",
        **others,
    }
    pairs = [(f"--{name}", value) for name, value in given.items()]
    return [word for pair in pairs for word in pair]


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"values": "colour=[1]"}, "Expected a value of a recipe"),
        ({"values": "drop_path_rate=[0,0.1]"}, "does not follow"),
        ({"values": "epochs=[1,2]"}, "Received: both"),
        ({"values": "l2"}, "Expected NAME=VALUE"),
        ({"strategy": "annealing"}, "`strategy`. Expected one of bayesian"),
        ({"strategy": "hyperband"}, "fewer `first_epochs`"),
        ({"fidelity": "depth"}, "`fidelity`. Expected one of epochs, images"),
        ({"dataset": "nowhere"}, "nowhere"),
    ],
)
def test_what_cannot_be_used_is_a_sentence(others, said, tmp_path, capsys):
    assert call("tune", *options(tmp_path, **others)) == 2
    errors = capsys.readouterr().err
    assert said in errors and errors.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_tuning_is_a_run_of_a_search(tmp_path, capsys):
    values = {"values": "learning_rate=[0.01,0.1]", "trials": 2}
    assert call("tune", *options(tmp_path, **values)) == 0
    assert "`nasnet-train run`: --learning-rate 0." in capsys.readouterr().out
    run = search.load(tmp_path / "run")
    best = run.status()["best"]
    assert best["architecture"]["decisions"].keys() == {"learning_rate"}
    assert best["metrics"]["validation_images"] == 30
    search.export(run, tmp_path / "best")
    assert (tmp_path / "best" / "model.keras").exists()
