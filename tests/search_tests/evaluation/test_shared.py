import math
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import search
from nasnet_keras import load_model
from nasnet_keras.console.command_line import InputError, RunError
from search.evaluation.base import Child
from search.evaluation.shared import SharedEvaluator
from search.evaluation.training import TrainingEvaluator
from search.executors.configuration import ExecutionConfig
from search.runs.config import create_configuration
from search.runs.settle import settle
from search.spaces.nasnet import NASNetSpace
from search.storage.run_folder import (
    SHARED_CHILDREN_FILE,
    SHARED_FILE,
    weights_file,
)

SETTINGS = {
    "filters": 2,
    "epochs": 2,
    "train_images": 192,
    "validation_images": 60,
    "batch_size": 32,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def evaluator(child_settings):
    return SharedEvaluator(
        child_settings("digits", NASNetSpace(1), 1, **SETTINGS)
    )


def genotypes(evaluator, count):
    rng = np.random.default_rng(5)
    space = evaluator.space
    return [space.decode(space.sample(rng)) for _ in range(count)]


@pytest.fixture(scope="module")
def evaluations(evaluator, folder):
    """Of three children, the file of each in the folder."""
    return [
        evaluator.evaluate(Child(number, genotype, folder=folder))
        for number, genotype in enumerate(genotypes(evaluator, 3))
    ]


def test_what_comes_out(evaluator, evaluations):
    first, *others = evaluations
    for evaluation, genotype in zip(
        evaluations, genotypes(evaluator, 3), strict=True
    ):
        metrics = evaluation.metrics
        assert evaluation.reward == metrics["accuracy"]
        # Of 60 images.
        assert (60 * evaluation.reward) % 1 == pytest.approx(0, abs=1e-6)
        assert math.isfinite(metrics["loss"])
        assert evaluation.budget == 2
        costs = evaluator.costs(genotype)
        assert {name: metrics[name] for name in costs} == costs
    assert all("train" not in other.seconds for other in others)
    assert first.seconds["train"] > 0


def test_the_network_is_trained_once_and_gone_on_with(
    evaluator, evaluations, folder, child_settings
):
    """By another evaluator, in another order, from the file."""
    before = (folder / SHARED_FILE).stat().st_mtime_ns
    other = SharedEvaluator(
        child_settings("digits", NASNetSpace(1), 1, **SETTINGS)
    )
    for number in (2, 0):
        again = other.evaluate(
            Child(7, genotypes(evaluator, 3)[number], folder=folder)
        )
        assert again.metrics == evaluations[number].metrics
    assert (folder / SHARED_FILE).stat().st_mtime_ns == before


def test_the_best_so_far_leaves_its_weights(evaluator, evaluations, folder):
    """They give an ordinary model the same accuracy."""
    rewards = [evaluation.reward for evaluation in evaluations]
    best = -math.inf
    for number, reward in enumerate(rewards):
        file = weights_file(folder, number)
        assert file.exists() == (reward > best)
        best = max(best, reward)
        if not file.exists():
            continue
        model = evaluator.build(genotypes(evaluator, 3)[number])
        model.load_weights(file)
        correct = [
            np.argmax(model(images), -1) == labels
            for images, labels in evaluator.data.validation
        ]
        assert np.concatenate(correct).mean() == pytest.approx(reward)


@pytest.mark.large
def test_a_training_in_turns_goes_on_as_if_never_stopped(
    tmp_path, child_settings
):
    """On the children of the round before; the evaluator is another one from
    the fourth child on, which a kill has left half evaluated."""

    def create():
        return SharedEvaluator(
            child_settings("digits", NASNetSpace(1), 1, **SETTINGS),
            rounds=2,
            round_cells=2,
        )

    def evaluate(evaluator, number, folder):
        folder.mkdir(exist_ok=True)
        return evaluator.evaluate(
            Child(number, genotypes(evaluator, 5)[number], folder=folder)
        )

    evaluator = create()
    whole = [evaluate(evaluator, number, tmp_path / "a") for number in range(5)]
    assert [each.budget for each in whole] == [1, 1, 2, 2, 2]
    steps = evaluator.steps_per_epoch
    drawn = {evaluator.draw(step) for step in range(steps, 2 * steps)}
    assert drawn == set(genotypes(evaluator, 2))
    killed = create()
    parts = [evaluate(killed, number, tmp_path / "b") for number in range(4)]
    with open(tmp_path / "b" / SHARED_CHILDREN_FILE, "a") as file:
        file.write('{"trial": 4, "de')
    resumed = create()
    parts[3:] = [evaluate(resumed, number, tmp_path / "b") for number in (3, 4)]
    assert [each.metrics for each in parts] == [each.metrics for each in whole]
    other = create()
    (tmp_path / "b" / SHARED_CHILDREN_FILE).unlink()
    with pytest.raises(RunError, match="a shared network of other children"):
        evaluate(other, 0, tmp_path / "b")


def test_what_it_depends_on_is_described(evaluator, child_settings):
    described = evaluator.describe()
    alone = TrainingEvaluator(
        child_settings("digits", NASNetSpace(1), 1, **SETTINGS)
    ).describe()
    assert described.items() > alone.items()
    assert described["shared"]["space"]["blocks"] == 1


@pytest.mark.large
def test_shared_weights_learn(child_settings):
    """500 steps, each on a cell of 28,561, take children beyond guessing, one
    in ten of 144 images."""
    evaluator = SharedEvaluator(
        child_settings(
            "digits",
            NASNetSpace(1, ("add",)),
            1,
            filters=8,
            epochs=25,
            drop_path_rate=0.0,
        )
    )
    rewards = [
        evaluator.evaluate(Child(number, genotype)).reward
        for number, genotype in enumerate(genotypes(evaluator, 7))
    ]
    assert np.median(rewards) > 0.15


RUN = """
import sys
import search
search.{call}
"""
SEARCH = {
    "dataset": "digits",
    "strategy": "random",
    "evaluator": "shared",
    "trials": 3,
    "space_options": {"blocks": 1},
    "seed": 1,
    "recipe": {
        "epochs": SETTINGS["epochs"],
        "batch_size": SETTINGS["batch_size"],
    },
    "child": {
        name: SETTINGS[name]
        for name in ("filters", "train_images", "validation_images")
    },
    "tensorboard": False,
}


@pytest.mark.large
def test_a_killed_search_ends_with_the_same_best_cell(tmp_path):
    whole = search.run(tmp_path / "whole", **SEARCH)

    def python(call, **environment):
        code = "import search.weight_sharing.training as training\n"
        code += "training.CHECKPOINT_SECONDS = 0\n" + RUN.format(call=call)
        return subprocess.Popen(
            [sys.executable, "-c", code], env={**os.environ, **environment}
        )

    killed = tmp_path / "killed"
    process = python(f"run({str(killed)!r}, **{SEARCH!r})")
    file = killed / "children" / SHARED_FILE
    while not file.exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert search.load(killed).best is None
    resumed = python(f"resume({str(killed)!r}, tensorboard=False)")
    assert resumed.wait() == 0
    assert [
        (trial.decisions, trial.reward) for trial in search.load(killed).trials
    ] == [(trial.decisions, trial.reward) for trial in whole.trials]
    exported = search.export(search.load(killed), tmp_path / "best")
    assert (exported / "model.keras").exists()


@pytest.mark.large
@pytest.mark.filterwarnings("ignore:.* are identities")
def test_a_search_by_gradients(tmp_path, child_settings):
    """Its first trial is the strongest cell, and one that goes on in another
    process proposes the next."""
    path = tmp_path / "darts"
    options = {"blocks": 1, "combiners": ["add"]}
    settings = {**SEARCH, "strategy": "darts", "space_options": options}
    del settings["evaluator"]
    begun = search.run(path, **{**settings, "trials": 2}).trials
    evaluator = SharedEvaluator(
        child_settings("digits", NASNetSpace(1, ("add",)), 1, **SETTINGS),
        order=1,
    )
    cells = [
        evaluator.suggest(number, path / "children") for number in range(3)
    ]
    before = (path / "children" / SHARED_FILE).stat().st_mtime_ns
    resumed = search.resume(path, 3, tensorboard=False)
    assert (path / "children" / SHARED_FILE).stat().st_mtime_ns == before
    proposed = [
        resumed.space.decode(trial.decisions) for trial in resumed.trials
    ]
    assert proposed == cells
    for trial in resumed.trials:
        assert trial.evaluation.budget == SETTINGS["epochs"]
    assert begun == resumed.trials[:2]
    assert "train" in begun[0].evaluation.seconds
    # Of the third one there is the shared network only.
    resumed.directory.weights(2).unlink(missing_ok=True)
    exported = search.export(resumed, tmp_path / "third", trial=2)
    model = load_model(exported / "model.keras")
    correct = [
        # It takes pixels.
        np.argmax(model(127.5 * (images + 1)), -1) == labels
        for images, labels in evaluator.data.validation
    ]
    found = np.concatenate(correct).mean()
    assert found == pytest.approx(resumed.trials[2].reward)


@pytest.mark.large
def test_fewer_operations_and_one_cell(tmp_path, child_settings):
    """Learnt by gradients, then measured: none is in no cell."""
    space = NASNetSpace(1, ("add",), ("none", "conv_1x1", "identity"), cells=1)
    evaluator = SharedEvaluator(
        child_settings("digits", space, 1, **SETTINGS), order=1
    )
    cells = [evaluator.suggest(number, tmp_path) for number in range(4)]
    assert len(set(cells)) == 4
    with pytest.raises(RunError, match=r"All 4 cells were evaluated; there"):
        evaluator.suggest(4, tmp_path)
    for genotype in cells:
        assert genotype.normal == genotype.reduction
        assert "none" not in genotype.to_json()
    evaluation = evaluator.evaluate(Child(0, cells[0], folder=tmp_path))
    assert 0 <= evaluation.reward <= 1


def test_the_rounds_of_a_run_are_an_even_share_of_its_trials():
    settled = settle(
        None,
        {
            "dataset": "digits",
            "strategy": "enas",
            "trials": 31,
            "recipe": {"epochs": 3},
        },
        ExecutionConfig(),
    )
    assert settled.evaluator_options == {"in_turns": True, "round_cells": 10}
    longer = create_configuration({**settled.model_dump(), "trials": 90})
    assert longer.identity == settled.identity


@pytest.mark.parametrize(
    ("trials", "options"),
    [(4, {"rounds": 4, "round_cells": 1}), (1, {"rounds": 1})],
)
def test_each_round_has_a_trial(trials, options):
    """Else the training would end in the middle."""
    settings = {
        "dataset": "digits",
        "strategy": "enas",
        "recipe": {"epochs": 9},
    }
    settled = settle(None, {**settings, "trials": trials}, ExecutionConfig())
    assert settled.evaluator_options == {"in_turns": True, **options}
    settings["evaluator_options"] = {"rounds": 9}
    with pytest.raises(
        InputError, match=f"`rounds`. Expected at most {trials}"
    ):
        settle(None, {**settings, "trials": trials}, ExecutionConfig())


def test_outcomes_change_with_the_rounds(evaluator, child_settings, tmp_path):
    assert not evaluator.outdated(0, tmp_path)
    settings = child_settings("digits", NASNetSpace(1), 1, **SETTINGS)
    in_turns = SharedEvaluator(settings, rounds=2, round_cells=2)
    for number, genotype in enumerate(genotypes(evaluator, 4)):
        # The next is evaluated as the first is, until two were.
        assert in_turns.outdated(0, tmp_path) == (number >= 2)
        child = Child(number, genotype, folder=tmp_path)
        assert in_turns.round_of(child) == number // 2
    again = SharedEvaluator(settings, rounds=2, round_cells=2)
    assert [again.outdated(number, tmp_path) for number in range(5)] == (
        [True, True, False, False, False]
    )


def test_an_evaluator_without_gradients_suggests_nothing(evaluator, tmp_path):
    with pytest.raises(ValueError, match="`order` None, which does not"):
        evaluator.suggest(0, tmp_path)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"strategy": "darts", "evaluator": "training"},
            "Expected the evaluator shared with the strategy darts",
        ),
        ({"strategy": "darts"}, "a space of .* the combiner add alone"),
    ],
)
def test_settings_that_disagree_with_gradients(settings, sentence):
    with pytest.raises(InputError, match=sentence):
        create_configuration({"dataset": "digits", **settings})


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"order": 3}, "`order`. Expected 1, 2 or none"),
        ({"order": 1, "rounds": 2}, "`order`. Expected 1, 2 or none, and one"),
        ({"order": True}, "`order`. Expected 1, 2 or none"),
        ({"order": 1}, "a space of .* the combiner add alone"),
        ({"rounds": 9}, "`rounds`. Expected an integer from 1 to 2"),
        ({"rounds": 0}, "`rounds`. Expected an integer from 1 to 2"),
        ({"rounds": "abc"}, "`rounds`. Expected an integer from 1 to 2"),
        ({"in_turns": "yes"}, "`in_turns`. Expected True or False"),
        ({"round_cells": 0}, "`round_cells`. Expected an integer from 1"),
        ({"round_cells": 9}, "`round_cells`. Expected none without rounds"),
        ({"cost_weight": 1.0}, "`cost_weight`. Expected none without an order"),
        ({"architecture_rate": 1.0}, "`architecture_rate`. Expected none"),
        ({"round_cells": 0.5}, "`round_cells`. Expected an integer from 1"),
        ({"calibration_batches": 0}, "`calibration_batches`. Expected an int"),
    ],
)
def test_options_out_of_range_are_refused(child_settings, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        SharedEvaluator(child_settings(**SETTINGS), **options)


@pytest.mark.parametrize(
    "values",
    [
        {"optimizer": "rmsprop"},
        {"schedule": "exponential"},
        {"label_smoothing": 0.5},
        {"dropout": 0.5},
        {"bn_momentum": 0.9},
        {"auxiliary_weight": 0.4},
    ],
)
def test_what_a_shared_network_does_not_do_is_refused(child_settings, values):
    with pytest.raises(ValueError, match=f"`{next(iter(values))}`. Expected"):
        SharedEvaluator(child_settings(**{**SETTINGS, **values}))


def test_a_classifier_that_normalises_needs_two_images(child_settings):
    with pytest.raises(ValueError, match="Expected 2 or more with shared"):
        SharedEvaluator(child_settings(**{**SETTINGS, "batch_size": 1}))


def test_gradients_drop_no_paths(child_settings):
    settings = child_settings(
        space=NASNetSpace(1, ("add",)), **SETTINGS, drop_path_rate=0.3
    )
    with pytest.raises(ValueError, match="`drop_path_rate`. Expected 0.0"):
        SharedEvaluator(settings, order=1)
    # Of the recipe's own values it is left out.
    chosen = {"strategy": "darts", "recipe": "cifar", "space": "darts"}
    config = create_configuration({"dataset": "digits", **chosen})
    assert config.recipe.drop_path_rate == 0
    shared = {**chosen, "strategy": "one-shot"}
    config = create_configuration({"dataset": "digits", **shared})
    assert config.recipe.drop_path_rate > 0


def test_gradients_need_a_batch_to_validate_on(child_settings):
    with pytest.raises(ValueError, match="at least a batch of them, 32"):
        SharedEvaluator(
            child_settings(
                space=NASNetSpace(1, ("add",)),
                **{**SETTINGS, "validation_images": 20},
            ),
            order=1,
        )


def test_children_of_one_network_have_one_worker(tmp_path):
    with pytest.raises(InputError, match="`workers`. Expected 1, in process"):
        search.run(tmp_path / "run", **SEARCH, workers=2)
    assert not (tmp_path / "run").exists()
