import errno
import json
import os
import shutil
import subprocess
import sys
import warnings

import numpy as np
import pytest
from PIL import Image

import zoo.train_cli
from nasnet_keras.architectures import find_kind, to_data
from nasnet_keras.console.command_line import RunError
from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.kinds.layerwise import (
    ConvolutionLayer,
    LayerwiseArchitecture,
)
from nasnet_keras.training.run import load_settings

HEAVY = ("keras", "tensorflow", "tensorflow_datasets", "matplotlib")
RUN = (
    "run --architecture cells.json --dataset images.npz --repeats 1 "
    "--filters 2 "
    "--image-size 8 --recipe search-proxy --epochs 2 --batch-size 8"
)


def call(text):
    """Calls `nasnet-train` in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["nasnet-train", *text.split()])
        return zoo.train_cli.main()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """With cells and images: bright ones and dark ones, none to test on."""
    folder = tmp_path_factory.mktemp("folder")
    cell = CellSpec((Block((0, 1), ("conv_3x3", "identity")),))
    data = to_data(find_kind("nasnet"), Genotype(cell, cell))
    (folder / "cells.json").write_text(json.dumps(data))
    layers = LayerwiseArchitecture((ConvolutionLayer((3, 3), 2),))
    data = to_data(find_kind("layerwise"), layers)
    (folder / "layers.json").write_text(json.dumps(data))
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    images = rng.integers(0, 128, (40, 8, 8, 1))
    images += 127 * labels[:, None, None, None]
    np.savez(
        folder / "images.npz",
        x_train=images.astype(np.uint8),
        y_train=labels,
        class_names=np.array(["dark", "bright"]),
    )
    (folder / "one" / "class").mkdir(parents=True)
    for number in range(20):
        Image.new("RGB", (8, 8)).save(
            folder / "one" / "class" / f"{number}.png"
        )
    return folder


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def trained(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert call(f"{RUN} --validation-images 8 --output trained") == 0
    return folder / "trained"


def test_a_training_and_its_evaluation(trained, here, capsys):
    assert call("evaluate trained") == 0
    output = capsys.readouterr().out
    data = json.loads((trained / "evaluation" / "test.json").read_text())
    assert data["split"] == "test"
    assert data["images"] == 4  # held out
    assert f"{data['accuracy']:.2f} ± " in output
    assert "top-5" not in output
    assert {"dark", "bright"} <= set(output.split())
    assert sorted(file.name for file in (trained / "evaluation").iterdir()) == [
        "test.json",
        "test_confusion.png",
        "test_mistakes.png",
    ]


def test_the_figures_are_those_of_the_training(trained, here):
    assert call("evaluate trained --split validation --batch-size 3") == 0
    data = json.loads((trained / "evaluation" / "validation.json").read_text())
    last = json.loads((trained / "history.json").read_text())[-1]
    assert data["accuracy"] == pytest.approx(last["val_accuracy"])
    assert data["cross_entropy"] == pytest.approx(last["val_loss"], rel=1e-4)


@pytest.mark.parametrize("channels", [1, 4, 7])
def test_a_network_of_a_file_takes_the_channels_of_its_images(
    here, tmp_path, monkeypatch, channels
):
    """Those that a search on the same images takes."""
    labels = np.arange(40) % 2
    images = np.zeros((40, 8, 8, channels), np.uint8)
    images[labels == 1] = 255
    np.savez(tmp_path / "images.npz", x_train=images, y_train=labels)
    built = []

    def stop(self):
        built.append((self.model.input_shape, self.settings.network))
        raise RunError("That is enough.")

    monkeypatch.setattr("nasnet_keras.training.run._Training.go_on", stop)
    text = RUN.replace("images.npz", str(tmp_path / "images.npz"))
    for _ in range(2):  # It goes on, too.
        assert call(f"{text} --output {tmp_path / 'trained'}") == 1
    for shape, network in built:
        assert shape == (None, 8, 8, channels)
        assert network["input_shape"] == [8, 8, channels]
    settings = load_settings(tmp_path / "trained")
    assert settings.network["input_shape"] == [8, 8, channels]


@pytest.fixture
def photographs(here, tmp_path):
    """In parts, of which one name is not UTF-8; one file is broken."""
    rng = np.random.default_rng(0)
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    for part, count in (("train", 12), ("val", 5), ("test", 3)):
        for name, least in ((b"dark\xe9", 0), (b"bright", 128)):
            label = folder / part / os.fsdecode(name)
            label.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(least, least + 128, (20, 24, 3), np.uint8)
                Image.fromarray(pixels).save(label / f"{number}.png")
    (folder / "val" / "bright" / "broken.png").write_text("404")
    return folder


def test_a_recipe_for_cells_trains_other_networks(here, tmp_path, capsys):
    output = tmp_path / "trained"
    assert (
        call(
            "run --architecture layers.json --dataset images.npz --recipe cifar"
            f" --epochs 1 --batch-size 8 --image-size 8 --output {output}"
        )
        == 0
    )
    recipe = json.loads((output / "config.json").read_text())["settings"][
        "recipe"
    ]
    assert recipe["drop_path_rate"] == recipe["auxiliary_weight"] == 0
    # Half of the images, as 16 pixels are of CIFAR-10's.
    assert (recipe["cutout"], recipe["epochs"]) == (4, 1)


@pytest.mark.large
def test_a_mobile_network_is_trained_by_a_recipe_for_cells(here, tmp_path):
    output = tmp_path / "trained"
    assert (
        call(
            "run --model mnasnet_small --dataset images.npz --recipe cifar "
            f"--epochs 1 --batch-size 8 --image-size 32 --output {output}"
        )
        == 0
    )
    settings = json.loads((output / "config.json").read_text())["settings"]
    assert settings["recipe"]["auxiliary_weight"] == 0
    assert settings["recipe"]["drop_path_rate"] > 0
    assert settings["network"]["architecture"]["kind"] == "mobile"
    assert call(f"run --model mnasnet_small --filters 8 {output}") == 2


@pytest.mark.large
def test_photographs_in_parts(photographs, here, capsys, monkeypatch):
    command = RUN.replace("images.npz", str(photographs)) + " --output parts"
    assert call(command) == 2
    error = capsys.readouterr().err
    assert "1 that cannot be read, 'val/bright/broken.png' (text);" in error
    assert "(--skip-broken)" in error
    command += " --skip-broken --class-weights balanced --stream"
    command += " --learning-rate 1e-6"  # or it learns to make no mistakes
    assert call(f"{command} --keep-best --early-stopping 1") == 0
    record = json.loads((here / "parts" / "config.json").read_text())
    assert record["settings"]["class_weights"] == "balanced"
    output = capsys.readouterr().out
    for text in (
        "24 to train on (train), 10 to validate on (val), 6 to test on (test)",
        "Skipped as unreadable: 1, 'val/bright/broken.png' (text).",
        "The images, 24 x 20 pixels, are brought to 8 x 8;",
        "Images are cropped and mirrored (augmentation crop-flip).",
        "if decoded, are streamed from their files: as asked for.",
        "val accuracy 0.",
        "model.keras, of epoch ",
    ):
        assert text in output
    for split, images in (("test", 6), ("validation", 10)):
        assert call(f"evaluate parts --split {split}") == 0
        written = here / "parts" / "evaluation" / f"{split}.json"
        data = json.loads(written.read_text())
        assert data["images"] == images
        for mistake in data["worst_mistakes"]:
            name = data["classes"][mistake["label"]]["name"]
            part = {"test": "test", "validation": "val"}[split]
            assert mistake["file"].startswith(f"{part}/{name}/")
        assert any(data["worst_mistakes"])
    shutil.rmtree(here / "parts")


def test_only_what_is_finished_is_evaluated(trained, here, tmp_path, capsys):
    shutil.copy(trained / "config.json", tmp_path)
    assert call(f"evaluate {tmp_path}") == 2
    command = json.loads((trained / "config.json").read_text())["command"]
    error = capsys.readouterr().err
    assert "is not finished" in error
    assert error.endswith(f"Continue it with `{command}`.\n")


def test_images_that_have_changed_are_refused(trained, here, tmp_path, capsys):
    other = tmp_path / "other"
    shutil.copytree(trained, other)
    record = json.loads((other / "config.json").read_text())
    images = dict(np.load("images.npz"))
    images["x_train"] = 255 - images["x_train"]
    np.savez(tmp_path / "inverted.npz", **images)
    record["settings"]["dataset"] = str(tmp_path / "inverted.npz")
    (other / "config.json").write_text(json.dumps(record))
    assert call(f"evaluate {other} --split validation") == 2
    assert "are not those that the training in" in capsys.readouterr().err
    record["settings"]["validation_images"] = None
    (other / "config.json").write_text(json.dumps(record))
    assert call(f"evaluate {other} --split validation") == 2
    assert "has no validation images" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (f"{RUN} --output new --epochs 0", "Invalid value for `epochs`."),
        (f"{RUN} --output new --stream", "The arguments `stream` and `cache`"),
        (f"{RUN} --output new --keep-best", "The argument `keep_best` needs"),
        (f"{RUN} --output new --frozen-epochs 3", "The settings disagree"),
        (
            "run --architecture layers.json --dataset images.npz --output new "
            "--drop-path-rate 0.1",
            "Invalid value for `drop_path_rate`. Expected 0.0: networks given",
        ),
        (
            "run --architecture layers.json --dataset images.npz --output new "
            "--auxiliary-weight 0.4",
            "Invalid value for `auxiliary_weight`. Expected 0.0: networks giv",
        ),
        (f"{RUN} --output new --recipe haste", "Invalid value for `recipe`."),
        (f"{RUN} --output new --colour red", "No such option: --colour"),
        (f"{RUN} --output new --model nasnet_large", "Expected either --mod"),
        (f"{RUN} --output new --dataset none.npz", "Invalid value for arg"),
        (f"{RUN} --output new --dataset one", "Invalid data set '"),
        (
            f"{RUN} --output new --architecture none",
            "Cannot read the architecture",
        ),
        (
            f"{RUN} --output new --architecture images.npz",
            "images.npz holds no",
        ),
        (RUN, "Missing option '--output'"),
        (f"{RUN} --output .", "Expected as output a folder that is new"),
        ("run --dataset digits --output new", "Expected either --model or"),
        (
            "run --dataset digits --output new --model nasnet_huge",
            "Invalid value for argument `model`",
        ),
        (
            "run --dataset digits --output new --model nasnet_large "
            "--stem cifar",
            "Expected --stem with --architecture only",
        ),
        (
            f"{RUN} --output new --weights cifar10",
            "Invalid value for argument `weights`. There are no 'cifar10' "
            "weights for the architecture of a file.",
        ),
        ("evaluate nowhere", "Expected the folder of a training. Received: n"),
        (f"{RUN} --output new --dtype float64", "Invalid value for '--dtype'"),
        ("evaluate nowhere --split all", "Invalid value for '--split'"),
        ("evaluate nowhere --batch-size 0", "Invalid value for '--batch-size"),
        ("evaluate", "Missing argument 'run'"),
    ],
)
def test_bad_input_is_a_sentence(here, capsys, arguments, sentence):
    before = sorted(here.iterdir())
    assert call(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(sentence)
    assert captured.err.count("\n") == 1
    assert sorted(here.iterdir()) == before


def test_a_network_that_nothing_holds_is_a_sentence(here, capsys):
    assert call(f"{RUN} --output new --filters 10000 --repeats 40") == 2
    said = capsys.readouterr().err
    assert said.startswith("Invalid network. Expected at most 1,000,000,000 p")
    assert said.count("\n") == 1 and not (here / "new").exists()


def test_weights_that_cannot_be_fetched_are_a_sentence(
    here, capsys, monkeypatch
):
    def fetch(preset, include_top):
        raise RuntimeError("The weights could not be fetched.")

    monkeypatch.setattr("zoo.weights.fetch", fetch)
    arguments = RUN.replace(
        "--architecture cells.json", "--model nasnet_mobile"
    )
    arguments += " --filters 4 --image-size 32 --weights imagenet --output new"
    assert call(arguments) == 2
    assert capsys.readouterr().err == "The weights could not be fetched.\n"
    assert not (here / "new").exists()


def test_a_full_disk_ends_a_training_with_a_way_on(here, capsys, monkeypatch):
    def run_training(folder, *arguments, **keywords):
        folder.mkdir()
        (folder / "config.json").touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "model.keras")

    monkeypatch.setattr("nasnet_keras.training.run.run_training", run_training)
    assert call(f"{RUN} --output full") == 1
    assert capsys.readouterr().err == (
        "The training full stopped: No space left on device; make room, or "
        "choose another disk. When the cause is gone, continue with the same "
        "command.\n"
    )


@pytest.mark.filterwarnings("default")
def test_a_warning_is_its_text(here, capsys, monkeypatch):
    def run_training(*arguments, **options):
        warnings.warn("The classifier starts anew.", stacklevel=2)

    monkeypatch.setattr("nasnet_keras.training.run.run_training", run_training)
    assert call(f"{RUN} --output new") == 0
    assert capsys.readouterr().err == "The classifier starts anew.\n"


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (RunError("The training diverged."), 1, "The training diverged."),
        (
            KeyboardInterrupt(),
            130,
            "Interrupted. Continue with the same command.",
        ),
    ],
)
def test_how_a_training_may_end(
    here, capsys, monkeypatch, error, code, sentence
):
    def run_training(*arguments, **options):
        raise error

    monkeypatch.setattr("nasnet_keras.training.run.run_training", run_training)
    assert call(f"{RUN} --output new") == code
    assert capsys.readouterr().err == f"{sentence}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "texts"),
    [
        ("--help", 0, ["run", "evaluate"]),
        # Every value of a recipe is an option.
        ("run --help", 0, ["--cutout", "Decay of the moving average"]),
        ("evaluate --help", 0, ["--split", "validation"]),
        ("run --output new --dataset digits --recipe haste", 2, []),
        ("run --output new --dataset digits --model nasnet_huge", 2, []),
    ],
)
def test_help_and_bad_arguments_need_no_keras(tmp_path, arguments, code, texts):
    script = (
        "import sys\n"
        "from zoo.train_cli import main\n"
        "code = main()\n"
        f"loaded = [name for name in {HEAVY} if name in sys.modules]\n"
        "sys.exit(f'loaded {loaded}' if loaded else code)\n"
    )
    completed = subprocess.run(
        [sys.executable, "-c", script, *arguments.split()],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert completed.returncode == code, completed.stderr
    for text in texts:
        assert text in completed.stdout
