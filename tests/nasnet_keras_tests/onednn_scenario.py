"""Runs operations and other layers, forward and with their gradients:
`test_onednn_memory.py` starts it with the heap checked, so that a write beyond
a buffer ends it.

    python onednn_scenario.py THREADS CHANNELS...
    python onednn_scenario.py THREADS control

With as many filters as channels, and with another number. Each case is printed
before it runs, so that the last line names the one that broke.
"""

import functools
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import tensorflow as tf

from nasnet_keras.layers.auxiliary_head import AuxiliaryHead
from nasnet_keras.layers.operations import OPERATIONS
from nasnet_keras.layers.parts.batch_normalization import BatchNormalization
from nasnet_keras.layers.parts.convolution_unit import ConvolutionBatchNorm
from nasnet_keras.layers.parts.factorized_reduction import FactorizedReduction
from nasnet_keras.layers.parts.squeeze_excite import SqueezeExcite

BATCH, SIZES, TIMES = 64, (8, 7), 3
CONTROL_TIMES = 60


def main() -> None:
    threads, *what = sys.argv[1:]
    tf.config.threading.set_intra_op_parallelism_threads(int(threads))
    tf.config.threading.set_inter_op_parallelism_threads(int(threads))
    if what == ["control"]:
        control()
        return
    for channels in map(int, what):
        for filters in (channels, 1 + (channels * 7 + 3) % 40):
            run(channels, filters)


def control() -> None:
    """What is known to write beyond its memory."""
    images = tf.random.normal((BATCH, 8, 8, 4))
    kernel = tf.random.normal((1, 1, 4, 4))

    @tf.function
    def gradient(images, kernel):
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            outputs = tf.nn.conv2d(images, kernel, 2, "VALID")
            loss = tf.reduce_sum(outputs**2)
        return tape.gradient(loss, kernel)

    for _ in range(CONTROL_TIMES):
        gradient(images, kernel)


def run(channels: int, filters: int) -> None:
    """Every operation, with both strides, and the other layers of networks."""
    layers = {
        f"{name}, strides {strides}": operation(filters, strides)
        for name, operation in OPERATIONS.items()
        for strides in (1, 2)
    }
    layers["factorized reduction"] = FactorizedReduction(filters)
    layers["stem of CIFAR"] = stem(filters, 1, "same")
    layers["stem of ImageNet"] = stem(filters, 2, "valid")
    layers["squeeze and excite"] = SqueezeExcite(1 + channels // 4)
    # The smallest number that divides the channels.
    groups = next(
        (n for n in range(2, channels) if channels % n == 0), channels
    )
    for strides in (1, 2):
        layers[f"{groups} groups, strides {strides}"] = ConvolutionBatchNorm(
            groups * max(filters // groups, 1),
            (3, 3),
            (strides, strides),
            groups=groups,
        )
    head = layers["auxiliary head"] = AuxiliaryHead(10, kernel_size=(1, 1))
    head.build((None, SIZES[0], SIZES[0], channels))
    for name, layer in layers.items():
        if not layer.built:
            layer.build((None, None, None, channels))
        for size in SIZES:
            print(f"{name}, {channels} to {filters}, size {size}", flush=True)
            images = tf.random.normal((BATCH, size, size, channels))
            infer = tf.function(layer)
            step = tf.function(functools.partial(gradients, layer))
            for _ in range(TIMES):
                step(images)
                infer(images)


def stem(filters, strides, padding):
    return keras.Sequential(
        [
            keras.layers.Conv2D(
                filters, 3, strides, padding=padding, use_bias=False
            ),
            BatchNormalization(),
        ]
    )


def gradients(layer, images):
    with tf.GradientTape() as tape:
        tape.watch(images)
        loss = tf.reduce_sum(layer(images, training=True) ** 2)
    variables = [each.value for each in layer.trainable_variables]
    return tape.gradient(loss, [images, *variables])


if __name__ == "__main__":
    main()
