"""Jacobian covariance, a score of untrained networks: the first version of
https://arxiv.org/abs/2006.04647."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from search.evaluation.score import FirstBatchEvaluator

# Is added to eigenvalues, as in the authors' code.
EPSILON = 1e-5


class JacobianCovarianceEvaluator(FirstBatchEvaluator):
    """Scores a network by how little its gradients by different images agree.

    Of n images, let e be the n eigenvalues of the correlations between the
    rows d(sum of logits)/d(image). The authors' score is -S, where S is the
    sum of log(e + k) + 1 / (e + k), k = 1e-5. Here it is n / S, which ranks
    alike and is from 0 to 1: 1 where no two gradients correlate. A network
    whose logits do not depend on an image scores 0.

    References:
        [Mellor et al. 2020](https://arxiv.org/abs/2006.04647v1);
        `jacob_cov` of [Abdelfattah et al. 2021](
        https://arxiv.org/abs/2101.08134).

    Args:
        settings: How the children are made.
        images: See `FirstBatchEvaluator`. Default 64.

    Raises:
        ValueError: See `FirstBatchEvaluator`.
    """

    name = "jacobian-covariance"

    def look(self, model: keras.Model, images: Any) -> float:
        with tf.GradientTape() as tape:
            tape.watch(images)
            logits = model(images, training=True)
            total = tf.reduce_sum(logits)
        gradients = tape.gradient(total, images)
        if gradients is None:
            return 0.0
        return score(tf.reshape(gradients, (len(images), -1)).numpy())


def score(gradients: np.ndarray) -> float:
    """The score of gradients, a row an image.

    Example:

    >>> round(score(np.array([[1, -1, 0, 0], [0, 0, 1, -1]])), 6)
    1.0
    """
    rows = np.asarray(gradients, "float64")
    if not np.isfinite(rows).all() or (np.ptp(rows, axis=1) == 0).any():
        return 0.0
    # By rounding an eigenvalue may be below 0.
    eigenvalues = np.maximum(np.linalg.eigvalsh(np.corrcoef(rows)), 0) + EPSILON
    return float(len(rows) / np.sum(np.log(eigenvalues) + 1 / eigenvalues))
