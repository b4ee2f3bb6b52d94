"""Training of NASNet-A in PyTorch and here: a search's child and Mobile.

The child has N=1, F=8, images of 32 x 32, batch 64, and is trained as a search
trains it; Mobile is trained as `nasnet-train` does, images of 224 x 224, batch
16. Seconds of build plus first step, without imports, and the median images per
second of the steps behind, with two threads and with one. Each network has a
process of its own. PyTorch is measured with both of its layouts of images.

PyTorch lives in an environment of its own, which needs nothing of this project:

    python -m venv torchenv
    torchenv/bin/pip install torch numpy
    python benchmarks/pytorch_child.py --torch-python torchenv/bin/python

`--modes` runs it three times, as different processors would: see modes.py. In
`avx2` PyTorch's own kernels are kept from AVX-512 too.
"""

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from modes import parse_arguments, use_threads

from nasnet_keras.network.skeletons import plan_cells, plan_stem
from nasnet_keras.published import NASNET_A

PEER = Path(__file__).with_name("pytorch_network.py")
MEASURE = "--measure"  # what the process of ours is told


@dataclasses.dataclass(frozen=True)
class Setting:
    """A network, and how it is trained.

    Attributes:
        search: Whether as a search trains it, or as `nasnet-train` does.
    """

    repeats: int
    filters: int
    stem: str
    classes: int
    image_size: int
    batch: int
    clip_norm: float | None
    search: bool
    steps: int

    def plan(self) -> dict[str, object]:
        """What PyTorch's side needs to know."""
        (stem,) = plan_stem(self.filters, self.stem)
        cells = plan_cells(self.repeats, self.filters, self.stem)
        return {
            **dataclasses.asdict(self),
            "genotype": NASNET_A.to_dict(),
            "stem": dataclasses.asdict(stem),
            "cells": [dataclasses.asdict(cell) for cell in cells],
        }


SETTINGS = {
    "child": Setting(1, 8, "cifar", 10, 32, 64, 5.0, True, 20),
    "mobile": Setting(4, 44, "imagenet", 1000, 224, 16, None, False, 6),
}


def measure_ours(name: str, threads: int, steps: int) -> dict[str, object]:
    """The figures of ours, in the process of it alone."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import numpy as np
    import tensorflow as tf

    from nasnet_keras.network.build import build_network
    from nasnet_keras.training.recipes import RECIPES, Recipe
    from nasnet_keras.training.train import (
        compile_network,
        prepare_short_trainings,
    )
    from search.evaluation.child_data import prepare_tensorflow

    setting = SETTINGS[name]
    recipe = RECIPES["search-proxy"]
    if setting.search:
        prepare_tensorflow(threads)
        prepare_short_trainings()
        tf.config.experimental.enable_op_determinism()
    else:
        recipe = Recipe(epochs=1, batch_size=setting.batch, learning_rate=0.01)
        use_threads(threads)
    random = np.random.default_rng(0)
    shape = (setting.image_size, setting.image_size, 3)
    images = random.normal(size=(setting.batch, *shape)).astype("float32")
    labels = random.integers(setting.classes, size=setting.batch)
    times = [time.perf_counter()]
    model = build_network(
        NASNET_A,
        shape,
        setting.classes,
        repeats=setting.repeats,
        filters=setting.filters,
        stem=setting.stem,
    )
    compile_network(model, recipe, steps_per_epoch=1000)
    for _ in range(1 + steps):
        model.train_on_batch(images, labels)
        times.append(time.perf_counter())
    spans = np.diff(times)
    return {
        "version": tf.__version__,
        "parameters": model.count_params(),
        "start-up": spans[0],
        "images/s": setting.batch / statistics.median(spans[1:]),
    }


def measured(command: list[str], task: dict[str, object]) -> dict[str, object]:
    """What a process prints that is told what to measure."""
    done = subprocess.run(
        command,
        input=json.dumps(task),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def sides(
    name: str, threads: int, steps: int, torch_python: str
) -> dict[str, dict[str, object]]:
    """The figures of a network on each side."""
    task = {"threads": threads, "steps": steps}
    own = [sys.executable, __file__, MEASURE]
    figures = {"ours": measured(own, {**task, "name": name})}
    for layout in ("channels first", "channels last"):
        figures[f"PyTorch, {layout}"] = measured(
            [torch_python, str(PEER)],
            {
                **task,
                "plan": SETTINGS[name].plan(),
                "channels_last": layout == "channels last",
            },
        )
    if len({side["parameters"] for side in figures.values()}) > 1:
        raise SystemExit(f"The networks differ: {figures}")
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--torch-python", help="that has PyTorch", metavar="PATH"
    )
    parser.add_argument(
        "--networks", nargs="+", choices=SETTINGS, default=list(SETTINGS)
    )
    parser.add_argument("--threads", nargs="+", type=int, default=[2, 1])
    parser.add_argument("--steps", type=int, help="default: by the network")
    parser.add_argument(MEASURE, action="store_true", help=argparse.SUPPRESS)
    arguments = parse_arguments(parser)
    if arguments.measure:
        print(json.dumps(measure_ours(**json.load(sys.stdin))))
        return
    if arguments.torch_python is None:
        parser.error("the argument --torch-python is required")
    print(
        "| network | threads | | version | parameters | build + first step, s "
        "| images/s |\n|---|---|---|---|---|---|---|"
    )
    for name in arguments.networks:
        for threads in arguments.threads:
            steps = arguments.steps or SETTINGS[name].steps
            figures = sides(name, threads, steps, arguments.torch_python)
            own = figures["ours"]["images/s"]
            for side, row in figures.items():
                print(
                    f"| {name} | {threads} | {side} | {row['version']} | "
                    f"{row['parameters']:,} | {row['start-up']:.2f} | "
                    f"{row['images/s']:.1f} ({own / row['images/s']:.2f}x) |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
