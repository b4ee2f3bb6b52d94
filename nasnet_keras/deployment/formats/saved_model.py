"""TensorFlow's SavedModel: a folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nasnet_keras.deployment.formats.base import Format, Runner


class SavedModel(Format):
    suffix = ""
    modules = ("tensorflow",)

    def write(
        self,
        function: Any,
        path: Path,
        calibration: Sequence[np.ndarray] | None = None,
    ) -> None:
        import tensorflow as tf

        tf.saved_model.save(tf.Module(), path, signatures=function)

    def load(self, path: Path) -> Runner:
        import tensorflow as tf

        model = tf.saved_model.load(path)
        function = model.signatures["serving_default"]

        def run(images: np.ndarray) -> list[np.ndarray]:
            outputs = function(images=tf.constant(images))
            return [outputs[name].numpy() for name in sorted(outputs)]

        return run
