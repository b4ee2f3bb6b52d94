"""What knows its classes says the same of a photograph everywhere: in Keras,
and in each format by the script that comes with the file."""

import ast
import struct
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from nasnet_keras.console.command_line import InputError
from nasnet_keras.deployment.classifier import (
    as_classifier,
    classify,
    description,
)
from nasnet_keras.deployment.export import export
from nasnet_keras.deployment.formats import FORMATS
from nasnet_keras.deployment.predict_script import write_predict_script
from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.network.build import build_network, load_model
from nasnet_keras.network.inspection import class_names_of

CELL = CellSpec((Block((0, 1), ("sep_conv_3x3", "max_pool_3x3")),))
NAMES = ["ant", "bee", "großer Käfer"]
SIZES = [(40, 24), (16, 16), (23, 61), (12, 80), (300, 200)]


def network(channels=3, **arguments):
    keras.utils.set_random_seed(1)
    shape = (16, 16, channels)
    model = build_network(
        Genotype(CELL, CELL),
        shape,
        len(NAMES),
        repeats=1,
        filters=4,
        **arguments,
    )
    # Probabilities that differ from photograph to photograph, and are not 1:
    # logits with a mean of zero over noise and a standard deviation of 1.
    logits = model.get_layer("logits")
    kernel = np.random.default_rng(2).normal(size=logits.kernel.shape)
    features = keras.Model(model.input, logits.input)
    noise = np.random.default_rng(3).uniform(-1, 1, (64, *shape))
    outputs = np.asarray(features(noise.astype("float32"))) @ kernel
    kernel /= outputs.std(0)
    logits.kernel.assign(kernel)
    logits.bias.assign(-(outputs / outputs.std(0)).mean(0))
    return model


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Of several sizes and modes, one on its side by its note."""
    folder = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    modes = ["RGB", "L", "RGBA", "P"]
    paths = []
    for number in range(20):
        width, height = SIZES[number % len(SIZES)]
        pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
        picture = Image.fromarray(pixels).convert(modes[number % len(modes)])
        notes = Image.Exif()
        if picture.mode == "RGB":
            notes[0x0112] = 6
        paths.append(folder / f"{number}.png")
        picture.save(paths[-1], exif=notes)
    for mode, ink in (("RGBA", 255), ("LA", 255), ("RGBA", 0)):
        paths.append(folder / f"{mode} {ink} on nothing.png")
        ground = rng.integers(0, 2, (20, 30), np.uint8) * 255
        layers = [np.full_like(ground, ink)] * (len(mode) - 1)
        pixels = np.stack([*layers, ground], axis=-1)
        Image.fromarray(pixels).save(paths[-1])
    paths.append(folder / "turned, 0 is white.tif")
    notes = Image.Exif()
    notes[0x0112] = 6
    grey = rng.integers(0, 2**8, (23, 61), np.uint8)
    Image.fromarray(grey).save(paths[-1], exif=notes)
    black, white = (struct.pack("<HHIHH", 262, 3, 1, n, 0) for n in (1, 0))
    paths[-1].write_bytes(paths[-1].read_bytes().replace(black, white))
    return paths


@pytest.fixture(scope="module")
def of_other_ranges(tmp_path_factory):
    """Photographs of pixels from 0 to 1, and of 16 bits a channel."""
    folder = tmp_path_factory.mktemp("other ranges")
    pixels = np.random.default_rng(0).uniform(0, 1, (16, 16))
    paths = [folder / "floating.tiff", folder / "wide.png"]
    Image.fromarray(pixels.astype(np.float32)).save(paths[0])
    Image.fromarray((2**16 * pixels).astype(np.uint16)).save(paths[1])
    return paths


def test_pixels_and_names_come_with_the_network(tmp_path):
    inner = network(auxiliary_head=True)
    model = as_classifier(inner, NAMES)
    assert class_names_of(model) == tuple(NAMES)
    assert as_classifier(model, NAMES) is model
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3))
    expected = inner(pixels / 127.5 - 1, training=False)["predictions"]
    np.testing.assert_allclose(model(pixels), expected, atol=1e-5)
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert class_names_of(loaded) == tuple(NAMES)
    np.testing.assert_array_equal(loaded(pixels), model(pixels))


def test_the_names_that_are_given_last_hold():
    """Also around a network whose classes had others; and a network for
    other classes around it has none."""
    inner = as_classifier(network(), NAMES)
    others = [f"my {name}" for name in NAMES]
    assert class_names_of(as_classifier(inner, others)) == tuple(others)
    around = keras.Sequential([inner])
    assert class_names_of(around) == tuple(NAMES)
    around.add(keras.layers.Dense(len(NAMES) + 1))
    assert class_names_of(around) is None


def test_a_network_that_scales_pixels_is_not_scaled_again():
    inner = network(include_preprocessing=True)
    pixels = np.full((1, 16, 16, 3), 200.0)
    np.testing.assert_allclose(
        as_classifier(inner, NAMES)(pixels),
        inner(pixels, training=False),
        atol=1e-6,
    )


def test_names_that_are_too_few():
    with pytest.raises(ValueError, match="each of 3 classes. Received: 2"):
        as_classifier(network(), NAMES[:2])


@pytest.mark.parametrize(
    "channels", [3, pytest.param(1, marks=pytest.mark.large)]
)
@pytest.mark.parametrize(
    "name",
    # TensorFlow, which the script imports, takes seconds.
    [
        pytest.param(name, marks=[pytest.mark.large])
        if name == "saved_model"
        else name
        for name in FORMATS
    ],
)
@pytest.mark.one_in(3)
def test_the_script_says_what_keras_says(name, channels, photographs, tmp_path):
    try:
        FORMATS[name].check()
    except ValueError as error:
        pytest.skip(str(error))
    model = as_classifier(network(channels), NAMES)
    path = tmp_path / f"model{FORMATS[name].suffix}"
    export(model, path, name)
    shape = (16, 16, channels)
    assert FORMATS[name].about(path) == description(model, shape)
    script = write_predict_script(path, name)
    done = run_script(script, *photographs)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    expected = [
        (path, guess)
        for path, guesses in zip(
            photographs, classify(model, photographs), strict=True
        )
        for guess in guesses
    ]
    for line, (path, guess) in zip(lines, expected, strict=True):
        shown, label, share = line.split("\t")
        assert (shown, label) == (str(path), guess.name)
        assert abs(float(share[:-1]) / 100 - guess.probability) < 2e-4


def test_the_script_refuses_nothing_and_photographs_of_other_ranges(
    of_other_ranges, tmp_path
):
    """Before any runtime computes: the same lines in each format's."""
    pytest.importorskip("ai_edge_litert")
    file = tmp_path / "a b.tflite"
    export(as_classifier(network(), NAMES), file, "litert")
    script = write_predict_script(file, "litert")
    done = run_script(script)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("python predict.py PHOTO ...:")
    for path in of_other_ranges:
        done = run_script(script, path)
        assert done.returncode == 1
        assert f"{path}: expected 8 bits a channel" in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout == ""


