"""The proportions of classes: samples that keep them, weights against them."""

import numpy as np

from nasnet_keras.quotation import quoted


def stratified(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """The indices of `count` labels, ascending: of each class its share,
    rounded. A larger count takes the labels of a smaller one, and more.

    Args:
        labels: `[N]`, integers.
        count: How many of them to take, 0 to N.
        seed: Chooses among the labels of a class.
    """
    rng = np.random.default_rng(seed)
    ranks = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        ranks[rng.permutation(members)] = (np.arange(len(members)) + 0.5) / len(
            members
        )
    # Evenly spaced ranks: whichever rank the count reaches, each class has
    # given that share of its members. Ties go to the first class.
    return np.sort(np.lexsort((labels, ranks))[:count])


def balanced_weights(labels: np.ndarray, classes: int) -> np.ndarray:
    """A weight for each class, `[classes]`, by which all classes count alike
    and an image 1 in the mean: `n / (classes * images of the class)`, as
    scikit-learn's `compute_class_weight("balanced")`.

    Args:
        labels: `[n]`, integers from 0, with some of each class.
        classes: The number of classes.

    Example:

    >>> balanced_weights(np.array([0, 0, 0, 1]), 2)
    array([0.66666667, 2.        ])
    """
    counts = np.bincount(labels, minlength=classes)
    return len(labels) / (classes * counts)


def count_of(value: int | float, total: int, argument: str) -> int:
    """A number of images, given as such or as a share of `total` below 1.

    Raises:
        ValueError: It is neither a positive integer up to `total` nor a
            share between 0 and 1.
    """
    count = 0
    if type(value) is int:
        count = value
    elif isinstance(value, float) and 0.0 < value < 1.0:
        count = round(value * total)
    if not 1 <= count <= total:
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected a number of "
            f"images from 1 to {total}, or a share between 0 and 1 that is "
            f"at least one of them. Received: {argument}={quoted(value)}."
        )
    return count
