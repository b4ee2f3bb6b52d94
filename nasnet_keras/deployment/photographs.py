"""Real images that are always there: `photographs`."""

import numpy as np
from sklearn.datasets import load_sample_images

from nasnet_keras.training.data.resizer import fit


def photographs(shape: tuple[int, int, int]) -> np.ndarray:
    """The two photographs that come with scikit-learn, and each one's four
    quarters.

    Args:
        shape: Height, width and channels to bring them to; 1 channel makes
            them grey.

    Returns:
        `[10, height, width, channels]`, uint8.

    Raises:
        ValueError: There are neither 1 nor 3 channels.
    """
    if shape[2] not in (1, 3):
        raise ValueError(
            "Invalid value for argument `shape`. Expected 1 or 3 channels, as "
            "photographs have; give images of your own for others. Received: "
            f"shape={tuple(shape)}."
        )
    parts = []
    for photograph in load_sample_images().images:
        rows, columns = (length // 2 for length in photograph.shape[:2])
        parts.append(photograph)
        for top in (0, rows):
            for left in (0, columns):
                parts.append(photograph[top : top + rows, left:][:, :columns])
    if shape[2] == 1:
        parts = [part.mean(2, keepdims=True).astype(np.uint8) for part in parts]
    return np.stack([fit(part, shape) for part in parts])