def run_script(script, *photographs):
    return subprocess.run(
        [sys.executable, "-W", "error", script, *photographs],
        capture_output=True,
        text=True,
        cwd="/",
    )


def test_a_photograph_of_pixels_from_0_to_1_is_refused(of_other_ranges):
    with pytest.raises(InputError, match="floating.tiff"):
        classify(as_classifier(network(), NAMES), of_other_ranges[:1])


@pytest.mark.parametrize("name", FORMATS)
def test_the_script_is_short(name, tmp_path):
    lines = (
        write_predict_script(tmp_path / f"model{FORMATS[name].suffix}", name)
        .read_text()
        .splitlines()
    )
    code = [
        line
        for line in lines[1:]
        if line and not line.startswith(("import ", "from "))
    ]
    assert len(code) <= 15
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("name", FORMATS)
def test_the_script_needs_few_packages(name, tmp_path):
    script = write_predict_script(
        tmp_path / f"model{FORMATS[name].suffix}", name
    )
    imported = {
        alias.name.split(".")[0]
        for node in ast.walk(ast.parse(script.read_text()))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    runtimes = {*FORMATS[name].modules, "tensorflow"}
    assert imported <= {"io", "json", "sys", "numpy", "PIL", "zipfile"} | {
        alias for alias in runtimes if alias != "onnx"
    }


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.one_in(4)
def test_a_file_of_a_network_without_names_says_nothing(name, tmp_path):
    try:
        FORMATS[name].check()
    except ValueError as error:
        pytest.skip(str(error))
    path = tmp_path / f"model{FORMATS[name].suffix}"
    export(network(), path, name)
    assert FORMATS[name].about(path) == {}


def test_guesses(photographs):
    model = as_classifier(network(), NAMES)
    (guesses,) = classify(model, photographs[:1], top=2)
    assert len(guesses) == 2
    assert guesses[0].probability >= guesses[1].probability
    assert guesses[0].name in NAMES


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((1, 16, 16, 3)), "pixels from 0 to 0"),
        (np.full((1, 16, 16, 3), 0.5), "pixels from 0 to 0.5"),
        (np.full((1, 16, 16, 3), -1.0), "pixels from -1 to 0"),
        (np.zeros((1, 8, 8, 3), np.uint8), r"shape \(16, 16, 3\)"),
        (
            ["nowhere.png", __file__],
            r"Received: nowhere.png \(not there\), .*py \(text\)\.",
        ),
        (3, "Expected paths, or an array of pixels. Received: images=3"),
        ([3], "Expected a path"),
    ],
)
@pytest.mark.one_in(3)
def test_what_is_no_photograph_is_refused(images, message):
    with pytest.raises(InputError, match=message):
        classify(as_classifier(network(), NAMES), images)


