import json
import re
import shutil
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
from PIL import Image

import zoo.deploy_cli
from nasnet_keras.console.accuracy import accuracy_text
from nasnet_keras.deployment.classifier import as_classifier
from nasnet_keras.deployment.formats import FORMATS
from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.network.build import build_network
from nasnet_keras.training.data.datasets import LabelledImages, open_dataset
from zoo.conversion.pytorch import ConventionsWarning

HEAVY = ("keras", "tensorflow", "onnx", "onnxruntime", "openvino", "nncf")
CELL = CellSpec((Block((0, 1), ("conv_3x3", "identity")),))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """With a network, and images of two classes with some to test on."""
    folder = tmp_path_factory.mktemp("folder")
    keras.utils.set_random_seed(0)
    (folder / "best").mkdir()
    build_network(
        Genotype(CELL, CELL), (8, 8, 3), classes=2, repeats=1, filters=4
    ).save(folder / "best" / "model.keras")
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    images = rng.integers(0, 256, (40, 8, 8, 3)).astype(np.uint8)
    np.savez(
        folder / "images.npz",
        x_train=images,
        y_train=labels,
        x_test=images[:20],
        y_test=labels[:20],
    )
    grey = images[..., 0]
    np.savez(
        folder / "grey.npz",
        **{"x_train": grey, "y_train": labels},
        **{"x_test": grey[:3], "y_test": labels[:3]},
    )
    return folder


@pytest.fixture
def call(folder, tmp_path, monkeypatch):
    """Calls `nasnet-deploy` in this process."""
    monkeypatch.chdir(folder)

    def call(text):
        text = text.replace("OUT", str(tmp_path))
        monkeypatch.setattr(sys, "argv", ["nasnet-deploy", *text.split()])
        return zoo.deploy_cli.main()

    return call


def test_a_network_of_a_search(call, tmp_path, capsys):
    assert call("best --format saved_model --output OUT/network") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"Wrote {tmp_path}/network: 0.")
    assert lines[1].startswith("Latency here: ")
    assert lines[1].endswith(" ms for a batch of 1.")
    assert lines[2].startswith("Difference on 10 images: ")
    assert lines[2].endswith("the same best class on 100%.")
    outputs = FORMATS["saved_model"].load(tmp_path / "network")(
        np.zeros((1, 8, 8, 3), "float32")
    )
    assert outputs[0].shape == (1, 2)


@pytest.mark.large
def test_a_training_gives_its_class_names(folder, call, tmp_path):
    shutil.copytree(folder / "best", tmp_path / "run")
    record = tmp_path / "run" / "config.json"
    record.write_text(json.dumps({"class_names": ["ant", "bee"]}))
    assert call("OUT/run --format saved_model --output OUT/network") == 0
    about = FORMATS["saved_model"].about(tmp_path / "network")
    assert about["class_names"] == ["ant", "bee"]
    assert about["pixels"] == "0 to 255"
    script = tmp_path / "predict.py"
    photograph = tmp_path / "photo.png"
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(photograph)
    shown = subprocess.run(
        [sys.executable, script, photograph], capture_output=True, text=True
    ).stdout.splitlines()
    assert {line.split("\t")[1] for line in shown} == {"ant", "bee"}
    # What is there stays.
    script.write_text("mine")
    assert call("OUT/run --format saved_model --output OUT/other") == 0
    assert script.read_text() == "mine"


def test_there_is_no_script_for_several_images_at_once(
    folder, call, tmp_path, capsys
):
    shutil.copytree(folder / "best", tmp_path / "run")
    record = tmp_path / "run" / "config.json"
    record.write_text(json.dumps({"class_names": ["ant", "bee"]}))
    text = "OUT/run --format saved_model --output OUT/network --batch 8"
    assert call(text) == 0
    assert "No predict.py" in capsys.readouterr().out
    assert not (tmp_path / "predict.py").exists()


