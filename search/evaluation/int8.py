"""Evaluation by training and quantisation: a child's reward is its validation
accuracy in int8."""

from typing import Any

import keras
import numpy as np

from nasnet_keras.console.activity import tell_activity
from nasnet_keras.deployment.export import as_input, in_batches, written
from nasnet_keras.deployment.formats import find_format
from nasnet_keras.training.data.sampling import stratified
from search.evaluation.base import ChildSettings, EvaluationError
from search.evaluation.training import TrainingEvaluator
from search.strategies.argument_checks import check_number

BATCH_SIZE = 32  # of the file


class Int8Evaluator(TrainingEvaluator):
    """Trains a child as `TrainingEvaluator` does, quantises it by some of its
    training images, and measures it in a runtime.

    The idea to search for what is accurate when quantised is that of
    [Chen et al. 2018](https://arxiv.org/abs/1811.09426), who search bit widths
    too; here all weights and activations have 8.

    Args:
        settings: How the children are made.
        runtime: A format of `nasnet_keras.export` that has int8. Default
            `"litert"`.
        calibration_images: How many training images find the ranges. Default
            300, as of `nasnet-deploy`.

    Raises:
        ValueError: See `TrainingEvaluator`; or the runtime is unknown, not
            installed or without int8, or the number out of range.
    """

    reward_metric = "int8_accuracy"

    def __init__(
        self,
        settings: ChildSettings,
        runtime: str = "litert",
        calibration_images: int = 300,
    ) -> None:
        find_format(runtime).check(int8=True)
        check_number(
            "calibration_images", calibration_images, least=1, integer=True
        )
        super().__init__(settings)
        self._runtime = runtime
        self._calibration_images = calibration_images

    def describe(self) -> dict[str, Any]:
        return {
            **super().describe(),
            "int8": {
                "runtime": self._runtime,
                "calibration_images": self._calibration_images,
            },
        }

    def validated(self, model: keras.Model) -> dict[str, float]:
        result = super().validated(model)
        tell_activity("quantising")
        labels = self.data.train_labels
        count = min(self._calibration_images, len(labels))
        chosen = stratified(labels, count, seed=0)
        calibration = as_input(model, self.data.train_images[chosen])
        right = count = 0
        try:
            with written(
                model, self._runtime, BATCH_SIZE, calibration=calibration
            ) as (path, _):
                run = find_format(self._runtime).load(path)
                for images, labels in self.data.validation:
                    outputs = in_batches(run, np.asarray(images), BATCH_SIZE)
                    found = outputs[0].argmax(1)
                    right += int(np.sum(found == np.asarray(labels)))
                    count += len(found)
        except ValueError as error:
            raise EvaluationError(
                f"The child cannot be quantised: {str(error).rstrip('.')}."
            ) from error
        return {**result, self.reward_metric: right / count}
