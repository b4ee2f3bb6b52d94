"""What is far slower with oneDNN than without: operations and presets.

    python benchmarks/onednn_cliffs.py
    python benchmarks/onednn_cliffs.py --only operations
    python benchmarks/onednn_cliffs.py --only presets --presets "nasnet_*"

Every operation, with strides 1 and 2, in inference and in a step of its
training, and every preset of the zoo in inference, at batch 1 and 32. Images of
a preset have at most so many pixels a side (`--preset-size`): what oneDNN
chooses depends on kernels and channels, which stay. Each mode of modes.py has
a process of its own; those with oneDNN are compared with the one without.

Prints the rows that are slowest beside `eigen`, and how many of all take more
than five times as long; the exit code is 1 where there are some.
"""

import argparse
import fnmatch
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf
from modes import MODES, environment

import zoo
from nasnet_keras.deployment.timing import (
    Call,
    forward_pass,
    median_seconds,
    traced,
)
from nasnet_keras.layers.operations import OPERATIONS
from nasnet_keras.processor import processor_flags
from zoo.preset import Preset

CLIFF = 5
BATCHES = (1, 32)
WITHOUT = "eigen"
MEASURE = "--measure"  # what the process of a mode is told


def operations(arguments: argparse.Namespace) -> Iterator[tuple[str, Call]]:
    """Each operation and way of calling it, by a name."""
    size, channels = arguments.size, arguments.channels
    for name, operation in OPERATIONS.items():
        for strides in (1, 2):
            layer = operation(channels, strides)
            layer.build((None, size, size, channels))
            for batch in BATCHES:
                shape = tf.TensorShape((batch, size, size, channels))
                row = f"{name}, strides {strides}, batch {batch}"
                for way, function in (
                    ("inference", inference(layer)),
                    ("training", gradients(layer)),
                ):
                    yield f"{row}, {way}", traced(function, shape)


def inference(layer: keras.layers.Layer) -> Callable[[tf.Tensor], tf.Tensor]:
    return lambda states: layer(states, training=False)


def gradients(layer: keras.layers.Layer) -> Callable[[tf.Tensor], list]:
    """Those of the states and of the weights that come in."""

    def gradients_of(states: tf.Tensor) -> list[tf.Tensor]:
        weights = [each.value for each in layer.trainable_variables]
        with tf.GradientTape() as tape:
            tape.watch(states)
            total = tf.reduce_sum(tf.square(layer(states, training=True)))
        sources = [states, *weights]
        return tape.gradient(total, sources, unconnected_gradients="zero")

    return gradients_of


def presets(arguments: argparse.Namespace) -> Iterator[tuple[str, Call]]:
    """Each preset in inference, by a name."""
    for name, preset in zoo.PRESETS.items():
        if not fnmatch.fnmatch(name, arguments.presets):
            continue
        keras.backend.clear_session()
        shape = image_shape(preset, arguments.preset_size)
        model = zoo.create_model(name, shape)
        for batch in BATCHES:
            yield f"{name}, batch {batch}", forward_pass(model, batch)


def image_shape(preset: Preset, largest: int) -> tuple[int, ...]:
    *sides, channels = preset.input_shape
    return (*(min(side, largest) for side in sides), channels)


PARTS = {"operations": operations, "presets": presets}


def measured(arguments: argparse.Namespace) -> dict[str, float]:
    """The median seconds of every row, in the mode of this process."""
    return {
        name: median_seconds(
            function, *values, repeats=arguments.repeats, warmup=2
        )
        for part in arguments.only
        for name, (function, values) in PARTS[part](arguments)
    }


def in_mode(mode: str) -> dict[str, float]:
    """What `measured` gives in a process of that mode."""
    done = subprocess.run(
        [sys.executable, *sys.argv, MEASURE],
        env=environment(mode),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART"
    )
    parser.add_argument("--size", type=int, default=28, help="of operations")
    parser.add_argument("--channels", type=int, default=44)
    parser.add_argument("--presets", default="*", help="a pattern of names")
    parser.add_argument("--preset-size", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--worst", type=int, default=8, help="rows of a mode")
    parser.add_argument(MEASURE, action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measured(arguments)))
        return 0
    print("Processor:", " ".join(processor_flags()) or "flags unknown")
    without = in_mode(WITHOUT)
    print("\n| mode | what | ms | times those without |\n|---|---|---|---|")
    cliffs = {}
    for mode in MODES:
        if mode == WITHOUT:
            continue
        seconds = in_mode(mode)
        ratios = {name: seconds[name] / without[name] for name in without}
        cliffs[mode] = sum(ratio > CLIFF for ratio in ratios.values())
        worst = sorted(ratios, key=ratios.__getitem__, reverse=True)
        for name in worst[: arguments.worst]:
            print(
                f"| {mode} | {name} | {1e3 * seconds[name]:.2f} "
                f"| {ratios[name]:.2f} |",
                flush=True,
            )
    for mode, count in cliffs.items():
        print(
            f"\n{mode}: {count} of {len(without)} take more than {CLIFF} "
            "times as long."
        )
    return int(any(cliffs.values()))


if __name__ == "__main__":
    sys.exit(main())
