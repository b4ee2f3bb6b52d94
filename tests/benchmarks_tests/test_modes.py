"""benchmarks/modes.py: a script in every mode, whatever the user has set."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"

SCRIPT = """
import argparse
import os

from modes import parse_arguments

import nasnet_keras

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int)
steps = parse_arguments(parser).steps
names = ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA")
print(steps, *[os.environ.get(name) for name in names])
if steps == 3:
    raise SystemExit(7)
"""

SET = {"TF_ENABLE_ONEDNN_OPTS": "1", "ONEDNN_MAX_CPU_ISA": "SSE41"}


def run(folder, *arguments, chosen=SET):
    script = folder / "script.py"
    script.write_text(SCRIPT)
    paths = os.pathsep.join(map(str, (BENCHMARKS, ROOT)))
    unset = {name: os.environ[name] for name in os.environ if name not in SET}
    return subprocess.run(
        [sys.executable, script, *arguments],
        env=unset | {"PYTHONPATH": paths} | chosen,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("chosen", [SET, {}])
def test_a_script_runs_once_in_each_mode(tmp_path, chosen):
    lines = run(tmp_path, "--steps", "2", "--modes", chosen=chosen).stdout

    # In the first TensorFlow chooses, though the script imports the package,
    # which switches oneDNN on, before TensorFlow.
    assert [line for line in lines.splitlines() if line.startswith("2 ")] == [
        "2 None None",
        "2 0 None",
        "2 1 AVX2",
    ]


def test_without_modes_what_the_user_has_set_holds(tmp_path):
    assert run(tmp_path, "--steps", "2").stdout == "2 1 SSE41\n"
    assert run(tmp_path, "--steps", "2", chosen={}).stdout == "2 None None\n"


def test_no_script_imports_the_package_before_modes():
    """Except behind Keras, with which TensorFlow has chosen."""
    scripts = {file.stem: imports(file) for file in BENCHMARKS.glob("*.py")}
    package = {"nasnet_keras", "nasnet_auto", "search", "zoo"}
    chosen = {"modes", "keras", "tensorflow"}

    def first(name):
        """The module that the script imports first, of these."""
        for module in scripts[name]:
            if module in chosen | package:
                return module
            if module in scripts and first(module):
                return first(module)

    with_modes = [name for name in scripts if "modes" in scripts[name]]
    assert "deployment" in with_modes
    assert [name for name in with_modes if first(name) not in chosen] == []


def imports(script):
    """The modules that it imports, without what is within them, in order."""
    modules = []
    for node in ast.parse(script.read_text()).body:
        if isinstance(node, ast.ImportFrom):
            modules.append(node.module.partition(".")[0])
        elif isinstance(node, ast.Import):
            modules += [name.name.partition(".")[0] for name in node.names]
    return modules


def test_what_fails_in_a_mode_fails(tmp_path):
    done = run(tmp_path, "--steps", "3", "--modes")
    assert done.returncode != 0
    assert done.stdout.count("3 ") == 1
