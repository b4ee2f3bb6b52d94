"""What the rest of the process meets after a search, or a part of one."""

import dataclasses
import gc
import os
import random
import signal
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager.context import global_seed
from tensorflow.python.framework import config

import search
from nasnet_keras.architectures import find_kind, to_data
from nasnet_keras.training.run import run_training
from nasnet_keras.training.settings import TrainingSettings
from nasnet_keras.training.train import prepare_short_trainings
from search.evaluation import create_evaluator
from search.evaluation.base import Child
from search.spaces.nasnet import NASNetSpace
from search.strategies import create_strategy

SPACE = NASNetSpace(1)
DECISIONS = (0, 1, 0, 0, 0) * 2
SETTINGS = {
    "filters": 2,
    "epochs": 1,
    "train_images": 64,
    "validation_images": 32,
    "batch_size": 32,
}


def state():
    options = tf.config.optimizer.get_experimental_options()
    return {
        "python": random.getstate(),
        "numpy": str(np.random.get_state()),
        "tensorflow": global_seed(),
        "deterministic": config.is_op_determinism_enabled(),
        "unrewritten": options.get("disable_meta_optimizer", False),
        "policy": keras.config.dtype_policy().name,
        "floatx": keras.config.floatx(),
        "layout": keras.config.image_data_format(),
        "frozen": gc.get_freeze_count(),
        "environment": dict(os.environ),
        "signals": [signal.getsignal(each) for each in (2, 15)],
        "folder": Path.cwd(),
    }


@pytest.fixture(autouse=True)
def _as_tensorflow_begins():
    config.disable_op_determinism()
    prepare_short_trainings(False)
    gc.unfreeze()
    yield
    gc.freeze()  # as tests/conftest.py has it


@pytest.fixture
def settings(child_settings):
    return child_settings("digits", SPACE, **SETTINGS)


def child_by_hand(name):
    def evaluate(settings, folder):
        evaluator = create_evaluator(name, settings, {})
        evaluator.evaluate(Child(0, SPACE.decode(DECISIONS), 3))

    return evaluate


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
        child_by_hand("training"),
        child_by_hand("naswot"),
        pytest.param(child_by_hand("shared"), marks=pytest.mark.large),
        pytest.param(searched, marks=pytest.mark.large),
        pytest.param(trained, marks=pytest.mark.large),
    ],
)
def test_what_is_set_is_unset(use, settings, tmp_path):
    keras.utils.set_random_seed(5)
    before = state()
    use(settings, tmp_path)
    after = state()
    assert {name for name in before if before[name] != after[name]} == set()
