"""Inference of NASNet-A Mobile: keras.applications', ours, and ours fused by
`fuse_for_inference`, in turn in one process.

    python benchmarks/inference.py
    python benchmarks/inference.py --quick

Images per second at 224 x 224, batch 1 and 32, as `predict_on_batch` and as one
`tf.function`. In each round every model takes its step, the first one another
one than in the round before. Medians, and what they are to those of
keras.applications. Last, the largest difference of the fused logits from those
before, to the largest of these.

`--convolutions` adds ours with 1x1 convolutions where it computes products of
matrices, as it does without AVX-512.

`--clock processor` counts the seconds of the processors, all threads together:
for a machine that does other work meanwhile. `--threads 1` gives TensorFlow one
thread.

`--modes` runs it three times, as different processors would: see modes.py.
"""

import argparse
import os
import time
from collections.abc import Callable
from statistics import median
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from modes import parse_arguments

import zoo
from nasnet_keras.deployment.fuse import fuse_for_inference
from nasnet_keras.layers.parts import kernels

SIZE = 224
WARM_UP = 2  # rounds that are not counted
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
PEER, OURS, FUSED = "keras.applications", "ours", "ours, fused"
CONVOLUTIONS = "ours, convolutions"

Call = Callable[[np.ndarray], object]


def build_models(convolutions: bool = False) -> dict[str, keras.Model]:
    logits = {"weights": None, "classifier_activation": None}
    ours = zoo.NASNetMobile(**logits)
    random = np.random.default_rng(0)
    for weight in ours.weights:  # so that there is something to fold
        if weight.path.endswith("moving_variance"):
            weight.assign(random.uniform(0.5, 2, weight.shape))
        elif weight.path.endswith(("beta", "moving_mean")):
            weight.assign(random.normal(scale=0.1, size=weight.shape))
    models = {
        PEER: keras.applications.NASNetMobile(**logits),
        OURS: ours,
        FUSED: fuse_for_inference(ours),
    }
    if convolutions:
        models[CONVOLUTIONS] = zoo.NASNetMobile(**logits)
        models[CONVOLUTIONS].set_weights(ours.get_weights())
    return models


def by_convolutions(call: Call) -> Call:
    """The call, whose graphs are made without products."""

    def run(images: np.ndarray) -> object:
        with mock.patch.object(
            kernels, "_takes_products", lambda inputs: False
        ):
            return call(images)

    return run


def graph(model: keras.Model) -> Call:
    """The model as one `tf.function`."""
    signature = tf.TensorSpec((None, SIZE, SIZE, 3))
    return tf.function(
        lambda images: model(images, training=False),
        input_signature=[signature],
    )


def in_turns(
    calls: dict[str, Call],
    images: np.ndarray,
    rounds: int,
    clock: Callable[[], float],
) -> dict[str, float]:
    """The median seconds of each call."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for number in range(WARM_UP + rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            began = clock()
            calls[name](images)
            if number >= WARM_UP:
                seconds[name].append(clock() - began)
    return {name: median(values) for name, values in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=30, help="of batch 1")
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--quick", action="store_true", help="5 rounds, 1")
    parser.add_argument(
        "--convolutions", action="store_true", help="ours without products too"
    )
    arguments = parse_arguments(parser, threads=True)
    rounds = 5 if arguments.quick else arguments.rounds
    models = build_models(arguments.convolutions)
    ways = {
        "predict_on_batch": {
            name: model.predict_on_batch for name, model in models.items()
        },
        "tf.function": {name: graph(model) for name, model in models.items()},
    }
    for calls in ways.values():
        if CONVOLUTIONS in calls:
            calls[CONVOLUTIONS] = by_convolutions(calls[CONVOLUTIONS])
    random = np.random.default_rng(0)
    images = random.uniform(-1, 1, (32, SIZE, SIZE, 3)).astype("float32")
    names = list(models)
    print(f"| images/s | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    for batch, count in ((1, rounds), (32, max(1, rounds // 5))):
        for way, calls in ways.items():
            seconds = in_turns(
                calls, images[:batch], count, CLOCKS[arguments.clock]
            )
            cells = " | ".join(
                f"{batch / spent:.1f} ({seconds[PEER] / spent:.2f}x)"
                for spent in seconds.values()
            )
            print(f"| {way}, batch {batch} | {cells} |", flush=True)
    before, after = (
        models[name].predict_on_batch(images[:4]) for name in (OURS, FUSED)
    )
    difference = np.abs(after - before).max() / np.abs(before).max()
    print(f"\nThe logits differ by {difference:.1e} of the largest.")


if __name__ == "__main__":
    main()
