"""benchmarks/backends.py on a small network, on each backend that is there."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "benchmarks" / "backends.py"
SMALL = {"preset": "nasnet_a_cifar", "size": 16, "repeats": 1, "filters": 8}

# Runs the script as if TensorFlow were not installed.
WITHOUT_TENSORFLOW = """
import runpy, sys
sys.modules["tensorflow"] = None
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("backends", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def proof(script, tmp_path_factory):
    """What the backend that the tests run on computes."""
    directory = tmp_path_factory.mktemp("proof")
    script.write(directory, SMALL, batch=8)
    return directory


@pytest.mark.large
def test_a_backend_agrees_with_itself_and_not_with_others(script, proof):
    assert script.compare(proof, "channels_last")
    path = proof / "proof.npz"
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    try:
        np.savez(path, **{**arrays, "before": 1.001 * arrays["before"]})
        assert not script.compare(proof, "channels_last")
    finally:
        np.savez(path, **arrays)


@pytest.mark.parametrize(
    ("backend", "data_format"),
    [
        ("jax", "channels_last"),
        ("torch", "channels_last"),
        ("torch", "channels_first"),
    ],
)
def test_backends_agree_where_tensorflow_is_absent(proof, backend, data_format):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    command = [sys.executable, "-c", WITHOUT_TENSORFLOW, str(SCRIPT)]
    result = subprocess.run(
        [*command, "compare", str(proof), "--data-format", data_format],
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.startswith(f"{backend}, {data_format}: largest")
