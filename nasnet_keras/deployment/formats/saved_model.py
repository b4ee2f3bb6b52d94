"""TensorFlow's SavedModel: a folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nasnet_keras.deployment.formats.base import (
    KEY,
    NOTHING,
    Format,
    Runner,
)

ABOUT = f"assets.extra/{KEY}.json"  # the place for files of the user


class SavedModel(Format):
    suffix = ""
    modules = ("tensorflow",)
    script = """\
import tensorflow as tf

folder = Path(__file__).with_name(FILE)
about = json.loads((folder / "assets.extra/nasnet_keras.json").read_text())
serve = tf.saved_model.load(folder).signatures["serving_default"]
run = lambda batch: serve(images=tf.constant(batch))["output"][0].numpy()
"""

    def write(
        self,
        function: Any,
        path: Path,
        calibration: Sequence[np.ndarray] | None = None,
        about: Mapping[str, Any] = NOTHING,
    ) -> None:
        import tensorflow as tf

        tf.saved_model.save(tf.Module(), path, signatures=function)
        if about:
            file = path / ABOUT
            file.parent.mkdir()
            file.write_text(json.dumps(about))

    def load(self, path: Path) -> Runner:
        import tensorflow as tf

        model = tf.saved_model.load(path)
        function = model.signatures["serving_default"]

        def run(images: np.ndarray) -> list[np.ndarray]:
            outputs = function(images=tf.constant(images))
            return [outputs[name].numpy() for name in sorted(outputs)]

        return run

    def about(self, path: Path) -> dict[str, Any]:
        file = path / ABOUT
        return json.loads(file.read_text()) if file.exists() else {}
