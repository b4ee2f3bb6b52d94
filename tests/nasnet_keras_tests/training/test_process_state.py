"""What the rest of the process meets after a training."""

import gc
import random
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import config

from nasnet_keras.training.process_state import kept_process_state
from nasnet_keras.training.train import (
    prepare_long_trainings,
    prepare_short_trainings,
)

pytestmark = pytest.mark.usefixtures("tensorflow_as_it_begins")


def train(seed):
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    prepare_long_trainings()
    prepare_short_trainings()


def drawn():
    """A number of each kind of random numbers."""
    return (
        random.random(),
        np.random.random(),
        float(keras.random.uniform(())),
    )


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_what_is_set_is_unset(policy):
    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(5)
    without = drawn()
    keras.utils.set_random_seed(5)
    try:
        with kept_process_state():
            train(3)
            drawn()
            gc.freeze()
        assert keras.config.dtype_policy().name == policy
    finally:
        keras.config.set_dtype_policy("float32")
    assert drawn() == without
    assert not config.is_op_determinism_enabled()
    options = tf.config.optimizer.get_experimental_options()
    assert not options["disable_meta_optimizer"]
    assert not gc.get_freeze_count()


def test_a_seed_of_the_user_stays():
    tf.random.set_seed(7)
    without = float(tf.random.uniform(()))
    tf.random.set_seed(7)
    with pytest.raises(ValueError), kept_process_state():
        train(3)
        raise ValueError
    assert float(tf.random.uniform(())) == without
    tf.random.set_seed(None)


@pytest.mark.parametrize("seed", [3, 5])
def test_numbers_drawn_before_are_not_drawn_again(seed):
    def twice(between):
        keras.utils.set_random_seed(5)
        first = (*drawn(), float(tf.random.uniform(())))
        between()
        return first, (*drawn(), float(tf.random.uniform(())))

    def trained():
        with kept_process_state():
            train(seed)
            drawn(), tf.random.uniform(())

    assert twice(trained) == twice(lambda: None)


def test_what_keras_was_told_stays():
    keras.config.disable_interactive_logging()
    try:
        first = keras.layers.Dense(1).name
        with kept_process_state():
            train(3)
        assert not keras.config.is_interactive_logging_enabled()
        assert keras.layers.Dense(1).name != first
    finally:
        keras.config.enable_interactive_logging()


def test_determinism_of_the_user_stays():
    tf.config.experimental.enable_op_determinism()
    try:
        with kept_process_state():
            train(3)
        assert config.is_op_determinism_enabled()
    finally:
        config.disable_op_determinism()


def test_tensorflow_is_imported_by_no_one_who_does_not_need_it():
    program = (
        "import sys\n"
        "from nasnet_keras.training.process_state import kept_process_state\n"
        "with kept_process_state(): pass\n"
        "assert not {'keras', 'tensorflow'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
