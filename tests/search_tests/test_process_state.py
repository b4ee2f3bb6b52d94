"""What the rest of the process meets after a search, or a part of one."""

import dataclasses

import numpy as np
import pytest

import search
from nasnet_keras.architectures import find_kind, to_data
from nasnet_keras.training.run import run_training
from nasnet_keras.training.settings import TrainingSettings
from search.evaluation import create_evaluator
from search.spaces.nasnet import NASNetSpace
from search.strategies import create_strategy

pytestmark = pytest.mark.usefixtures("tensorflow_as_it_begins")
SPACE = NASNetSpace(1)
DECISIONS = (0, 1, 0, 0, 0) * 2
SETTINGS = {
    "filters": 2,
    "epochs": 1,
    "train_images": 64,
    "validation_images": 32,
    "batch_size": 32,
}


@pytest.fixture
def settings(child_settings):
    return child_settings("digits", SPACE, **SETTINGS)


def policy_by_hand(settings, folder):
    learner = create_strategy("ppo", SPACE, 0).learner
    sampled, _ = learner.controller.sample(np.full((2, 10), 0.5, "float32"))
    learner.step(sampled, [0.0, 1.0])


def searched(settings, folder):
    evaluator = create_evaluator("training", settings, {})
    search.run(
        folder / "run",
        evaluator=evaluator,
        space=SPACE,
        strategy="random",
        trials=1,
    )
    search.resume(folder / "run", 2, evaluator=evaluator)


def trained(settings, folder):
    run_training(
        folder / "training",
        TrainingSettings(
            dataset="digits",
            network={
                "architecture": to_data(
                    find_kind("nasnet"), SPACE.decode(DECISIONS)
                ),
                "input_shape": [8, 8, 1],
                "repeats": 1,
                "filters": 2,
            },
            recipe=dataclasses.replace(settings.recipe, epochs=1),
            train_images=64,
            validation_images=32,
        ),
    )


@pytest.mark.parametrize(
    "use",
    [
        policy_by_hand,
        pytest.param(searched, marks=pytest.mark.large),
        pytest.param(trained, marks=pytest.mark.large),
    ],
)
def test_what_is_set_is_unset(use, settings, tmp_path, unchanged_process):
    """Of evaluators by hand: evaluation/test_contract.py."""
    with unchanged_process():
        use(settings, tmp_path)
