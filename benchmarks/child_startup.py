"""Start-up of a child network: build plus first training step.

A child with N=1, F=8, B=5 on CIFAR images, batch 64, ours beside a plain
functional Keras model of the same cell, in turn in one process:

    python benchmarks/child_startup.py --cells 3

Medians over the cells. Both models are trained with momentum and a clipped
global norm; the plain one is written as `keras.applications` writes its own.
Other networks, as those that `nasnet-train` trains, by their options:

    python benchmarks/child_startup.py --nasnet-a --repeats 6 --filters 32

`--eager` takes every step without a graph. `--threads 1` gives TensorFlow one
thread, as `--workers 2` gives each worker on two cores.

`--modes` runs it three times, as different processors would: see modes.py.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from modes import parse_arguments

from nasnet_keras.genotype import CellSpec, Genotype
from nasnet_keras.network.build import build_network
from nasnet_keras.network.skeletons import plan_cells
from nasnet_keras.published import NASNET_A
from nasnet_keras.training.recipes import RECIPES
from nasnet_keras.training.train import (
    compile_network,
    prepare_short_trainings,
)
from search.spaces.nasnet import NASNetSpace

BATCH, STEPS, CLASSES = 64, 10, 10


# === The peer: one Keras layer for each operation of the graph ===


def batch_norm(x):
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)


def convolution(x, filters, kernel, strides=1, dilation=1):
    x = layers.ReLU()(x)
    if dilation > 1 and strides != 1:
        x, strides = layers.MaxPooling2D(1, strides, padding="same")(x), 1
        dilation = 1
    x = layers.Conv2D(
        filters,
        kernel,
        strides,
        padding="same",
        dilation_rate=dilation,
        use_bias=False,
    )(x)
    return batch_norm(x)


def separable(x, filters, size, strides):
    for stride in (strides, 1):
        x = layers.ReLU()(x)
        x = layers.SeparableConv2D(
            filters, size, stride, padding="same", use_bias=False
        )(x)
        x = batch_norm(x)
    return x


def pair(x, filters, size, strides):
    for kernel in ((1, size), (size, 1)):
        stride = tuple(strides if side > 1 else 1 for side in kernel)
        x = convolution(x, filters, kernel, stride)
    return x


def operation(name, x, filters, strides):
    kind, _, rest = name.rpartition("_")
    if name == "identity":
        if strides == 1 and x.shape[-1] == filters:
            return x
        return convolution(x, filters, 1, strides)
    if name in ("conv_1x3_3x1", "conv_1x7_7x1"):
        return pair(x, filters, int(rest[0]), strides)
    size = int(rest[0])
    if kind == "sep_conv":
        return separable(x, filters, size, strides)
    if kind == "dil_conv":
        return convolution(x, filters, size, strides, dilation=2)
    if kind == "conv":
        return convolution(x, filters, size, strides)
    pool = {"avg_pool": layers.AveragePooling2D, "max_pool": layers.MaxPool2D}
    x = pool[kind](size, strides, padding="same")(x)
    if x.shape[-1] == filters:
        return x
    x = layers.Conv2D(filters, 1, use_bias=False)(x)
    return batch_norm(x)


def factorized_reduction(x, filters):
    x = layers.ReLU()(x)
    left = layers.AveragePooling2D(1, 2)(x)
    right = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
    right = layers.AveragePooling2D(1, 2)(
        layers.Cropping2D(((1, 0), (1, 0)))(right)
    )
    left = layers.Conv2D(filters // 2, 1, use_bias=False)(left)
    right = layers.Conv2D(filters - filters // 2, 1, use_bias=False)(right)
    return batch_norm(layers.Concatenate()([left, right]))


def cell(spec: CellSpec, inputs, input_strides, filters, strides):
    states = [convolution(inputs[0], filters, 1)]
    for x, halve in zip(inputs[1:], input_strides[1:], strict=True):
        if halve == 2:
            x = factorized_reduction(x, filters)
        elif x.shape[-1] != filters:
            x = convolution(x, filters, 1)
        states.append(x)
    states += [inputs[0]] * (2 - len(states))
    for block in spec.blocks:
        sides = [
            operation(name, states[state], filters, strides if state < 2 else 1)
            for state, name in zip(block.inputs, block.operations, strict=True)
        ]
        combine = layers.Add if block.combiner == "add" else layers.Concatenate
        states.append(combine()(sides))
    outputs = []
    for number in spec.output_states:
        x = states[number]
        if number < 2 and strides == 2:
            x = factorized_reduction(x, filters)
        elif number < 2 and x.shape[-1] != filters:
            x = convolution(x, filters, 1)
        outputs.append(x)
    return outputs[0] if len(outputs) == 1 else layers.Concatenate()(outputs)


def plain_network(
    genotype: Genotype, size: int, repeats: int, filters: int
) -> keras.Model:
    inputs = layers.Input((size, size, 3))
    x = layers.Conv2D(3 * filters, 3, padding="same", use_bias=False)(inputs)
    outputs = [batch_norm(x)]
    for place in plan_cells(repeats, filters):
        outputs.append(
            cell(
                genotype.reduction if place.reduction else genotype.normal,
                [outputs[source] for source in place.inputs],
                place.input_strides,
                place.filters,
                2 if place.reduction else 1,
            )
        )
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(outputs[-1]))
    return keras.Model(inputs, layers.Dense(CLASSES, activation="softmax")(x))


# === The measurement ===


def plain(genotype: Genotype, *setting: int) -> keras.Model:
    model = plain_network(genotype, *setting)
    model.compile(
        keras.optimizers.SGD(0.05, momentum=0.9, global_clipnorm=5.0),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    return model


def ours(
    genotype: Genotype, size: int, repeats: int, filters: int
) -> keras.Model:
    model = build_network(
        genotype, (size, size, 3), CLASSES, repeats=repeats, filters=filters
    )
    compile_network(model, RECIPES["search-proxy"], steps_per_epoch=100)
    return model


def measure(
    build,
    genotype: Genotype,
    size: int,
    repeats: int,
    filters: int,
    eager: bool,
) -> dict[str, float]:
    keras.backend.clear_session()
    random = np.random.default_rng(0)
    images = random.normal(size=(BATCH, size, size, 3)).astype("float32")
    labels = random.integers(CLASSES, size=BATCH)
    times = [time.perf_counter()]
    model = build(genotype, size, repeats, filters)
    model.run_eagerly = eager
    times.append(time.perf_counter())
    for _ in range(1 + STEPS):
        model.train_on_batch(images, labels)
        times.append(time.perf_counter())
    spans = np.diff(times)
    step = statistics.median(spans[2:])
    return {
        "parameters": model.count_params(),
        "build": spans[0],
        "first step": spans[1],
        "start-up": spans[0] + spans[1],
        "images/s": BATCH / step,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("plain Keras", "ours"))
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--filters", type=int, default=8)
    parser.add_argument(
        "--nasnet-a",
        action="store_true",
        help="its cells, trained as `nasnet-train` does, graphs rewritten",
    )
    parser.add_argument(
        "--deterministic", action="store_true", help="as a search trains"
    )
    parser.add_argument(
        "--eager", action="store_true", help="steps without a graph"
    )
    arguments = parse_arguments(parser, threads=True)
    if arguments.deterministic:
        keras.utils.set_random_seed(0)
        tf.config.experimental.enable_op_determinism()
    space = NASNetSpace()
    builders = {"plain Keras": plain, "ours": ours}
    if arguments.only:
        builders = {arguments.only: builders[arguments.only]}
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in builders}
    for number in range(arguments.cells):
        rng = np.random.default_rng((arguments.seed, number))
        genotype = space.decode(space.sample(rng))
        if arguments.nasnet_a:
            genotype = NASNET_A
        for name, build in builders.items():
            # Ours as the search trains its children.
            prepare_short_trainings(name == "ours" and not arguments.nasnet_a)
            rows[name].append(
                measure(
                    build,
                    genotype,
                    arguments.image_size,
                    arguments.repeats,
                    arguments.filters,
                    arguments.eager,
                )
            )
    header = next(iter(rows.values()))[0]
    print(f"{'':12}" + "".join(f"{key:>14}" for key in header))
    medians = {
        name: {
            key: statistics.median(row[key] for row in measured)
            for key in measured[0]
        }
        for name, measured in rows.items()
    }
    if len({values["parameters"] for values in medians.values()}) > 1:
        raise SystemExit(f"The networks differ: {medians}")
    for name, values in medians.items():
        print(f"{name:12}" + "".join(f"{v:14,.2f}" for v in values.values()))
    if arguments.only:
        return
    print(
        f"{'ratio':12}"
        + "".join(
            f"{medians['ours'][key] / value:14.2f}"
            for key, value in medians["plain Keras"].items()
        )
    )


if __name__ == "__main__":
    main()
