"""What holds for all commands alike."""

import importlib
import inspect
import subprocess
import sys

import pytest

MODULES = {
    "nasnet-search": "search.cli.app",
    "nasnet-train": "nasnet_auto.commands.train_cli",
    "nasnet-deploy": "zoo.deploy_cli",
    "nasnet-auto": "nasnet_auto.commands.cli",
}
# A module, a function of it, and arguments that are complete, but for data
# that are not there.
CALLS = [
    ("search.cli.driving", "run", "run --dataset nowhere --output out"),
    ("search.cli.driving", "resume", "resume nowhere"),
    ("search.cli.looking", "status", "status nowhere --watch"),
    ("search.cli.looking", "dashboard", "dashboard nowhere"),
    ("search.cli.acting", "export", "export nowhere --output out"),
    ("search.cli.acting", "retrain", "retrain nowhere"),
    ("search.cli.acting", "rank", "rank nowhere"),
    (
        *("search.cli.acting", "latency_table"),
        "latency-table --dataset nowhere --output out",
    ),
    ("search.cli.comparing", "benchmark", "benchmark nowhere --output out"),
    (
        *("zoo.train_cli", "run"),
        "run --dataset nowhere --model nasnet_mobile --output out",
    ),
    ("zoo.train_cli", "evaluate", "evaluate nowhere"),
    (
        *("nasnet_auto.commands.train_cli", "tune"),
        "tune --dataset nowhere --model nasnet_mobile --output out",
    ),
    ("zoo.deploy_cli", "deploy", "nowhere --format onnx --output out.onnx"),
    ("nasnet_auto.commands.cli", "run", "run nowhere --hours 1 --output out"),
    ("nasnet_auto.commands.cli", "predict", "predict nowhere photo.jpg"),
]
NUMBERS = ("9" * 400, "9" * 5000, "1e400", "nan")


def numeric(module, function):
    """The options of a command that take a number."""
    command = getattr(importlib.import_module(module), function)
    return [
        "--" + parameter.name.replace("_", "-")
        for parameter in inspect.signature(command).parameters.values()
        if "int" in str(parameter.annotation).replace("hint", "")
        or "float" in str(parameter.annotation)
    ]


def call(name, arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [name, *arguments])
        return importlib.import_module(MODULES[name]).main()


@pytest.mark.parametrize(("module", "function", "arguments"), CALLS)
@pytest.mark.one_in(2)
def test_a_number_beyond_all_bounds_is_a_sentence(
    module, function, arguments, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    name = next(
        (name for name, place in MODULES.items() if place == module),
        "nasnet-train" if module == "zoo.train_cli" else "nasnet-search",
    )
    options = numeric(module, function)
    for option in options:
        for number in NUMBERS:
            assert call(name, [*arguments.split(), f"{option}={number}"]) == 2
            said = capsys.readouterr().err
            assert said.count("\n") == 1 and len(said) < 800, option
            words = [option[2:].replace("-", "_"), option]
            if function in ("export", "retrain"):  # look for the run first
                words.append("Expected the folder of a run")
            assert any(word in said for word in words), said


@pytest.mark.parametrize(
    "option", ["--space-option", "--strategy-option", "--evaluator-option"]
)
@pytest.mark.parametrize("value", ["9" * 400, "9" * 5000, "1e400", "[" * 5000])
def test_an_argument_beyond_all_bounds_is_a_sentence(
    option, value, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    arguments = ["run", "--dataset", "nowhere", "--output", "out"]
    names = {
        "--space-option": "blocks",
        "--strategy-option": "minibatch",
        "--evaluator-option": "rounds",
    }
    if option == "--evaluator-option":
        arguments += ["--strategy", "enas", "--space-option", "blocks=1"]
    assert (
        call("nasnet-search", [*arguments, option, f"{names[option]}={value}"])
        == 2
    )
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and len(said) < 800


@pytest.mark.parametrize("name", MODULES)
def test_a_folder_that_is_gone_is_a_sentence(name, tmp_path):
    script = (
        "import os, sys\n"
        f"os.chdir({str(tmp_path)!r})\n"
        f"os.rmdir({str(tmp_path)!r})\n"
        f"from {MODULES[name]} import main\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "--help"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "The current folder is not there any more. Go to another.\n"
    )
