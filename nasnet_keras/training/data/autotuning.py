"""Input pipelines that nobody has to wait for: `untuned`."""

import tensorflow as tf


def untuned(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """A data set without TensorFlow's autotuning.

    The thread of the autotuning sleeps twice as long each time, and who lets
    go of an iterator waits for it: for up to as long as it was used
    (TensorFlow 2.21).

    Example:

    >>> batches = untuned(tf.data.Dataset.range(3))
    >>> batches.options().autotune.enabled
    False
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
