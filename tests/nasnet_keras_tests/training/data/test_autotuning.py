import tensorflow as tf

from nasnet_keras.training.data.autotuning import untuned


def test_what_is_made_of_it_is_not_tuned_either():
    rows = untuned(tf.data.Dataset.range(9).map(lambda row: row, 2))
    made = rows.filter(lambda row: row > 2).map(abs, tf.data.AUTOTUNE).batch(4)
    assert made.options().autotune.enabled is False
    assert [len(batch) for batch in made.as_numpy_iterator()] == [4, 2]
