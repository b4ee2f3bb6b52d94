"""OpenVINO's intermediate representation, an `.xml` and a `.bin` file."""

import json
import logging
import os
import tempfile
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

# By itself the runtime computes in bfloat16 where a processor can.
SETTINGS = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}


class OpenVINO(Format):
    suffix = ".xml"
    modules = ("openvino",)
    int8_modules = ("nncf",)
    script = """\
import openvino

model = openvino.Core().read_model(Path(__file__).with_name(FILE))
about = json.loads(model.get_rt_info(["nasnet_keras"]).astype(str))
net = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
run = lambda batch: net(batch)[0][0]
"""

    def write(
        self,
        function: Any,
        path: Path,
        calibration: Sequence[np.ndarray] | None = None,
        about: Mapping[str, Any] = NOTHING,
    ) -> None:
        import openvino

        model = _read(function)
        if calibration is not None:
            # Else it tells its makers of each use.
            os.environ.setdefault("NNCF_CI", "1")
            import nncf

            nncf.set_log_level(logging.WARNING)
            model = nncf.quantize(
                model,
                nncf.Dataset(calibration),
                subset_size=len(calibration),
            )
        if about:
            model.set_rt_info(json.dumps(about), [KEY])
        openvino.serialize(model, path)

    def load(self, path: Path) -> Runner:
        import openvino

        compiled = openvino.compile_model(
            path,
            "CPU",
            {**SETTINGS, "INFERENCE_NUM_THREADS": runtime_threads()},
        )

        def run(images: np.ndarray) -> list[np.ndarray]:
            outputs = compiled(images)
            return [outputs[output] for output in compiled.outputs]

        return run

    def about(self, path: Path) -> dict[str, Any]:
        import openvino

        model = openvino.Core().read_model(path)
        if not model.has_rt_info([KEY]):
            return {}
        return json.loads(model.get_rt_info([KEY]).astype(str))

    def files(self, path: Path) -> list[Path]:
        return [path, path.with_suffix(".bin")]


def _read(function: Any) -> Any:
    """The graph by the runtime's own reader, which is faster than the
    converter in Python.

    Raises:
        ValueError: It has no such operations.
    """
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.pb"
        path.write_bytes(function.graph.as_graph_def().SerializeToString())
        try:
            model = openvino.Core().read_model(path)
        except RuntimeError as error:
            raise unknown_operations("OpenVINO", error) from error
    # Nodes are called as in the graph, tensors `node:0`.
    for port in (*model.inputs, *model.outputs):
        names = (name.removesuffix(":0") for name in port.names)
        known = {*function.structured_outputs, function.inputs[0].op.name}
        port.set_names({name for name in names if name in known})
    # The reader takes second results of operations, as swish has, for outputs.
    outputs = [
        node
        for node in model.get_results()
        if {*node.output(0).names} & {*function.structured_outputs}
    ]
    results = sorted(outputs, key=lambda node: node.output(0).any_name)
    return openvino.Model(results, model.get_parameters(), "nasnet")
