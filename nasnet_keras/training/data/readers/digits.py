"""The handwritten digits that come with scikit-learn."""

import functools

import numpy as np

from nasnet_keras.training.data.readers.source import Arrays, Source, resized
from nasnet_keras.training.data.sampling import stratified

NAME = "digits"
TEST_IMAGES = 359  # a fifth
TEST_SEED = 0  # not the user's: everybody has the same test set
SHADES = 16


def read_digits(image_size: int | None) -> Source:
    """1,797 grey images of 8 x 8 in 17 shades, from the UCI machine learning
    repository. They come without a test set, so a fifth is set apart."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.rint(digits.images * (255 / SHADES)).astype(np.uint8)
    size = images.shape[2], images.shape[1]
    images, labels = resized(
        images[..., np.newaxis], digits.target.astype(np.int32), image_size
    )
    test = stratified(labels, TEST_IMAGES, TEST_SEED)
    train = np.setdiff1d(np.arange(len(labels)), test)

    def read(part: np.ndarray, chosen: np.ndarray | None) -> Arrays:
        rows = part if chosen is None else part[chosen]
        return images[rows], labels[rows]

    return Source(
        class_names=tuple(str(name) for name in digits.target_names),
        read_labels=lambda: labels[train],
        read_train=functools.partial(read, train),
        read_test=functools.partial(read, test, None),
        sizes=(size,),
    )
