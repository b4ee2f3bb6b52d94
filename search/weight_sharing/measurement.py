"""The accuracy of a child with shared weights: `measure`."""

import itertools
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import tensorflow as tf

from search.weight_sharing.subnetwork import Subnetwork


def measure(
    subnetwork: Subnetwork,
    batches: Iterable[tuple[Any, Any]],
    threads: int = 1,
) -> tuple[float, float]:
    """Accuracy and mean loss.

    Args:
        subnetwork: The child, its batch norms calibrated.
        batches: Images `[B, H, W, C]` and labels `[B]`.
        threads: How many batches are computed side by side, since operations
            one by one use one core. The outcome is the same. Default 1.
    """

    def measured(batch: tuple[Any, Any]) -> tuple[float, float, int]:
        images, labels = batch
        logits = subnetwork(images)
        found = tf.argmax(logits, axis=1, output_type=labels.dtype)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        correct = tf.reduce_sum(tf.cast(found == labels, "float32"))
        return float(correct), float(tf.reduce_sum(losses)), len(labels)

    batches, sums = iter(batches), np.zeros(3)
    with ThreadPoolExecutor(threads) as pool:
        while some := list(itertools.islice(batches, threads)):
            sums += np.sum([*pool.map(measured, some)], axis=0)
    correct, loss, count = sums.tolist()
    return correct / count, loss / count
