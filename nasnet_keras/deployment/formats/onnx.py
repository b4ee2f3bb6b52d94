"""ONNX: an `.onnx` file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nasnet_keras.deployment.formats.base import Format, Runner


class ONNX(Format):
    suffix = ".onnx"
    modules = ("onnx", "onnxruntime")

    def write(
        self,
        function: Any,
        path: Path,
        calibration: Sequence[np.ndarray] | None = None,
    ) -> None:
        import onnx

        from nasnet_keras.deployment.formats.onnx_graph import onnx_model

        onnx.save(onnx_model(function), path)

    def load(self, path: Path) -> Runner:
        import onnxruntime

        session = onnxruntime.InferenceSession(
            path, providers=["CPUExecutionProvider"]
        )
        (entry,) = session.get_inputs()
        return lambda images: session.run(None, {entry.name: images})
