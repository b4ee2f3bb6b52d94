"""What `pool_padding` changes on real images.

    python benchmarks/pool_padding.py --dataset cifar10

The published weights were trained with SAME pools ("same"); keras.applications
runs them with pools over explicit zeros ("zeros"). One network, NASNet-A
Mobile, is run both ways on the same images, resized to 224 x 224.

Without `--weights` its weights are random and the statistics of its batch norms
those of real images, taken with "same". So the figures say how far the logits
of such a network move; the accuracy of a trained one they do not say. With
`--weights imagenet`, or the path of a file, they are those of a trained one.
"""

import argparse
import os
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import zoo
from nasnet_keras.training.data.datasets import load_dataset

PRESET = "nasnet_mobile"
BATCH = 32


def batches(pixels: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Images as the network takes them, `[B, size, size, 3]`."""
    for start in range(0, len(pixels), BATCH):
        batch = pixels[start : start + BATCH].astype("float32")
        resized = keras.ops.image.resize(batch, (size, size), "bilinear")
        yield zoo.preprocess_input(np.array(resized))


def take_statistics(model: keras.Model, pixels: np.ndarray, size: int) -> None:
    """Sets the moving statistics to the mean of those of the batches."""
    norms = [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    for number, batch in enumerate(batches(pixels, size)):
        for norm in norms:
            norm.momentum = number / (number + 1)
        model(batch, training=True)


def logits(model: keras.Model, pixels: np.ndarray, size: int) -> np.ndarray:
    return np.concatenate(
        [model.predict_on_batch(batch) for batch in batches(pixels, size)]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--dataset", default="cifar10")
    parser.add_argument("--weights", help="random without")
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--statistics", type=int, default=256, help="images")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    keras.utils.set_random_seed(arguments.seed)
    models = {
        padding: zoo.create_model(
            PRESET,
            weights=arguments.weights,
            classifier_activation=None,
            pool_padding=padding,
        )
        for padding in ("same", "zeros")
    }
    size = models["same"].input_shape[1]
    # The training images of a data set may be in the order of their classes.
    pixels = load_dataset(arguments.dataset).train.images
    order = np.random.default_rng(arguments.seed).permutation(len(pixels))
    shown = pixels[order[: arguments.images]]
    if arguments.weights is None:
        others = pixels[order[::-1][: arguments.statistics]]
        take_statistics(models["same"], others, size)
    models["zeros"].set_weights(models["same"].get_weights())

    same, zeros = (logits(model, shown, size) for model in models.values())
    difference = np.abs(same - zeros)
    changed = np.mean(same.argmax(axis=1) != zeros.argmax(axis=1))
    rows = {
        "images": f"{len(shown)}",
        "largest difference of a logit / largest logit": (
            f"{difference.max() / np.abs(same).max():.3f}"
        ),
        "mean difference / mean logit, both absolute": (
            f"{difference.mean() / np.abs(same).mean():.3f}"
        ),
        "mean difference / standard deviation over the images": (
            f"{difference.mean() / same.std(axis=0).mean():.3f}"
        ),
        "images whose first class changes": f"{changed:.1%}",
    }
    for what, figure in rows.items():
        print(f"| {what} | {figure} |")


if __name__ == "__main__":
    main()
