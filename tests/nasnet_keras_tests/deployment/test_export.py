"""One contract for all formats: what they write computes what the network
does, or is not there."""

import importlib.util

import keras
import numpy as np
import pytest
import tensorflow as tf

from nasnet_keras.deployment.export import (
    ExportError,
    as_input,
    compare,
    export,
    exported,
    in_batches,
)
from nasnet_keras.deployment.formats import FORMATS
from nasnet_keras.deployment.fuse import fuse_for_inference
from nasnet_keras.deployment.latency.measurement import measure_latency
from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.network.build import build_network
from nasnet_keras.processor import usable_cores

SHAPE = (9, 11, 3)
CELL = CellSpec((Block((0, 1), ("sep_conv_3x3", "max_pool_3x3")),))
SMALL = Genotype(CELL, CELL)
INT8 = [name for name, each in FORMATS.items() if each.int8_modules is not None]


def build(**arguments):
    arguments = {"repeats": 1, "filters": 4, **arguments}
    keras.utils.set_random_seed(0)
    return build_network(
        SMALL, arguments.pop("input_shape", SHAPE), **arguments
    )


@pytest.fixture(scope="module")
def model():
    return build(classifier_activation=None)


def noise(count, shape=SHAPE):
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (count, *shape)).astype("float32")


def skip_unless_installed(name, int8=False):
    try:
        FORMATS[name].check(int8)
    except ValueError as error:
        pytest.skip(str(error))


@pytest.fixture(params=FORMATS)
def name(request):
    skip_unless_installed(request.param)
    return request.param


def place(folder, name):
    return folder / f"network{FORMATS[name].suffix}"


def written(folder):
    return sorted(each.name for each in folder.iterdir())


# === The contract ===


def test_the_file_computes_what_the_network_does(name, model, tmp_path):
    path = place(tmp_path, name)
    report = export(model, path, name, images=noise(3))
    assert (
        report.comparison.difference < 1e-5 and report.comparison.agreement == 1
    )
    assert (report.images, report.batch_size) == (3, 1)
    assert sorted(report.files) == sorted(tmp_path.iterdir())
    files = [each for each in tmp_path.rglob("*") if each.is_file()]
    assert report.bytes == sum(each.stat().st_size for each in files)
    (outputs,) = in_batches(FORMATS[name].load(path), noise(3), 1)
    expected = model(noise(3), training=False)
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-5)


@pytest.mark.one_in(2)
def test_other_activations_have_no_outputs_of_their_own(name, tmp_path):
    """The gradient of swish is a second result of its operation."""
    cell = CellSpec((Block((0, 1), ("sep_conv_3x3", "identity")),))
    model = build_network(
        Genotype(normal=cell, reduction=cell),
        SHAPE,
        repeats=1,
        filters=4,
        conventions={"activation": "swish"},
    )
    path = place(tmp_path, name)
    report = export(model, path, name, images=noise(3))
    assert report.comparison.difference < 1e-5
    assert len(FORMATS[name].load(path)(noise(1))) == 1


# By format: what makes its runtime, and the threads in the arguments.
THREADS = {
    "onnx": (
        "onnxruntime.InferenceSession",
        lambda path, options, **others: options.intra_op_num_threads,
    ),
    "openvino": (
        "openvino.compile_model",
        lambda path, device, config: config["INFERENCE_NUM_THREADS"],
    ),
    "litert": (
        "ai_edge_litert.interpreter.Interpreter",
        lambda path, num_threads: num_threads,
    ),
}


def test_every_runtime_has_threads():
    """SavedModel's is TensorFlow."""
    assert {*THREADS, "saved_model"} == {*FORMATS}


@pytest.mark.parametrize("name", THREADS)
def test_a_runtime_has_as_many_threads_as_tensorflow(name, monkeypatch):
    """So workers that measure at the same time do not disturb each other."""
    skip_unless_installed(name)
    place, threads_of = THREADS[name]

    class Made(Exception):
        pass

    def make(*arguments, **others):
        raise Made(threads_of(*arguments, **others))

    monkeypatch.setattr(place, make)
    for chosen, expected in ((3, 3), (0, usable_cores())):
        monkeypatch.setattr(
            "tensorflow.config.threading.get_intra_op_parallelism_threads",
            lambda chosen=chosen: chosen,
        )
        with pytest.raises(Made, match=f"^{expected}$"):
            FORMATS[name].load("file")


