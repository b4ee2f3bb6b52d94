"""How many cores there are; whether TensorFlow computes by oneDNN, and by
which instructions.

TensorFlow switches oneDNN on by itself only on processors with AVX512_VNNI,
AVX512_BF16 or AMX; with AVX2 alone it is faster too, in training and in large
batches, while small networks at batch 1 can be slower. Results depend on the
setting, as they do on threads. Neither Keras nor TensorFlow is imported here.
"""

import functools
import logging
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

ONEDNN, ISA = "TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA"

# With one of these TensorFlow has oneDNN on by itself.
BY_ITSELF = ("avx512_vnni", "avx512_bf16", "amx_tile")
FLAGS = ("avx2", "fma", "avx512f", "avx512bw", *BY_ITSELF, "amx_bf16")


def usable_cores() -> int:
    """How many cores this process may use: of a container or by `taskset`
    fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def processor_flags() -> tuple[str, ...]:
    """Those of `FLAGS` that the processor has; none where Linux does not say
    so."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ()
    found = next((line for line in lines if line.startswith("flags")), "")
    return tuple(flag for flag in FLAGS if flag in found.split())


def enable_onednn() -> None:
    """Switches oneDNN on, unless the user has chosen or the processor is no
    x86-64. Where TensorFlow was imported before and is slower without, says
    so to the log of `nasnet_keras`."""
    if ONEDNN in os.environ or platform.machine() not in ("x86_64", "AMD64"):
        return
    if "tensorflow" not in sys.modules:
        os.environ[ONEDNN] = "1"
    elif "avx2" in processor_flags() and not onednn_is_on():
        logging.getLogger("nasnet_keras").warning(
            "TensorFlow was imported before nasnet_keras, without oneDNN, with "
            "which it is faster on this processor; import nasnet_keras first, "
            f"or set {ONEDNN}=1 (0 to stay without)."
        )


def onednn_is_on(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether TensorFlow computes by oneDNN, or will."""
    chosen = environ.get(ONEDNN)
    if chosen is not None:
        return chosen.lower() in ("1", "true")
    return any(flag in processor_flags() for flag in BY_ITSELF)


def onednn_has_avx512(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether oneDNN has AVX-512 and may use it."""
    isa = environ.get(ISA, "ALL").upper()
    allowed = isa.startswith("AVX512") or isa in ("ALL", "DEFAULT")
    return allowed and "avx512bw" in processor_flags()


def computing_variables() -> dict[str, str]:
    """The variables on which results depend, as they hold."""
    return {
        ONEDNN: str(int(onednn_is_on())),
        ISA: os.environ.get(ISA, "ALL").upper(),
    }


def computing_setting() -> dict[str, str]:
    """What results depend on beside threads: the two variables as they hold,
    and the processor's flags, one after the other."""
    return {
        **computing_variables(),
        "processor": " ".join(processor_flags()),
    }
