"""What int8 gains in the runtimes that have it, and what fewer bits would.

    python benchmarks/int8.py
    python benchmarks/int8.py --modes --only speed
    python benchmarks/int8.py --only bits

The first table has milliseconds for an image, and the size of the file, in
float32 and in int8. All files of a network take their steps in turn; ratios are
float32's time divided by int8's. Weights are random: they do not matter here.

The second table has the accuracy of `nasnet_a_cifar_nano` in LiteRT on the
10,000 test images of CIFAR-10, in batches of 32, where the weights of one stage
or of all have 4 bits in place of 8, and activations 8. It needs
`pip install litert-quantizer`, which writes these files. A stage is a cell and
the reduction before it; the first has the stem too, the last is the classifier.

`--modes` runs it three times, as different processors would: see modes.py.
"""

import argparse
import contextlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from inference import CLOCKS, in_turns
from modes import parse_arguments

import zoo
from nasnet_keras.deployment.export import as_input, in_batches, written
from nasnet_keras.deployment.formats import find_format
from nasnet_keras.deployment.photographs import photographs
from nasnet_keras.training.data.datasets import load_dataset

NETWORKS = (
    "nasnet_mobile",
    "nasnet_a_cifar_nano",
    "mnasnet_a1",
    "mobilenet_v2",
    "se_resnet_50",
    "shufflenet_v2",
)
RUNTIMES = ("openvino", "litert")
NANO, BATCH, CALIBRATION = "nasnet_a_cifar_nano", 32, 288
ALL = ".*"
STAGES = {
    "first stage": ".*/(stem_|cell_0).*",
    "second stage": ".*/(reduction_cell_1|cell_1).*",
    "third stage": ".*/(reduction_cell_2|cell_2).*",
    "classifier": ".*/logits.*",
}


def size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.parent.iterdir())


def speed(names: Iterable[str], rounds: int) -> None:
    """A row a network and runtime."""
    print(
        "| network | runtime | float32, ms | int8, ms | float32, MB "
        "| int8, MB |\n|---|---|---|---|---|---|"
    )
    for name in names:
        keras.backend.clear_session()
        model = zoo.create_model(name, weights=None)
        images = as_input(model, photographs(model.input_shape[1:]))
        calls, sizes = {}, {}
        with contextlib.ExitStack() as stack:
            for runtime in RUNTIMES:
                for calibration in (None, images):
                    file, _ = stack.enter_context(
                        written(model, runtime, 1, calibration=calibration)
                    )
                    key = runtime, calibration is not None
                    calls[key] = find_format(runtime).load(file)
                    sizes[key] = size(file) / 1e6
            seconds = in_turns(calls, images[:1], rounds, CLOCKS["wall"])
        for runtime in RUNTIMES:
            float32, int8 = (seconds[runtime, each] for each in (False, True))
            print(
                f"| {name} | {runtime} | {1e3 * float32:.2f} "
                f"| {1e3 * int8:.2f} ({float32 / int8:.2f}x) "
                f"| {sizes[runtime, False]:.2f} | {sizes[runtime, True]:.2f} |",
                flush=True,
            )


def bits() -> None:
    """A row for each choice of the stages that have 4 bits."""
    data = load_dataset("cifar10")
    model = zoo.create_model(NANO, weights="cifar10")
    calibration = as_input(model, data.train.images[:CALIBRATION])
    images = as_input(model, data.test.images)
    choices = {
        "none": {ALL: 8},
        **{name: {ALL: 8, names: 4} for name, names in STAGES.items()},
        # Some layers have no weights of 4 bits; these keep 8.
        "all": {ALL: 8, f"^{ALL}": 4},
    }
    print("| weights of 4 bits | accuracy | kB |\n|---|---|---|")
    with written(model, "litert", BATCH) as (file, _):
        for name, widths in choices.items():
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "network.tflite"
                quantise(file, path, widths, calibration)
                outputs = in_batches(integer_runner(path), images, BATCH)
                right = np.mean(outputs[0].argmax(1) == data.test.labels)
                print(
                    f"| {name} | {right:.2%} | {size(path) / 1e3:.0f} |",
                    flush=True,
                )


def quantise(
    source: Path, path: Path, widths: Mapping[str, int], images: np.ndarray
) -> None:
    """Writes a file of float32 with weights of so many bits, by a pattern of
    their layers' names; the last pattern that fits decides."""
    from litert_quantizer import quantizer
    from litert_quantizer.qtyping import TFLOperationName

    made = quantizer.Quantizer(str(source))
    for names, width in widths.items():
        made.add_static_config(
            names,
            TFLOperationName.ALL_SUPPORTED,
            activation_num_bits=8,
            weight_num_bits=width,
        )
    parts = np.split(images, len(images) // BATCH)
    signature = {"serving_default": [{"images": part} for part in parts]}
    # It shows its steps on the terminal.
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        made.quantize(made.calibrate(signature)).export_model(str(path))


def integer_runner(path: Path) -> Any:
    """Runs a file whose input is integers, as that tool writes it."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=os.cpu_count())
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    (end,) = interpreter.get_output_details()
    scale, zero = entry["quantization"]

    def run(images: np.ndarray) -> list[np.ndarray]:
        levels = np.clip(np.round(images / scale) + zero, -128, 127)
        interpreter.set_tensor(entry["index"], levels.astype("int8"))
        interpreter.invoke()
        return [interpreter.get_tensor(end["index"])]

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", choices=("speed", "bits"))
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--rounds", type=int, default=100)
    arguments = parse_arguments(parser)
    if arguments.only != "bits":
        speed(arguments.networks, arguments.rounds)
        print()
    if arguments.only != "speed":
        bits()


if __name__ == "__main__":
    main()
