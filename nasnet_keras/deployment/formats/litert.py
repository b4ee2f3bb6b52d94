"""LiteRT, before TensorFlow Lite: a `.tflite` file."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nasnet_keras.deployment.formats.base import Format, Runner


class LiteRT(Format):
    suffix = ".tflite"
    modules = ("ai_edge_litert",)
    int8_modules = ()

    def write(
        self,
        function: Any,
        path: Path,
        calibration: Sequence[np.ndarray] | None = None,
    ) -> None:
        import tensorflow as tf

        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [function], tf.Module()
        )
        if calibration is not None:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: (
                [batch] for batch in calibration
            )
        path.write_bytes(converter.convert())

    def load(self, path: Path) -> Runner:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(str(path), num_threads=os.cpu_count())
        interpreter.allocate_tensors()
        (entry,) = interpreter.get_input_details()
        ends = interpreter.get_signature_runner().get_output_details()

        def run(images: np.ndarray) -> list[np.ndarray]:
            size = interpreter.get_input_details()[0]["shape"]
            if images.shape != tuple(size):
                interpreter.resize_tensor_input(entry["index"], images.shape)
                interpreter.allocate_tensors()
            interpreter.set_tensor(entry["index"], images)
            interpreter.invoke()
            return [
                interpreter.get_tensor(ends[name]["index"])
                for name in sorted(ends)
            ]

        return run