def test_a_command_measures_what_was_written(call, tmp_path, capsys):
    program = tmp_path / "measure"
    program.write_text('#!/bin/sh\ntest -d "$1" && echo 0.0125\n')
    program.chmod(0o755)
    text = "best --format saved_model --output OUT/network --latency-command "
    assert call(f"{text} OUT/measure") == 0
    assert "Latency by the command: 12.5 ms." in capsys.readouterr().out
    assert call(f"{text} OUT/no_such".replace("network", "other")) == 2
    assert "`latency_command`. Expected a program" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_the_accuracy_before_and_after(call, capsys):
    assert (
        call(
            "best/model.keras --format saved_model --output OUT/network "
            "--images images.npz --batch 16"
        )
        == 0
    )
    lines = capsys.readouterr().out.splitlines()
    assert "Difference on 20 images" in lines[2]
    found = re.fullmatch(
        r"Accuracy on 20 test images: (.*) in Keras, (.*) in the file.",
        lines[3],
    )
    with np.load("images.npz") as arrays:
        images, labels = arrays["x_test"] / 127.5 - 1, arrays["y_test"]
    model = keras.models.load_model("best/model.keras")
    right = np.asarray(model(images, training=False)).argmax(1) == labels
    assert [*found.groups()] == [accuracy_text(right.mean(), 20)] * 2


@pytest.mark.parametrize(
    ("names", "labels"), [("bee wasp", 2), ("ant bee wasp", 3)]
)
@pytest.mark.one_in(2)
def test_no_accuracy_on_images_of_other_classes(
    names, labels, call, folder, tmp_path, capsys
):
    model = keras.models.load_model(folder / "best" / "model.keras")
    as_classifier(model, ["ant", "bee"]).save(tmp_path / "mine.keras")
    for name in names.split():
        for number in range(4):
            file = tmp_path / "images" / name / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (40 * number, 0, 99)).save(file)
    text = "OUT/mine.keras --format saved_model --output OUT/network"
    assert call(f"{text} --images OUT/images") == 0
    said = capsys.readouterr().out
    assert "Accuracy on" not in said
    assert "Expected 'ant, bee'. Received: '" + ", ".join(names.split()) in said


@pytest.mark.large
def test_classes_that_are_only_counted_have_no_names(
    call, folder, tmp_path, capsys
):
    """More of them than images are verified, and few of some to train on."""
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 40
    images = rng.integers(0, 256, (80, 8, 8, 3)).astype(np.uint8)
    np.savez(
        tmp_path / "many.npz",
        **{"x_train": images, "y_train": labels},
        **{"x_test": images[:50], "y_test": labels[:50]},
    )
    network = build_network(
        Genotype(CELL, CELL), (8, 8, 3), classes=40, repeats=1, filters=4
    )
    names = [f"class {number}" for number in range(40)]
    as_classifier(network, names).save(tmp_path / "mine.keras")
    text = "OUT/mine.keras --format saved_model --output OUT/network"
    assert call(f"{text} --images OUT/many.npz") == 0
    assert "Accuracy on 50 test images: " in capsys.readouterr().out


def test_weights_that_cannot_be_fetched_are_a_sentence(
    call, capsys, monkeypatch, tmp_path
):
    def fetch(preset, include_top):
        raise RuntimeError("The weights could not be fetched.")

    monkeypatch.setattr("zoo.weights.fetch", fetch)
    text = (
        "nasnet_mobile --weights imagenet --format saved_model --output OUT/x"
    )
    assert call(text) == 2
    assert capsys.readouterr().err == "The weights could not be fetched.\n"
    assert not (tmp_path / "x").exists()


def test_weights_that_need_other_conventions_are_a_sentence(
    call, capsys, monkeypatch, tmp_path
):
    def create_model(name, weights):
        warnings.warn("Build it with that.", ConventionsWarning, stacklevel=1)

    monkeypatch.setattr("zoo.create_model", create_model, raising=False)
    text = "mobilenet_v2 --weights w --format saved_model --output OUT/x"
    assert call(text) == 2
    assert "with that. Build it in Python" in capsys.readouterr().err


