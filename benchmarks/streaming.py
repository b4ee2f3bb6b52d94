"""Images in memory, streamed from their files, and read from a cache.

    python benchmarks/streaming.py --gib 2 20

Each row is a process of its own: the seconds until the first batch, the images
a second of the batches alone and of a small network that trains on them, and
the peak of the process' memory. The images are links to a few photographs,
those of `--photographs` or of scikit-learn, as many as take so many GiB when
they are decoded. Files that are read again and again are in the memory of the
system, so that what is measured is decoding and not the disk. `--work` has to
hold a cache of the largest size.

`--modes` runs it three times, as different processors would: see modes.py.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from modes import parse_arguments

WAYS: dict[str, dict[str, Any]] = {
    "memory": {"stream": False},
    "streamed": {"stream": True},
    "cache": {"cache": "cache"},
}
CLASSES = 2
PIECES = 32  # of the photographs of scikit-learn
PIECE = (375, 500)  # as many of ImageNet


def make_folder(folder: Path, photographs: Path | None, count: int) -> None:
    """A folder of so many links to photographs, in two classes."""
    if photographs is None:
        photographs = folder.parent / "photographs"
        _write_photographs(photographs)
    files = sorted(
        file.resolve()
        for file in photographs.rglob("*")
        if file.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp")
    )
    for number in range(CLASSES):
        (folder / f"{number}").mkdir(parents=True)
    for number in range(count):
        file = files[number % len(files)]
        link = folder / f"{number % CLASSES}" / f"{number:07}{file.suffix}"
        link.symlink_to(file)


def _write_photographs(folder: Path) -> None:
    """Pieces of the two photographs that come with scikit-learn."""
    from PIL import Image
    from sklearn.datasets import load_sample_images

    rng = np.random.default_rng(0)
    folder.mkdir()
    for number in range(PIECES):
        photograph = load_sample_images().images[number % 2]
        height, width = PIECE
        top = rng.integers(photograph.shape[0] - height + 1)
        left = rng.integers(photograph.shape[1] - width + 1)
        piece = photograph[top : top + height, left : left + width]
        Image.fromarray(piece).save(folder / f"{number}.jpg", quality=90)


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """One row, in this process."""
    from nasnet_keras import NASNET_A, build_network, load_dataset
    from nasnet_keras.training.data.pipeline import training_pipeline
    from nasnet_keras.training.recipes import RECIPES
    from nasnet_keras.training.train import (
        compile_network,
        prepare_long_trainings,
        train,
    )

    prepare_long_trainings()
    began = time.monotonic()
    holding = dict(WAYS[arguments.way])
    if "cache" in holding:
        holding["cache"] = arguments.folder.parent / holding["cache"]
    try:
        images = load_dataset(
            arguments.folder, image_size=arguments.image_size, **holding
        ).train
    except ValueError as error:
        return {"refused": str(error)}
    batches = training_pipeline(
        images.images, images.labels, arguments.batch_size
    )
    iterator = iter(batches)
    next(iterator)
    opened = time.monotonic() - began
    began = time.monotonic()
    for _ in range(arguments.steps):
        next(iterator)
    alone = time.monotonic() - began
    del iterator
    size = arguments.image_size
    model = build_network(
        NASNET_A,
        (size, size, 3),
        CLASSES,
        repeats=1,
        filters=8,
        stem="imagenet",
    )
    compile_network(model, RECIPES["fine-tune"], arguments.steps)
    seconds = []
    for _ in range(2):  # The first traces the step.
        began = time.monotonic()
        train(model, batches, RECIPES["fine-tune"], arguments.steps, epochs=1)
        seconds.append(time.monotonic() - began)
    shown = arguments.steps * arguments.batch_size
    return {
        "open": opened,
        "alone": shown / alone,
        "trained": shown / seconds[-1],
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--gib", type=float, nargs="+", default=[2, 20])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--photographs", type=Path)
    parser.add_argument("--work", type=Path, help="a folder on a large disk")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parse_arguments(parser)
    if arguments.way:
        print(json.dumps(measure(arguments)))
        return
    print(
        "| decoded | images | | until the first batch | images/s alone "
        "| images/s trained | peak of memory |\n|---|---|---|---|---|---|---|"
    )
    for gib in arguments.gib:
        count = int(gib * 2**30 / (3 * arguments.image_size**2))
        with tempfile.TemporaryDirectory(dir=arguments.work) as work:
            folder = Path(work) / "images"
            make_folder(folder, arguments.photographs, count)
            for way in arguments.ways:
                row = _in_a_process(arguments, folder, way)
                print(f"| {gib:g} GiB | {count:,} | {way} | {_text(row)} |")


def _in_a_process(
    arguments: argparse.Namespace, folder: Path, way: str
) -> dict[str, Any]:
    command = [sys.executable, __file__, "--way", way, "--folder", str(folder)]
    for name in ("image_size", "batch_size", "steps"):
        command += [
            f"--{name.replace('_', '-')}",
            str(getattr(arguments, name)),
        ]
    completed = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(completed.stdout.splitlines()[-1])


def _text(row: dict[str, Any]) -> str:
    if "refused" in row:
        return f"refused: {row['refused']} | | |"
    return (
        f"{row['open']:.1f} s | {row['alone']:.0f} | {row['trained']:.0f} "
        f"| {row['peak']:,.0f} MiB"
    )


if __name__ == "__main__":
    main()
