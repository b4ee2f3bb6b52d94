import contextlib

import keras
import pytest
import tensorflow as tf

from nasnet_keras.deployment.latency.measurement import measure_latency


def test_a_runtime_is_timed_as_it_is_deployed(monkeypatch):
    """With graphs rewritten, though a search tells TensorFlow not to."""
    option, rewritten = "disable_meta_optimizer", []

    @contextlib.contextmanager
    def exported(*arguments):
        options = tf.config.optimizer.get_experimental_options()
        rewritten.append(not options.get(option, False))
        yield int, "1"

    monkeypatch.setattr(
        "nasnet_keras.deployment.latency.measurement.exported", exported
    )
    tf.config.optimizer.set_experimental_options({option: True})
    try:
        measure_latency(small_model(), repeats=1, runtime="saved_model")
    finally:
        tf.config.optimizer.set_experimental_options({option: False})
    assert rewritten == [True]


def test_in_int8_the_network_is_quantised_by_pixels_that_it_takes(monkeypatch):
    taken = []

    @contextlib.contextmanager
    def exported(model, runtime, batch_size, input_shape, calibration):
        taken.append(calibration)
        yield int, "1"

    monkeypatch.setattr(
        "nasnet_keras.deployment.latency.measurement.exported", exported
    )
    for int8 in (True, False):
        measure_latency(small_model(), repeats=1, runtime="litert", int8=int8)
    images, none = taken
    assert none is None
    assert images.shape == (8, 4, 4, 1)
    assert -1 <= images.min() < 0 < images.max() <= 1


def test_int8_is_measured_where_there_is_int8():
    pytest.importorskip("ai_edge_litert", reason="LiteRT is an extra")
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(2, 3)(inputs))
    assert measure_latency(model, repeats=1, runtime="litert", int8=True) > 0
    with pytest.raises(ValueError, match="not written in int8"):
        measure_latency(model, runtime="onnx", int8=True)
    with pytest.raises(ValueError, match="`int8` and `runtime` disagree"):
        measure_latency(model, int8=True)


def small_model(size=4):
    inputs = keras.Input((size, size, 1))
    return keras.Model(inputs, keras.layers.ReLU()(inputs))


def test_latency_is_the_median_of_the_timed_passes():
    clock = iter([0.0, 3.0, 10.0, 11.0, 20.0, 25.0])
    seconds = measure_latency(
        small_model(), repeats=3, warmup=1, clock=lambda: next(clock)
    )
    assert seconds == 3


def test_a_model_of_any_size_needs_one():
    model = small_model(None)
    assert measure_latency(model, repeats=1, input_shape=(4, 4, 1)) > 0
    with pytest.raises(ValueError, match=r"`input_shape`.*\(None, None, 1\)"):
        measure_latency(model)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (5, 4, 1)}, "`input_shape`.*(4, 4, 1).*(5, 4, 1)"),
        ({"batch_size": 0}, "`batch_size`.*batch_size=0"),
        ({"repeats": 0}, "`repeats`.*at least 1.*repeats=0"),
        ({"warmup": -1}, "`warmup`.*at least 0.*warmup=-1"),
    ],
)
def test_impossible_measurements_are_refused(arguments, message):
    message = message.replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(ValueError, match=message):
        measure_latency(small_model(), **arguments)


def test_a_model_of_several_inputs_is_refused():
    inputs = [keras.Input((4,)), keras.Input((4,))]
    model = keras.Model(inputs, keras.layers.Add()(inputs))
    with pytest.raises(ValueError, match="one input.*2 inputs"):
        measure_latency(model)


@pytest.mark.parametrize(
    "arguments", [{"runtime": "tflite"}, {"command": "./measure"}]
)
def test_an_unknown_runtime_is_named(arguments):
    with pytest.raises(ValueError, match="`runtime`. Expected .*litert"):
        measure_latency(small_model(), **arguments)
