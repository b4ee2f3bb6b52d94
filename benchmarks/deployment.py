"""Deployment of NASNet-A Mobile: seconds for a batch in each runtime, beside
keras.applications in Keras, and seconds to write each export, beside
`model.export` of keras.applications' Mobile.

    python benchmarks/deployment.py
    python benchmarks/deployment.py --only latency --batches 1
    python benchmarks/deployment.py --only writing --clock processor

Runtimes take their steps in turn, as in `inference.py`; a file has the size of
its batch. What is written is logits at 224 x 224; ours is fused and traced
anew for each format, and the seconds are also given with the verification.
`--clock processor` counts the seconds of the processors, all threads together:
for a machine that does other work meanwhile. `model.export` to ONNX needs
tf2onnx.

`--modes` runs it three times, as different processors would: see modes.py.
ONNX Runtime and LiteRT choose their instructions themselves in all; OpenVINO
has a oneDNN of its own, which follows `ONEDNN_MAX_CPU_ISA` too.
"""

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import openvino
from inference import CLOCKS, FUSED, OURS, PEER, SIZE, build_models, in_turns
from modes import parse_arguments

from nasnet_keras.deployment.export import export
from nasnet_keras.deployment.formats import FORMATS
from nasnet_keras.deployment.frozen import frozen_function
from nasnet_keras.deployment.fuse import fuse_for_inference

# In the precision that it chooses by itself, bfloat16 where a processor can.
AS_IT_CHOOSES = "openvino, its own precision"
KERAS_FORMATS = {
    "openvino": "openvino",
    "onnx": "onnx",
    "litert": "litert",
    "saved_model": "tf_saved_model",
}


def latencies(models, batches, rounds, clock):
    """A row a batch: the median milliseconds in each runtime."""
    names = [PEER, OURS, FUSED, *FORMATS, AS_IT_CHOOSES]
    print(f"| ms a batch | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    random = np.random.default_rng(0)
    for batch in batches:
        images = random.uniform(-1, 1, (batch, SIZE, SIZE, 3))
        images = images.astype("float32")
        calls = {name: model.predict_on_batch for name, model in models.items()}
        with tempfile.TemporaryDirectory() as folder:
            for name, chosen in FORMATS.items():
                path = Path(folder) / f"mobile{chosen.suffix}"
                export(models[OURS], path, name, batch, images=images)
                calls[name] = chosen.load(path)
                if name == "openvino":
                    chosen_by_itself = as_openvino_chooses(path)
            if chosen_by_itself is not None:
                calls[AS_IT_CHOOSES] = chosen_by_itself
            count = rounds if batch == 1 else max(1, rounds // 5)
            seconds = in_turns(calls, images, count, clock)
        cells = " | ".join(
            f"{1e3 * seconds[name]:.1f} ({seconds[PEER] / seconds[name]:.2f}x)"
            if name in seconds
            else "fails"
            for name in names
        )
        print(f"| batch {batch} | {cells} |", flush=True)


def as_openvino_chooses(path):
    """The file in the precision that OpenVINO chooses; None if it fails. With
    AMX it chooses bfloat16, and in `avx2` has no kernels for that."""
    try:
        return openvino.compile_model(path, "CPU")
    except RuntimeError:
        return None


def writing(models, clock):
    """A row a format: the seconds to write it."""

    def spent(function, *arguments, **options):
        began = clock()
        result = function(*arguments, **options)
        return clock() - began, result

    def write(chosen, path):
        chosen.write(frozen_function(fuse_for_inference(models[OURS])), path)

    print(
        "| s to write | keras.applications, model.export | ours | ours, "
        "verified | MB | largest difference |\n|---|---|---|---|---|---|"
    )
    for name, format_of_keras in KERAS_FORMATS.items():
        chosen = FORMATS[name]
        with tempfile.TemporaryDirectory() as folder:
            first, second, peer = (
                Path(folder) / f"{each}{chosen.suffix}"
                for each in ("first", "second", "peer")
            )
            theirs, _ = spent(
                models[PEER].export,
                str(peer),
                format=format_of_keras,
                verbose=False,
            )
            ours, _ = spent(write, chosen, first)
            verified, report = spent(export, models[OURS], second, name)
        print(
            f"| {name} | {theirs:.1f} | {ours:.1f} ({ours / theirs:.2f}x) | "
            f"{verified:.1f} ({verified / theirs:.2f}x) | "
            f"{report.bytes / 1e6:.1f} | {report.comparison.difference:.1e} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", choices=("latency", "writing"))
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--rounds", type=int, default=30, help="of batch 1")
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    arguments = parse_arguments(parser)
    clock = CLOCKS[arguments.clock]
    models = build_models()
    if arguments.only != "writing":
        latencies(models, arguments.batches, arguments.rounds, clock)
        print()
    if arguments.only != "latency":
        writing(models, clock)


if __name__ == "__main__":
    main()
