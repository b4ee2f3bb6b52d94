"""The accuracy of a child with shared weights: `measure`."""

import itertools
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import tensorflow as tf


def measure(
    child: Callable[[Any], Any],
    batches: Iterable[tuple[Any, Any]],
    threads: int = 1,
) -> tuple[float, float]:
    """Accuracy and mean loss.

    Args:
        child: Gives the logits of a batch of images; its batch norms are
            calibrated.
        batches: Images `[B, H, W, C]` and labels `[B]`.
        threads: How many batches are computed side by side, since operations
            one by one use one core. The outcome is the same. Default 1.
    """

    def measured(batch: tuple[Any, Any]) -> tuple[float, float, int]:
        images, labels = batch
        logits = child(images)
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