@pytest.mark.parametrize("batch_size", [4, None])
@pytest.mark.one_in(3)
def test_other_batches(name, model, tmp_path, batch_size):
    path = place(tmp_path, name)
    report = export(model, path, name, batch_size, images=noise(6))
    assert report.comparison.difference < 1e-5
    (outputs,) = FORMATS[name].load(path)(noise(4))
    expected = model(noise(4), training=False)
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-5)


def test_a_wrong_export_leaves_no_file(name, model, tmp_path, monkeypatch):
    other = fuse_for_inference(model)
    other.layers[-1].bias.assign(np.full(10, 0.1))
    monkeypatch.setattr(
        "nasnet_keras.deployment.export.fuse_for_inference", lambda model: other
    )
    with pytest.raises(
        ExportError, match=f"The {name} file does not .* 0.0001"
    ):
        export(model, place(tmp_path, name), name, images=noise(2))
    assert not written(tmp_path)


@pytest.mark.one_in(2)
def test_several_outputs_and_open_sizes(name, tmp_path):
    """In the order of their names, and channels last, whatever the format."""
    model = build(input_shape=(None, None, 3), features=True)
    path = place(tmp_path, name)
    report = export(model, path, name, input_shape=SHAPE, images=noise(2))
    assert (
        report.comparison.difference < 1e-5
        and report.comparison.agreement is None
    )
    outputs = FORMATS[name].load(path)(noise(1))
    expected = model(noise(1), training=False)
    for each, key in zip(outputs, sorted(expected), strict=True):
        np.testing.assert_allclose(each, expected[key], rtol=0, atol=1e-5)


def test_the_latency_in_the_runtime(name, model):
    ticks = iter(range(100))
    seconds = measure_latency(
        model, 2, repeats=3, warmup=1, clock=lambda: next(ticks), runtime=name
    )
    assert seconds == 1 and next(ticks) == 6
    with exported(model, name, 2) as (run, images):
        (outputs,) = run(images)
    expected = model(images, training=False)
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-5)


@pytest.mark.large
@pytest.mark.parametrize("name", INT8)
def test_int8_is_small_and_near(name, tmp_path):
    skip_unless_installed(name, int8=True)
    model = build(classifier_activation=None, filters=16)
    report = export(
        model,
        place(tmp_path, name),
        name,
        images=noise(20),
        calibration=noise(40),
    )
    exact = tmp_path / "float"
    exact.mkdir()
    whole = export(model, place(exact, name), name, images=noise(20))
    assert 1e-4 < report.comparison.error < 0.2
    weights = report.files[-1].stat().st_size
    assert weights < 0.8 * whole.files[-1].stat().st_size


def test_int8_elsewhere_is_refused(model, tmp_path):
    for name in set(FORMATS) - set(INT8):
        with pytest.raises(ValueError, match="not written in int8"):
            export(model, tmp_path / "x", name, calibration=noise(2))


def test_onnx_falls_back_to_tf2onnx(tmp_path):
    """For layer and instance norms, as NASNet-B and -C have them."""
    pytest.importorskip("tf2onnx")
    skip_unless_installed("onnx")
    block = Block((0, 1), ("identity", "identity"), "add_layer_norm")
    cell = CellSpec((block,))
    model = build_network(Genotype(cell, cell), SHAPE, repeats=1, filters=4)
    path = tmp_path / "network.onnx"
    report = export(model, path, "onnx", images=noise(2))
    assert report.comparison.difference < 1e-5
    import onnx

    graph = onnx.load(path).graph
    assert [each.name for each in graph.input] == ["images"]
    assert [each.name for each in graph.output] == ["output"]


def test_onnx_without_tf2onnx_says_what_to_install(tmp_path, monkeypatch):
    skip_unless_installed("onnx")
    block = Block((0, 1), ("identity", "identity"), "add_layer_norm")
    cell = CellSpec((block,))
    model = build_network(Genotype(cell, cell), SHAPE, repeats=1, filters=4)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec",
        lambda name: None if name == "tf2onnx" else find(name),
    )
    with pytest.raises(ValueError, match="translated by tf2onnx: `pip install"):
        export(model, tmp_path / "network.onnx", "onnx", images=noise(2))


