"""ONNX: an `.onnx` file, by a fast writer of our own; by tf2onnx, which takes
ten times as long, where that knows no translation."""

import importlib.util
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
    runtime_threads,
)


class ONNX(Format):
    suffix = ".onnx"
    modules = ("onnx", "onnxruntime")
    script = """\
import onnxruntime

file = Path(__file__).with_name(FILE)
session = onnxruntime.InferenceSession(file)
about = json.loads(session.get_modelmeta().custom_metadata_map["nasnet_keras"])
run = lambda batch: session.run(None, {"images": batch})[0][0]
"""

    def write(
        self,
        function: Any,
        path: Path,
        calibration: Sequence[np.ndarray] | None = None,
        about: Mapping[str, Any] = NOTHING,
    ) -> None:
        import onnx

        from nasnet_keras.deployment.formats.onnx_graph import (
            NoTranslation,
            onnx_model,
        )

        try:
            model = onnx_model(function)
        except NoTranslation as error:
            if importlib.util.find_spec("tf2onnx") is None:
                raise ValueError(
                    f"{error} More are translated by tf2onnx: `pip install "
                    "'nasnet-keras[export]'`."
                ) from error
            model = _by_tf2onnx(function)
        if about:
            onnx.helper.set_model_props(model, {KEY: json.dumps(about)})
        onnx.save(model, path)

    def load(self, path: Path) -> Runner:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = runtime_threads()
        session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        (entry,) = session.get_inputs()
        return lambda images: session.run(None, {entry.name: images})

    def about(self, path: Path) -> dict[str, Any]:
        import onnx

        found = onnx.load(path, load_external_data=False).metadata_props
        return json.loads(
            {each.key: each.value for each in found}.get(KEY, "{}")
        )


def _by_tf2onnx(function: Any) -> Any:
    """The ONNX model of a frozen function, of the same names.

    Raises:
        ValueError: Neither does tf2onnx know an operation.
    """
    import onnx
    from tf2onnx import convert

    from nasnet_keras.deployment.formats.onnx_graph import OPSET

    (images,) = function.inputs
    outputs = {
        function.structured_outputs[name].op.inputs[0].name: name
        for name in sorted(function.structured_outputs)
    }
    model, _ = convert.from_graph_def(
        function.graph.as_graph_def(),
        input_names=[images.name],
        output_names=list(outputs),
        opset=OPSET,
        tensors_to_rename={images.name: images.op.name, **outputs},
    )
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ValueError(
            "Invalid value for the network to write as ONNX. Expected "
            f"operations that tf2onnx knows. Received: "
            f"{str(error).splitlines()[0]}."
        ) from error
    return model
