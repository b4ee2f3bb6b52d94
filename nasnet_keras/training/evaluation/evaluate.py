"""How well a network classifies images: `evaluate_network`."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nasnet_keras.console.accuracy import accuracy_text
from nasnet_keras.network.build import without_auxiliary_head
from nasnet_keras.network.inspection import scales_pixels
from nasnet_keras.training.data.pipeline import (
    EVALUATION_BATCH_SIZE,
    evaluation_pipeline,
)
from nasnet_keras.training.data.streaming import (
    Images,
    in_channels,
    unreadable_told,
)

WORST = 25  # mistakes that are told


@dataclass(frozen=True)
class Mistake:
    """An image that a network takes for another class.

    Attributes:
        image: Its number among the images, from 0.
        label: Its class.
        predicted: What the network takes it for.
        confidence: The probability that the network gives to that.
        file: The name of its file, where it comes from one.
    """

    image: int
    label: int
    predicted: int
    confidence: float
    file: str | None = None


@dataclass(frozen=True, eq=False)
class NetworkEvaluation:
    """The classes that a network gives to images, compared with their labels.

    Attributes:
        class_names: A name for each of the K classes.
        labels: The class of each image, `[N]`, from 0.
        probabilities: The probability of each class, `[N, K]`.
        files: The name of each image's file, `[N]`. Default None: the images
            have no files.

    Raises:
        ValueError: The shapes disagree, or a label is no class.
    """

    class_names: Sequence[str]
    labels: np.ndarray
    probabilities: np.ndarray
    files: Sequence[str] | np.ndarray | None = None

    def __post_init__(self) -> None:
        shape = (len(self.labels), len(self.class_names))
        if self.probabilities.shape != shape or not len(self.labels):
            raise ValueError(
                "The arguments `class_names`, `labels` and `probabilities` "
                "disagree. Expected at least one image with a label and a "
                f"probability of each class, shape {shape}. Received: shape "
                f"{self.probabilities.shape}."
            )
        low, high = self.labels.min(), self.labels.max()
        if low < 0 or high >= len(self.class_names):
            raise ValueError(
                "Invalid value for argument `labels`. Expected 0 to "
                f"{len(self.class_names) - 1}, one of the classes. Received: "
                f"labels from {low} to {high}."
            )

    @cached_property
    def predictions(self) -> np.ndarray:
        """The most probable class of each image, `[N]`."""
        return self.probabilities.argmax(axis=1)

    @property
    def accuracy(self) -> float:
        """The share of images whose most probable class is theirs."""
        return float(np.mean(self.predictions == self.labels))

    @property
    def accuracy_text(self) -> str:
        """The accuracy with its standard error."""
        return accuracy_text(self.accuracy, len(self.labels))

    @property
    def top_5_accuracy(self) -> float | None:
        """The share of images whose class is among the five most probable;
        None with five classes or fewer, where it says nothing."""
        if len(self.class_names) <= 5:
            return None
        best = np.argsort(-self.probabilities, axis=1, kind="stable")[:, :5]
        return float(np.mean((best == self.labels[:, None]).any(axis=1)))

    @property
    def cross_entropy(self) -> float:
        """The mean of -log of the probability of the image's class, which is
        taken to be at least 1e-7, as Keras does."""
        given = self.probabilities[np.arange(len(self.labels)), self.labels]
        least = keras.config.epsilon()
        return float(-np.log(np.clip(given, least, 1), dtype=float).mean())

    @cached_property
    def confusion_matrix(self) -> np.ndarray:
        """`[K, K]`: how many images of each class, a row, are taken for each
        class, a column."""
        classes = len(self.class_names)
        pairs = self.labels * classes + self.predictions
        counts = np.bincount(pairs, minlength=classes**2)
        return counts.reshape(classes, classes)

    @property
    def class_accuracies(self) -> np.ndarray:
        """The accuracy on the images of each class, `[K]`; NaN for a class
        without images."""
        matrix = self.confusion_matrix
        images = matrix.sum(axis=1)
        empty = np.full(len(images), np.nan)
        return np.divide(matrix.diagonal(), images, empty, where=images > 0)

    def worst_mistakes(self, count: int = WORST) -> list[Mistake]:
        """The mistakes of the highest confidence, the worst first."""
        wrong = np.flatnonzero(self.predictions != self.labels)
        confidences = self.probabilities.max(axis=1)
        order = np.argsort(-confidences[wrong], kind="stable")
        return [
            Mistake(
                int(image),
                int(self.labels[image]),
                int(self.predictions[image]),
                float(confidences[image]),
                None if self.files is None else self.files[image],
            )
            for image in wrong[order][:count]
        ]

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON data."""
        numbers = self.confusion_matrix.sum(axis=1).tolist()
        accuracies = self.class_accuracies.tolist()
        return {
            "images": len(self.labels),
            "accuracy": self.accuracy,
            "top_5_accuracy": self.top_5_accuracy,
            "cross_entropy": self.cross_entropy,
            "classes": [
                {
                    "name": name,
                    "images": images,
                    "accuracy": None if math.isnan(accuracy) else accuracy,
                }
                for name, images, accuracy in zip(
                    self.class_names, numbers, accuracies, strict=True
                )
            ],
            "confusion_matrix": self.confusion_matrix.tolist(),
            "worst_mistakes": [
                asdict(mistake) for mistake in self.worst_mistakes()
            ],
        }


def evaluate_network(
    model: keras.Model,
    images: Images,
    labels: np.ndarray,
    class_names: Sequence[str],
    batch_size: int = EVALUATION_BATCH_SIZE,
    files: Sequence[str] | np.ndarray | None = None,
) -> NetworkEvaluation:
    """Classifies images by a network, and compares the classes with the labels.

    Args:
        model: A network that returns probabilities, as `build_network` and
            `run_training` return it, or a classifier around one, which takes
            pixels from 0 to 255.
        images: `[N, H, W, C]`, 0 to 255; may be `StreamedImages`. Grey ones
            are brought to the channels of the model.
        labels: `[N]`, from 0.
        class_names: A name for each class.
        batch_size: How many images are computed at once. Default 250.
        files: `[N]`, the names of the images' files, by which the worst
            mistakes are named. Default: None, they have none.

    Raises:
        ValueError: The arguments disagree.

    Example:

    >>> from nasnet_keras import NASNET_A, build_network, load_dataset
    >>> model = build_network(NASNET_A, (8, 8, 1), repeats=1, filters=4)
    >>> digits = load_dataset("digits")
    >>> evaluation = evaluate_network(
    ...     model, digits.test.images, digits.test.labels, digits.class_names
    ... )
    >>> 0 <= evaluation.accuracy <= 1
    True
    >>> evaluation.worst_mistakes(1)
    [Mistake(image=..., label=..., predicted=..., confidence=...)]
    """
    channels = model.input_shape[-1] or images.shape[-1]
    images = in_channels(images, channels)
    batches = evaluation_pipeline(images, labels, batch_size)
    network = without_auxiliary_head(model)

    takes_pixels = scales_pixels(model)

    @tf.function(input_signature=[batches.element_spec[0]])
    def classify(images: tf.Tensor) -> tf.Tensor:
        if takes_pixels:
            images = tf.round(127.5 * (images + 1))
        return network(images, training=False)

    with unreadable_told(images):
        probabilities = [classify(batch).numpy() for batch, _ in batches]
    return NetworkEvaluation(
        class_names, np.asarray(labels), np.concatenate(probabilities), files
    )
