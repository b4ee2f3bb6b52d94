"""Small networks on CIFAR-10, each trained for the same processor seconds.

The network whose weights ship, a plain convolutional network and a random
cell of the same number of parameters, by one recipe:

    python benchmarks/equal_time.py --seconds 1800

How many steps fit into the seconds is measured first; the rate falls along a
cosine over just these. Accuracy is that on the 10,000 test images. CIFAR-10 is
where tensorflow-datasets finds it (`TFDS_DATA_DIR`).

`--modes` runs it three times, as different processors would: see modes.py.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers
from modes import parse_arguments

import zoo
from nasnet_keras.network.build import build_network
from nasnet_keras.network.complexity import genotype_complexity
from nasnet_keras.training.data.datasets import load_dataset
from nasnet_keras.training.data.pipeline import recipe_pipeline
from nasnet_keras.training.evaluation.evaluate import evaluate_network
from nasnet_keras.training.recipes import Recipe
from nasnet_keras.training.train import (
    compile_network,
    prepare_long_trainings,
    train,
)
from search.spaces.nasnet import NASNetSpace

CLASSES = 10
WARM_UP, MEASURED = 10, 30  # steps


def plain_network(size: int, parameters: int) -> keras.Model:
    """Three stages of two 3 x 3 convolutions, of F, 2F and 3F filters; F is
    the one that comes closest to the number of parameters."""

    def build(filters: int) -> keras.Model:
        x = inputs = layers.Input((size, size, 3))
        for stage in (1, 2, 3):
            for _ in range(2):
                x = layers.Conv2D(
                    stage * filters, 3, padding="same", use_bias=False
                )(x)
                x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
                x = layers.ReLU()(x)
            if stage < 3:
                x = layers.MaxPooling2D()(x)
        x = layers.GlobalAveragePooling2D()(x)
        outputs = layers.Dense(CLASSES, activation="softmax")(x)
        return keras.Model(inputs, outputs)

    return min(
        map(build, range(8, 64)),
        key=lambda model: abs(model.count_params() - parameters),
    )


def random_network(size: int, parameters: int, seed: int) -> keras.Model:
    """A random cell of the NASNet space, N = 1; F is the one that comes
    closest to the number of parameters."""
    space = NASNetSpace()
    genotype = space.decode(space.sample(np.random.default_rng(seed)))

    def distance(filters: int) -> int:
        complexity = genotype_complexity(
            genotype, (size, size, 3), CLASSES, repeats=1, filters=filters
        )
        return abs(complexity.parameters - parameters)

    return build_network(
        genotype,
        (size, size, 3),
        CLASSES,
        repeats=1,
        filters=min(range(4, 64), key=distance),
    )


def processor_seconds(model: keras.Model, batches, recipe: Recipe) -> float:
    """Of one training step; the weights are put back afterwards."""
    weights = model.get_weights()
    compile_network(model, recipe, WARM_UP + MEASURED)
    train(model, batches, recipe, WARM_UP)
    began = time.process_time()
    train(model, batches, recipe, MEASURED)
    seconds = (time.process_time() - began) / MEASURED
    model.set_weights(weights)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--image-size", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("nano", "plain", "random cell"))
    arguments = parse_arguments(parser)
    prepare_long_trainings()
    size, seed = arguments.image_size, arguments.seed
    data = load_dataset("cifar10", image_size=size)
    # What `nasnet_a_cifar_nano` was trained by.
    recipe = Recipe(
        epochs=1,
        batch_size=64,
        learning_rate=0.1,
        l2=5e-4,
        clip_norm=5.0,
        label_smoothing=0.1,
        augmentation="crop-flip",
    )
    nano = zoo.NASNetCIFARNano(input_shape=(size, size, 3))
    parameters = nano.count_params()
    builders = {
        "nano": lambda: zoo.NASNetCIFARNano(input_shape=(size, size, 3)),
        "plain": lambda: plain_network(size, parameters),
        "random cell": lambda: random_network(size, parameters, seed),
    }
    if arguments.only:
        builders = {arguments.only: builders[arguments.only]}
    print("| network | parameters | epochs | images/s | s | accuracy |")
    print("|---|---|---|---|---|---|")
    for name, build in builders.items():
        keras.utils.set_random_seed(seed)
        model = build()
        batches = recipe_pipeline(
            recipe, "cifar10", data.train.images, data.train.labels, seed, 0
        )
        step = processor_seconds(model, batches, recipe)
        steps = round(arguments.seconds / step)
        compile_network(model, recipe, steps)
        began, wall = time.process_time(), time.perf_counter()
        train(model, batches, recipe, steps)
        spent, wall = (
            time.process_time() - began,
            time.perf_counter() - wall,
        )
        images = steps * recipe.batch_size
        accuracy = evaluate_network(
            model, data.test.images, data.test.labels, data.class_names
        ).accuracy
        print(
            f"| {name} | {model.count_params():,} "
            f"| {images / len(data.train):.1f} | {images / wall:.0f} "
            f"| {spent:.0f} | {accuracy:.2%} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
