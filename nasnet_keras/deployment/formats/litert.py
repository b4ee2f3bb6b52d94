"""LiteRT, before TensorFlow Lite: a `.tflite` file."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nasnet_keras.deployment.formats.base import (
    KEY,
    NOTHING,
    Format,
    Runner,
    runtime_threads,
    unknown_operations,
)

ABOUT = f"{KEY}.json"


class LiteRT(Format):
    suffix = ".tflite"
    modules = ("ai_edge_litert",)
    int8_modules = ()
    script = """\
import zipfile
from ai_edge_litert.interpreter import Interpreter

file = Path(__file__).with_name(FILE)
about = json.loads(zipfile.ZipFile(file).read("nasnet_keras.json"))
runner = Interpreter(str(file)).get_signature_runner()
run = lambda batch: runner(images=batch)["output"][0]
"""

    def write(
        self,
        function: Any,
        path: Path,
        calibration: Sequence[np.ndarray] | None = None,
        about: Mapping[str, Any] = NOTHING,
    ) -> None:
        import tensorflow as tf
        from tensorflow.lite.python.convert_phase import ConverterError

        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [function], tf.Module()
        )
        if calibration is not None:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: (
                [batch] for batch in calibration
            )
        try:
            path.write_bytes(converter.convert())
        except ConverterError as error:
            raise unknown_operations("LiteRT", error) from error
        if about:
            # Files that belong to a model are a ZIP archive at its end.
            with zipfile.ZipFile(path, "a") as archive:
                archive.writestr(ABOUT, json.dumps(about))

    def load(self, path: Path) -> Runner:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(str(path), num_threads=runtime_threads())
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

    def about(self, path: Path) -> dict[str, Any]:
        if not zipfile.is_zipfile(path):
            return {}
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read(ABOUT))