@pytest.mark.parametrize("name", ["openvino", "onnx", "litert"])
def test_operations_that_a_format_has_not_are_named(name, tmp_path):
    skip_unless_installed(name)
    if name == "onnx":
        pytest.importorskip("tf2onnx")

    class Odd(keras.layers.Layer):
        def call(self, inputs):
            return tf.math.igamma(inputs**2 + 1, inputs**2 + 1)

    images = keras.Input((3,))
    model = keras.Model(images, Odd()(images))
    with pytest.raises(ValueError, match="to write as .* Igamma") as error:
        export(model, place(tmp_path, name), name, images=noise(2, (3,)))
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_what_is_not_installed_is_told(name, model, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"needs .*nasnet-keras\[export\]"):
        export(model, place(tmp_path, name), name)


def test_a_path_that_is_taken_or_of_another_format(name, model, tmp_path):
    for path in (tmp_path / "network.other", tmp_path / "no" / "folder.xml"):
        with pytest.raises(ValueError, match="argument `path`"):
            export(model, path, name)
    taken = FORMATS[name].files(place(tmp_path, name))[-1]
    taken.write_text("mine")
    with pytest.raises(ValueError, match="Expected a new file"):
        export(model, place(tmp_path, name), name)
    assert taken.read_text() == "mine"


# === All formats alike ===


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"format": "tflite"}, "argument `format`. Expected one of openvino"),
        ({"format": ["onnx"]}, "argument `format`. Expected one of openvino"),
        ({"batch_size": 0}, "argument `batch_size`"),
        ({"input_shape": (8, 8, 3)}, "argument `input_shape`"),
        ({"images": noise(2, (8, 8, 3))}, "argument `images`"),
        ({"images": noise(0)}, "argument `images`"),
    ],
)
def test_bad_arguments(model, tmp_path, arguments, message):
    arguments = {"format": "saved_model", "images": noise(2), **arguments}
    with pytest.raises(ValueError, match=message):
        export(model, tmp_path / "network", **arguments)
    assert not written(tmp_path)


def test_what_other_runtimes_do_not_compute_is_refused(tmp_path):
    channels_first = {"data_format": "channels_first"}
    for model, message in (
        (build(conventions=channels_first, input_shape=(3, 9, 11)), "channels"),
        (keras.Sequential([keras.Input(SHAPE)]), "functional model with"),
        (
            keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]),
            r"`images`. Expected some with.*Received: .*\(4,\)",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            export(model, tmp_path / "network", "saved_model")
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build()
    finally:
        keras.config.set_dtype_policy("float32")
    with pytest.raises(ValueError, match="float32. Received: .*bfloat16"):
        export(model, tmp_path / "network", "saved_model")


def test_photographs_and_pixels_unless_images_are_given(tmp_path):
    model = build(include_preprocessing=True)
    report = export(model, tmp_path / "network", "saved_model")
    assert report.images == 10 and report.comparison.agreement == 1
    pixels = np.zeros((1, *SHAPE), np.uint8)
    report = export(model, tmp_path / "of_pixels", "saved_model", images=pixels)
    assert report.images == 1
    pixels = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    for network, expected in ((model, [0, 255]), (build(), [-1, 1])):
        images = as_input(network, pixels)
        assert images.shape == (2, 1, 1, 3)  # grey ones, for one of colour
        assert list(images[:, 0, 0, 2]) == expected


def test_an_auxiliary_head_is_left_out(tmp_path):
    model = build(input_shape=(32, 32, 3), auxiliary_head=True)
    report = export(model, tmp_path / "network", "saved_model")
    assert (
        report.comparison.difference < 1e-5 and report.comparison.agreement == 1
    )


def test_compare():
    one = np.array([[1.0, 4.0], [3.0, 2.0]])
    assert compare([one], [one]) == (0, 0, 1)
    half = compare([one], [one + [[0, 0], [0, 2]]])
    assert half == (0.5, pytest.approx(2 / 30**0.5), 0.5)
    two = compare([one, one], [one, one + 1])
    assert two == (0.25, pytest.approx(2 / 30**0.5), None)
    assert compare([one], [one * np.nan])[:2] == (np.inf, np.inf)
    assert compare([one], [one[:1]]) == (np.inf, np.inf, None)
    assert compare([one], [one, one]) == (np.inf, np.inf, None)
