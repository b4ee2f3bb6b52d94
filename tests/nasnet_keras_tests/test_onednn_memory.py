"""oneDNN's kernels for processors without AVX-512 keep to their memory: in
processes of their own, with glibc's heap checks on."""

import ctypes.util
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

SCENARIO = Path(__file__).parent / "onednn_scenario.py"
CHECKED = {
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "LD_PRELOAD": "libc_malloc_debug.so.0",
    "GLIBC_TUNABLES": "glibc.malloc.check=3",
    "CUDA_VISIBLE_DEVICES": "-1",
}
BROKEN = (-6, -11)  # aborted by the check, or by the write itself

pytestmark = [
    pytest.mark.large,
    pytest.mark.skipif(
        platform.machine() != "x86_64"
        or ctypes.util.find_library("c_malloc_debug") is None,
        reason="needs an x86-64 processor and glibc's libc_malloc_debug",
    ),
]


def run(*arguments):
    return subprocess.run(
        [sys.executable, SCENARIO, *map(str, arguments)],
        env={**os.environ, **CHECKED},
        capture_output=True,
        text=True,
    )


def test_a_write_beyond_a_buffer_is_seen():
    """A strided 1x1 convolution as TensorFlow has it. Where this fails, a
    newer version may have mended it."""
    assert run(1, "control").returncode in BROKEN


# Channels on both sides of where oneDNN's blocks of 8 and 16 are full.
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "channels",
    [(1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (15, 17), (24, 25), (32, 40)],
)
def test_no_layer_writes_beyond_its_buffers(threads, channels):
    ran = run(threads, *channels)
    assert ran.returncode == 0, ran.stdout[-80:] + ran.stderr[-400:]
