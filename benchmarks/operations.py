"""Where a step of NASNet-A Mobile spends its time: milliseconds by type of
operation, keras.applications' network beside the zoo's.

    python benchmarks/operations.py
    python benchmarks/operations.py --inference 1

A training step of 16 images of 224 x 224, or, with `--inference N`, a forward
pass of N images; there the third column is the zoo's network fused by
`fuse_for_inference`. TensorFlow's profiler measures them. One operation runs at
a time, so that none waits for another; the time between operations is not
counted. An operation of oneDNN and the one that it replaces are one row. Means
over `--steps` steps; the machine should be idle.

`--modes` runs it three times, as different processors would: see modes.py.
"""

import argparse
import collections
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from modes import parse_arguments
from tensorflow.tsl.profiler.protobuf import xplane_pb2
from zoo_vs_keras_applications import CLASSES, SIDES, SIZE, TRAINING_BATCH

from nasnet_keras.deployment.fuse import fuse_for_inference

WARM_UP = 3  # steps that are not counted
# Of an event: the name of the operation, and its type without what says by
# which kernel it is computed.
OPERATION = re.compile(
    r"[^:]+:_?(?:Mkl)?(?:Native)?(?:Fused(?!Batch))?([A-Z]\w*)$"
)
SHORTEST = 0.005  # of a step; operations with less are one row


def times(step: Callable[[], object], steps: int) -> dict[str, float]:
    """The milliseconds of a step, by type of operation."""
    for _ in range(WARM_UP):
        step()
    options = tf.profiler.experimental.ProfilerOptions(
        host_tracer_level=2, python_tracer_level=0
    )
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder, options)
        for _ in range(steps):
            step()
        tf.profiler.experimental.stop()
        (file,) = Path(folder).rglob("*.xplane.pb")
        space = xplane_pb2.XSpace.FromString(file.read_bytes())
    spent: dict[str, float] = collections.Counter()
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                found = OPERATION.fullmatch(name)
                if found:
                    spent[found[1]] += event.duration_ps / 1e9 / steps
    return spent


def training_steps() -> dict[str, Callable[[], object]]:
    random = np.random.default_rng(0)
    images = random.normal(size=(TRAINING_BATCH, SIZE, SIZE, 3))
    images = images.astype("float32")
    labels = random.integers(CLASSES, size=TRAINING_BATCH)

    def step(name: str) -> Callable[[], object]:
        build, prepare = SIDES[name]
        model = build(weights=None)
        prepare(model)
        return lambda: model.train_on_batch(images, labels)

    return {name: step(name) for name in SIDES}


def inference_steps(batch: int) -> dict[str, Callable[[], object]]:
    random = np.random.default_rng(0)
    images = random.normal(size=(batch, SIZE, SIZE, 3)).astype("float32")
    models: dict[str, keras.Model] = {
        name: build(weights=None) for name, (build, _) in SIDES.items()
    }
    models["ours, fused"] = fuse_for_inference(models["ours"])
    return {
        name: lambda model=model: model.predict_on_batch(images)
        for name, model in models.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--inference",
        type=int,
        metavar="N",
        help="a forward pass of N images; default: a training step",
    )
    parser.add_argument("--steps", type=int, default=10)
    arguments = parse_arguments(parser)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    batch = arguments.inference
    steps = inference_steps(batch) if batch else training_steps()
    spent = {name: times(step, arguments.steps) for name, step in steps.items()}
    total = {name: sum(each.values()) for name, each in spent.items()}
    most = {
        kind: max(each[kind] / total[name] for name, each in spent.items())
        for kind in set().union(*spent.values())
    }
    kinds = sorted(most, key=most.__getitem__, reverse=True)
    kept = [kind for kind in kinds if most[kind] >= SHORTEST]
    print(f"| ms | {' | '.join(spent)} |\n|---|{'---|' * len(spent)}")
    rows = [(kind, [each[kind] for each in spent.values()]) for kind in kept]
    rest = [
        total[name] - sum(each[kind] for kind in kept)
        for name, each in spent.items()
    ]
    rows += [("others", rest), ("all", list(total.values()))]
    for kind, values in rows:
        print(f"| {kind} | {' | '.join(f'{each:.1f}' for each in values)} |")


if __name__ == "__main__":
    main()
