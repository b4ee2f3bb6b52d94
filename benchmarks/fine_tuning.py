"""Fine-tuning from the weights that ship, beside training from scratch.

Handwritten digits, of which 100 images with their labels, as many of each
class, are trained on, and 359 others measured on; seeds choose the images and
the first weights:

    python benchmarks/fine_tuning.py --seeds 5

Prints the accuracy of each seed, mean and standard deviation.
"""

import argparse
import dataclasses
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

from nasnet_keras.architectures import find_kind, to_data
from nasnet_keras.training.evaluation.evaluate_run import evaluate_run
from nasnet_keras.training.recipes import RECIPES
from nasnet_keras.training.run import run_training
from nasnet_keras.training.settings import TrainingSettings
from nasnet_keras.training.train import prepare_long_trainings
from zoo import weights
from zoo.presets import PRESETS

PRESET = "nasnet_a_cifar_nano"
# The recipe `fine-tune` with batches that 100 images give five of; from
# scratch nothing is frozen, and the rate is that of a new network.
FINE_TUNE: dict[str, Any] = {"batch_size": 20}
SCRATCH = {
    **FINE_TUNE,
    "frozen_epochs": 0,
    "learning_rate": RECIPES["search-proxy"].learning_rate,
}
# What is trained: whether from the weights that ship, and how.
TRAININGS: dict[str, tuple[bool, dict[str, Any]]] = {
    "fine-tuned": (True, FINE_TUNE),
    "from scratch": (False, SCRATCH),
    "fine-tuned, bn_momentum 0.9997": (
        True,
        {**FINE_TUNE, "bn_momentum": 0.9997},
    ),
}


def accuracy(
    shipped: bool,
    values: dict[str, Any],
    images: int,
    image_size: int,
    seed: int,
) -> float:
    """On the test images, after a training."""
    preset = PRESETS[PRESET]
    network = preset.network_arguments()
    del network["classes"]
    network["architecture"] = to_data(
        find_kind(preset.kind), preset.architecture
    )
    network["input_shape"] = [image_size, image_size, 3]
    settings = TrainingSettings(
        dataset="digits",
        network=network,
        recipe=dataclasses.replace(RECIPES["fine-tune"], **values),
        train_images=images,
        weights="cifar10" if shipped else None,
        seed=seed,
    )

    def initialise(model: keras.Model) -> None:
        weights.load(model, "cifar10", PRESET)

    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        run_training(run, settings, initialise if shipped else None)
        return evaluate_run(run).accuracy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--only", choices=TRAININGS)
    arguments = parser.parse_args()
    prepare_long_trainings()
    chosen = [arguments.only] if arguments.only else list(TRAININGS)
    for name in chosen:
        shipped, values = TRAININGS[name]
        found = []
        for seed in range(arguments.seeds):
            found.append(
                100
                * accuracy(
                    shipped,
                    {**values, "epochs": arguments.epochs},
                    arguments.images,
                    arguments.image_size,
                    seed,
                )
            )
            keras.backend.clear_session()
        spread = statistics.stdev(found) if len(found) > 1 else 0.0
        print(
            f"{name}: {statistics.mean(found):.1f} ± {spread:.1f} % ("
            + ", ".join(f"{value:.1f}" for value in found)
            + ")",
            flush=True,
        )


if __name__ == "__main__":
    main()
