"""NASNet-A Mobile: the zoo's beside keras.applications', in turn in one
process.

    python benchmarks/zoo_vs_keras_applications.py
    python benchmarks/zoo_vs_keras_applications.py --quick

Seconds of build and of the first training step, which takes in `compile`, since
ours makes there the optimizer's variables that stock Keras makes in the step;
images per second of training (batch 16) and of inference (batch 1 and 32), at
224 x 224. Theirs trains with the stock optimizer as stock `compile` sets it up,
ours as `compile_network` does, both by momentum. In each round both are built,
the other one first than in the round before, then take their first steps, and
then the others in turn.
Medians over all rounds, and the ratio; above 1 ours is ahead, of seconds and of
images alike.

`--threads 1` gives TensorFlow one thread, as `--workers 2` gives each worker on
two cores.

`--modes` runs it three times, as different processors would: see modes.py.
"""

import argparse
import gc
import os
import time
from collections.abc import Callable
from statistics import median

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from modes import parse_arguments

import zoo
from nasnet_keras.training.recipes import Recipe
from nasnet_keras.training.train import compile_network

CLASSES, SIZE = 1000, 224
TRAINING_BATCH = 16
INFERENCE_BATCHES = (1, 32)
WARM_UP = 2  # steps that are not counted
STARTS = ("build, s", "first training step, s", "start-up, s")


def compile_stock(model: keras.Model) -> None:
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )


def compile_ours(model: keras.Model) -> None:
    recipe = Recipe(epochs=1, batch_size=TRAINING_BATCH, learning_rate=0.01)
    compile_network(model, recipe, steps_per_epoch=1000)


# How each is built and compiled.
SIDES = {
    "keras.applications": (keras.applications.NASNetMobile, compile_stock),
    "ours": (zoo.NASNetMobile, compile_ours),
}


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def built(name: str) -> tuple[keras.Model, float]:
    """A new model, and the seconds that it took."""
    gc.collect()
    start = time.perf_counter()
    model = SIDES[name][0](weights=None)
    return model, time.perf_counter() - start


def first_step(name: str, model: keras.Model, *batch: np.ndarray) -> None:
    """Compiles a model and takes a training step."""
    SIDES[name][1](model)
    model.train_on_batch(*batch)


def measure_round(
    names: list[str], steps: int
) -> dict[str, dict[str, list[float]]]:
    """The figures of each model, by what was measured."""
    keras.backend.clear_session()
    random = np.random.default_rng(0)
    images = random.normal(size=(max(INFERENCE_BATCHES), SIZE, SIZE, 3))
    images = images.astype("float32")
    labels = random.integers(CLASSES, size=TRAINING_BATCH)
    models: dict[str, keras.Model] = {}
    figures: dict[str, dict[str, list[float]]] = {}
    # Before any of them is trained: a trained one burdens the interpreter.
    for name in names:
        models[name], build = built(name)
        figures[name] = {"build, s": [build]}

    def train(name: str) -> None:
        models[name].train_on_batch(images[:TRAINING_BATCH], labels)

    for name in names:
        first = seconds(
            lambda name=name: first_step(
                name, models[name], images[:TRAINING_BATCH], labels
            )
        )
        figures[name]["first training step, s"] = [first]
        (build,) = figures[name]["build, s"]
        figures[name]["start-up, s"] = [build + first]

    def in_turn(what: str, batch: int, step: Callable[[str], object]) -> None:
        for number in range(WARM_UP + steps):
            for name in names:
                spent = seconds(lambda name=name: step(name))
                if number >= WARM_UP:
                    figures[name].setdefault(what, []).append(batch / spent)

    in_turn(f"training, batch {TRAINING_BATCH}", TRAINING_BATCH, train)
    for batch in INFERENCE_BATCHES:
        in_turn(
            f"inference, batch {batch}",
            batch,
            lambda name, batch=batch: models[name].predict_on_batch(
                images[:batch]
            ),
        )
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=8, help="in a round")
    parser.add_argument("--quick", action="store_true", help="1 round, 1 step")
    arguments = parse_arguments(parser, threads=True)
    rounds, steps = arguments.rounds, arguments.steps
    if arguments.quick:
        rounds = steps = 1
    measured: dict[str, dict[str, list[float]]] = {name: {} for name in SIDES}
    for number in range(rounds):
        names = list(SIDES)[:: -1 if number % 2 else 1]
        for name, figures in measure_round(names, steps).items():
            for what, values in figures.items():
                measured[name].setdefault(what, []).extend(values)
    peer, own = measured.values()
    print("| | keras.applications | ours | ratio |\n|---|---|---|---|")
    for what in own:
        one, other = median(peer[what]), median(own[what])
        ratio = one / other if what in STARTS else other / one
        unit = "" if what in STARTS else ", images/s"
        print(f"| {what}{unit} | {one:.2f} | {other:.2f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
