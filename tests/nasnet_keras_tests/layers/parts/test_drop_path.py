import keras
import numpy as np
import pytest
import tensorflow as tf

from nasnet_keras.layers.parts.drop_path import DropPath


def dropped(outputs):
    """For each example whether its path was dropped; all of it or nothing."""
    values = np.asarray(outputs).reshape(len(outputs), -1)
    assert (values == values[:, :1]).all()
    return values[:, 0] == 0


def shares(layer, steps):
    """The share of paths dropped in each of some steps of training."""
    ones = tf.ones((4000, 1, 1, 1))
    return [
        float(dropped(layer(ones, training=True)).mean()) for _ in range(steps)
    ]


def test_each_example_is_dropped_for_itself_and_the_mean_stays():
    outputs = DropPath(0.25, seed=1)(tf.ones((4000, 2, 2, 3)), training=True)
    # The standard deviation of the share is 0.007.
    assert dropped(outputs).mean() == pytest.approx(0.25, abs=0.03)
    assert np.unique(outputs) == pytest.approx([0, 1 / 0.75])
    assert np.mean(outputs) == pytest.approx(1, abs=0.04)


def test_each_path_is_dropped_for_itself():
    paths = DropPath(0.5, seed=1)([tf.ones((400, 1, 1, 1))] * 3, training=True)
    drops = [dropped(path) for path in paths]
    assert not np.array_equal(drops[0], drops[1])
    both = (drops[0] & drops[1]).mean()
    assert both == pytest.approx(0.25, abs=0.1)


def test_the_probability_rises_with_the_steps():
    """rate * min(1, step / total_steps), from 0 at the first step."""
    layer = DropPath(0.8, total_steps=4, seed=1)
    expected = [0, 0.2, 0.4, 0.6, 0.8, 0.8]
    assert shares(layer, 6) == pytest.approx(expected, abs=0.04)
    assert layer.step.numpy() == 6


def test_without_steps_it_is_the_rate_from_the_start():
    assert shares(DropPath(0.6, seed=1), 2) == pytest.approx(
        [0.6, 0.6], abs=0.04
    )


def test_out_of_training_it_does_nothing():
    layer = DropPath(0.9, total_steps=2)
    inputs = tf.ones((8, 2, 2, 3))
    for training in (False, None):
        np.testing.assert_array_equal(layer(inputs, training=training), inputs)
    assert layer.step.numpy() == 0
    np.testing.assert_array_equal(DropPath(0.0)(inputs, training=True), inputs)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_the_factors_have_the_type_of_the_paths(dtype):
    factors = DropPath(0.5, total_steps=2).masks(tf.ones((4, 2), dtype), 3)
    assert [(f.dtype, tuple(f.shape)) for f in factors] == [(dtype, (4, 1))] * 3


@pytest.mark.parametrize("steps_per_execution", [1, 4])
def test_fit_counts_every_step(steps_per_execution):
    layer = DropPath(0.5, total_steps=100)
    model = keras.Sequential([keras.Input((3,)), layer, keras.layers.Dense(1)])
    model.compile("sgd", "mse", steps_per_execution=steps_per_execution)
    model.fit(np.ones((16, 3)), np.ones(16), batch_size=2, verbose=0)
    assert layer.step.numpy() == 8
    model.evaluate(np.ones((16, 3)), np.ones(16), verbose=0)
    assert layer.step.numpy() == 8


def test_the_step_is_saved_with_the_weights(tmp_path):
    layer = DropPath(0.5, total_steps=4)
    model = keras.Sequential([keras.Input((3,)), layer])
    shares(layer, 3)
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    loaded = keras.models.load_model(tmp_path / "model.keras").layers[-1]
    assert loaded.step.numpy() == 3
    assert loaded.get_config() == layer.get_config()
    layer.step.assign(0)
    model.load_weights(tmp_path / "model.weights.h5")
    assert layer.step.numpy() == 3


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"rate": 1.0}, "`rate`"),
        ({"rate": -0.1}, "`rate`"),
        ({"rate": 0.5, "total_steps": 0}, "`total_steps`"),
    ],
)
def test_errors_name_the_argument(arguments, named):
    with pytest.raises(ValueError, match=f"{named}.*Received"):
        DropPath(**arguments)