def test_images_of_a_data_set_are_square(call, tmp_path, capsys):
    images = keras.Input((8, 16, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(images)
    wide = keras.Model(images, keras.layers.Dense(2)(pooled))
    wide.save(tmp_path / "wide.keras")
    text = "OUT/wide.keras --format saved_model --output OUT/x"
    assert call(f"{text} --images images.npz") == 2
    assert "Received: a network of 8 x 16." in capsys.readouterr().err


def test_a_head_of_ones_own(call, folder, tmp_path, capsys):
    body = build_network(
        *(Genotype(CELL, CELL), (8, 8, 3)),
        **{"repeats": 1, "filters": 4, "include_preprocessing": True},
        **{"include_top": False, "pooling": "avg"},
    )
    dense = keras.layers.Dense(2, activation="sigmoid")
    mine = keras.Sequential([keras.Input((8, 8, 3)), body, dense])
    mine.save(tmp_path / "mine.keras")
    text = "OUT/mine.keras --format saved_model --output OUT/network"
    assert call(f"{text} --images images.npz") == 0
    assert "Accuracy on 20 test images: " in capsys.readouterr().out
    pixels = np.load(folder / "images.npz")["x_test"][:1].astype("float32")
    (outputs,) = FORMATS["saved_model"].load(tmp_path / "network")(pixels)
    np.testing.assert_allclose(outputs, mine(pixels), rtol=1e-4)


@pytest.mark.large
def test_int8(call, tmp_path, capsys):
    try:
        FORMATS["openvino"].check(int8=True)
    except ValueError as error:
        pytest.skip(str(error))
    text = "best --format openvino --int8 --calibration images.npz"
    assert call(f"{text} --calibration-images 20 --output OUT/network.xml") == 0
    assert "Accuracy on 20 test images: " in capsys.readouterr().out
    assert (tmp_path / "network.bin").exists()


def test_a_named_network_with_weights(call, monkeypatch, capsys):
    given = []

    def create_model(name, weights):
        given.append((name, weights))
        return keras.models.load_model("best/model.keras")

    monkeypatch.setattr("zoo.create_model", create_model, raising=False)
    text = "nasnet_mobile --format saved_model --output OUT/network"
    assert call(f"{text} --weights mine.h5 --batch dynamic") == 0
    assert given == [("nasnet_mobile", "mine.h5")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("best --format pb --output OUT/x", "Expected one of openvino, onnx"),
        ("best --format saved_model --output OUT/x.pb", "Expected a folder"),
        ("best --format saved_model --output OUT/no/x", "folder that exists"),
        ("best --format saved_model --output OUT/x --batch 0", "`--batch`"),
        ("best --format litert --output OUT/x --int8", "--calibration"),
        ("none --format saved_model --output OUT/x", "`MODEL`"),
        ("best --format saved_model --output OUT/x --skip-broken", "--images"),
        (
            "best --format saved_model --output OUT/x --calibration-images 9",
            "with --calibration",
        ),
        ("nasnet_mobile --format saved_model --output OUT/x", "--weights"),
        ("best --format saved_model --output OUT/x --weights w", "its own"),
        ("best --format saved_model --output OUT/x --images no", "`source`"),
        ("best --format saved_model --output OUT/x --image-size 9", "`--image"),
    ],
)
def test_bad_input(call, capsys, text, message):
    assert call(text) == 2
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error


class Registered(keras.layers.Layer):
    """A layer that no other process knows."""


@pytest.mark.parametrize(
    ("layers", "shape", "message"),
    [
        (
            [keras.layers.Lambda(lambda images: images)],
            (8, 8, 3),
            "Lambda layer does, which is",
        ),
        ([Registered()], (8, 8, 3), "needs 'Registered', which is not one"),
        (
            [keras.layers.GlobalAveragePooling2D()],
            (None, None, 3),
            "Expected --image-size with a network",
        ),
    ],
)
def test_a_hint_is_one_that_a_command_can_follow(
    call, tmp_path, capsys, layers, shape, message
):
    keras.Sequential([keras.Input(shape), *layers]).save(tmp_path / "my.keras")
    assert call("OUT/my.keras --format saved_model --output OUT/x") == 2
    error = capsys.readouterr().err
    assert message in error
    assert not any(
        each in error for each in ("safe_mode", "decorat", "`input_shape`")
    )


def test_broken_images_are_left_out_if_asked(call, tmp_path, capsys):
    for number in range(6):
        label = tmp_path / "photos" / "ab"[number % 2]
        label.mkdir(parents=True, exist_ok=True)
        pixels = np.full((8, 8, 3), 40 * number, np.uint8)
        Image.fromarray(pixels).save(label / f"{number}.png")
    (tmp_path / "photos" / "a" / "broken.png").write_text("404")
    text = "best --format saved_model --output OUT/x --images OUT/photos"
    assert call(text) == 2
    assert "--skip-broken" in capsys.readouterr().err
    assert call(f"{text} --skip-broken") == 0
    assert "Accuracy on 6 training images: " in capsys.readouterr().out


def test_images_for_validation_come_before_those_for_training(
    call, tmp_path, capsys
):
    for part in ("train", "val"):
        for name in "ab":
            label = tmp_path / "photos" / part / name
            label.mkdir(parents=True)
            for number in range(3 if part == "val" else 2):
                pixels = np.full((8, 8, 3), 40 * number, np.uint8)
                Image.fromarray(pixels).save(label / f"{part}-{number}.png")
    text = "best --format saved_model --output OUT/x --images OUT/photos"
    assert call(text) == 0
    assert "Accuracy on 6 validation images: " in capsys.readouterr().out


def test_samples_are_of_all_classes():
    """Files are in the order of the classes; and of many classes there are
    fewer images than classes, which calibration does not mind."""
    labels = np.repeat(np.arange(4), 10)
    images = np.zeros((40, 2, 2, 3), np.uint8)
    images[:, 0, 0, 0] = labels
    sample = zoo.deploy_cli._sample(LabelledImages(images, labels), 8)
    assert [*np.bincount(sample[:, 0, 0, 0])] == [2, 2, 2, 2]
    opened = open_dataset((images, labels))
    assert len(zoo.deploy_cli._calibration(opened, 3)) == 3


def test_grey_images_for_a_network_of_colour_ones(call, capsys):
    text = "best --format saved_model --output OUT/x"
    assert call(f"{text} --images grey.npz") == 0
    said = capsys.readouterr().out
    assert re.search(r"on 3 test images: \d\.\d\d ± 0\.\d\d in Keras", said)


@pytest.mark.parametrize(
    ("name", "suffix"), [("saved_model", ""), ("litert", ".tflite")]
)
def test_a_network_that_takes_whole_numbers(
    call, tmp_path, capsys, name, suffix
):
    try:
        FORMATS[name].check()
    except ValueError as error:
        pytest.skip(str(error))
    inputs = keras.Input((8, 8, 1), dtype="uint8")
    outputs = keras.layers.Rescaling(1 / 255)(inputs)
    outputs = keras.layers.Dense(2)(keras.layers.Flatten()(outputs))
    keras.Model(inputs, outputs).save(tmp_path / "uint8.keras")
    text = f"OUT/uint8.keras --format {name} --output OUT/x{suffix}"
    assert call(f"{text} --images grey.npz") == 0
    assert "the same best class on 100%" in capsys.readouterr().out


def test_a_file_that_is_no_network(call, tmp_path, capsys):
    (tmp_path / "bad.keras").write_text("not a network")
    assert call("OUT/bad.keras --format saved_model --output OUT/x") == 2
    assert "bad.keras" in capsys.readouterr().err


def test_a_network_of_something_else_than_images(call, tmp_path, capsys):
    layers = [keras.Input((4,)), keras.layers.Dense(2)]
    keras.Sequential(layers).save(tmp_path / "dense.keras")
    assert call("OUT/dense.keras --format saved_model --output OUT/x") == 2
    assert "4 dimensions. Received: " in capsys.readouterr().err


def test_a_wrong_export_is_a_failure(call, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("nasnet_keras.deployment.export.TOLERANCE", -1)
    assert call("best --format saved_model --output OUT/x") == 1
    assert "does not compute what the network does" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_help_and_wrong_arguments_need_no_tensorflow(tmp_path):
    script = (
        "import sys, zoo.deploy_cli\n"
        "for text in ('--help', 'x --format pb --output y',\n"
        "             'none --format saved_model --output y'):\n"
        "    sys.argv = ['nasnet-deploy', *text.split()]\n"
        "    print(zoo.deploy_cli.main())\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    completed = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    lines = completed.stdout.splitlines()
    assert lines[-3:] == ["2", "2", "[]"], completed.stderr
    assert "0" in lines
