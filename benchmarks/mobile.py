"""NASNet-A Mobile: ours beside keras.applications, in turn in one process.

    python benchmarks/mobile.py --rounds 1

Prints the seconds of build and first training step and the images per second
of training, at 224 x 224 and batch 16, with momentum: keras.applications with
the stock optimizer in the stock `fit` path, ours as `compile_network` sets it
up. Medians over the rounds, and the ratio.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from nasnet_keras.network import build_network
from nasnet_keras.published import NASNET_A
from nasnet_keras.training.recipes import Recipe
from nasnet_keras.training.train import compile_network

CLASSES, SIZE = 1000, 224


def theirs() -> keras.Model:
    model = keras.applications.NASNetMobile(weights=None)
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    return model


def ours() -> keras.Model:
    model = build_network(
        NASNET_A,
        (SIZE, SIZE, 3),
        CLASSES,
        repeats=4,
        filters=44,
        stem="imagenet",
        conventions={"bn_momentum": 0.9997, "bn_epsilon": 1e-3},
    )
    recipe = Recipe(epochs=1, batch_size=16, learning_rate=0.01)
    compile_network(model, recipe, steps_per_epoch=1000)
    return model


def measure(
    build: Callable[[], keras.Model], batch: int, steps: int
) -> dict[str, float]:
    keras.backend.clear_session()
    random = np.random.default_rng(0)
    images = random.normal(size=(batch, SIZE, SIZE, 3)).astype("float32")
    labels = random.integers(CLASSES, size=batch)
    times = [time.perf_counter()]
    model = build()
    times.append(time.perf_counter())
    for _ in range(2 + steps):
        model.train_on_batch(images, labels)
        times.append(time.perf_counter())
    spans = np.diff(times)
    return {
        "build": spans[0],
        "first step": spans[1],
        "start-up": spans[0] + spans[1],
        "images/s": batch / statistics.median(spans[3:]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=5)
    arguments = parser.parse_args()
    builders = {"keras.applications": theirs, "ours": ours}
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in builders}
    for _ in range(arguments.rounds):
        for name, build in builders.items():
            rows[name].append(measure(build, arguments.batch, arguments.steps))
    medians = {
        name: {
            key: statistics.median(row[key] for row in measured)
            for key in measured[0]
        }
        for name, measured in rows.items()
    }
    print(f"{'':20}" + "".join(f"{key:>12}" for key in medians["ours"]))
    for name, values in medians.items():
        print(f"{name:20}" + "".join(f"{v:12.2f}" for v in values.values()))
    theirs_, ours_ = medians.values()
    print(
        f"{'ours / theirs':20}"
        + "".join(f"{ours_[key] / theirs_[key]:12.2f}" for key in ours_)
    )


if __name__ == "__main__":
    main()
