"""A benchmark as different processors would run it: `--modes`.

`default` is what TensorFlow chooses by itself. The package sets a variable when
it is imported; this module takes it out again, unless the user has set it. So
scripts import this module before the package. `eigen` is without oneDNN, as
TensorFlow chooses where the processor has no AVX512_VNNI, AVX512_BF16 or AMX,
and `avx2` with oneDNN by the instructions of such a processor. Both sides of a
ratio run under the same variables.
"""

import argparse
import os
import subprocess
import sys

BEFORE = dict(os.environ)  # the package sets a variable

from nasnet_keras.processor import ISA, ONEDNN, processor_flags  # noqa: E402

if ONEDNN not in BEFORE:
    os.environ.pop(ONEDNN, None)

MODES = {
    "default": {},
    "eigen": {ONEDNN: "0"},
    "avx2": {ONEDNN: "1", ISA: "AVX2"},
}
OPTION = "--modes"


def parse_arguments(
    parser: argparse.ArgumentParser, threads: bool = False
) -> argparse.Namespace:
    """The arguments of a script, which gets the option `--modes` here, and
    with `threads` the option `--threads`, which is followed here too.

    With `--modes` the command line is run once in each mode, each in a process
    of its own since TensorFlow reads the variables once; then this process
    ends, with the first that fails.
    """
    if threads:
        parser.add_argument(
            "--threads", type=int, help="of TensorFlow; default: its own"
        )
    parser.add_argument(
        OPTION,
        action="store_true",
        help=f"once in each mode, in fresh processes: {', '.join(MODES)}",
    )
    arguments = parser.parse_args()
    if not arguments.modes:
        if threads and arguments.threads:
            use_threads(arguments.threads)
        return arguments
    print("Processor:", " ".join(processor_flags()) or "flags unknown")
    command = [each for each in sys.argv if each != OPTION]
    for mode, variables in MODES.items():
        chosen = [f"{name}={value}" for name, value in variables.items()]
        print(f"\n== {mode} {' '.join(chosen)}".rstrip(), flush=True)
        subprocess.run(
            [sys.executable, *command], env=environment(mode), check=True
        )
    raise SystemExit


def use_threads(count: int) -> None:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(count)
    tf.config.threading.set_inter_op_parallelism_threads(count)


def environment(mode: str) -> dict[str, str]:
    """The variables of a process in that mode."""
    unset = {
        name: value
        for name, value in os.environ.items()
        if name not in (ONEDNN, ISA)
    }
    return unset | MODES[mode]
