import tensorflow as tf

from nasnet_keras.deployment.timing import rewritten_graphs
from nasnet_keras.training.train import prepare_short_trainings


def option():
    options = tf.config.optimizer.get_experimental_options()
    return options.get("disable_meta_optimizer", False)


def test_graphs_are_rewritten_for_a_measurement_alone():
    prepare_short_trainings()
    try:
        with rewritten_graphs():
            assert not option()
        assert option()
    finally:
        prepare_short_trainings(False)