def test_grey_pixels_are_brought_to_colours():
    model = as_classifier(network(), NAMES)
    grey = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    assert classify(model, grey) == classify(model, np.repeat(grey, 3, -1))


def test_dark_pixels_are_taken():
    dark = np.zeros((1, 16, 16, 3), np.uint8)
    assert classify(as_classifier(network(), NAMES), dark)


def test_one_path_is_one_photograph(photographs):
    model = as_classifier(network(), NAMES)
    (guesses,) = classify(model, str(photographs[0]))
    assert guesses == classify(model, photographs[:1])[0]


@pytest.mark.parametrize("top", [0, -1, "5", True, 1.5])
def test_the_number_of_guesses_is_checked(top):
    with pytest.raises(InputError, match="`top`. Expected a positive integer"):
        classify(as_classifier(network(), NAMES), [], top)


def test_a_model_of_any_size_is_told_one(photographs):
    images = keras.Input((None, None, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(images)
    outputs = keras.layers.Dense(len(NAMES), activation="softmax")(pooled)
    model = as_classifier(keras.Model(images, outputs), NAMES)
    (guesses,) = classify(model, photographs[:1], image_size=24)
    assert guesses[0].name in NAMES
    array = np.zeros((1, 9, 12, 3), np.uint8)
    assert classify(model, array)
    with pytest.raises(InputError, match="`image_size`. Expected None"):
        classify(model, array, image_size=24)
    for size in (0, -5, "64", 24.0):
        with pytest.raises(InputError, match="`image_size`.*positive integer"):
            classify(model, photographs[:1], image_size=size)
    with pytest.raises(InputError, match="`image_size`. Expected a number"):
        classify(model, photographs[:1])
    with pytest.raises(
        InputError, match="`image_size`.*16 x 16. Received: .*9"
    ):
        classify(as_classifier(network(), NAMES), photographs, image_size=9)


def test_pictures_have_one_channel_or_three(photographs):
    images = keras.Input((8, 8, 4))
    pooled = keras.layers.GlobalAveragePooling2D()(images)
    outputs = keras.layers.Dense(len(NAMES), activation="softmax")(pooled)
    model = as_classifier(keras.Model(images, outputs), NAMES)
    with pytest.raises(InputError, match="a model of 4 channels"):
        classify(model, photographs)


def test_a_model_without_names_is_refused():
    with pytest.raises(InputError, match="knows its classes"):
        classify(network(), np.zeros((1, 16, 16, 3), np.uint8))
