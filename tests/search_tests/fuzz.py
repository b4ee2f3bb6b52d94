"""Damaged files for what reads them: by soak.py in full, by test_fuzz.py in
small.

A reader may read a damaged file, or refuse it by one sentence; nothing else.
"""

import collections
import contextlib
import io
import json
import os
import signal
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np

from nasnet_keras.architectures import find_kind, read_architecture, to_data
from nasnet_keras.console.command_line import BAD_INPUT
from nasnet_keras.genotype import Block, CellSpec, Genotype
from search.cli.app import main

SECONDS = 120  # after which a reader hangs

# What stands in the place of a value of JSON.
ODD_VALUES = (
    *(None, True, -1, 0, 0.5, 10**30, 1e300, float("nan"), float("inf")),
    *("", "x" * 5000, "../../outside", "/etc/passwd", "a\nb", "\0", "\ud800"),
    *("~nobody-of-that-name", "os:system", "__import__('os').abort()"),
    *([], {}, [[]], {"x": 1}, [0] * 1000, {"": {"": ""}}),
)


class Hang(BaseException):
    """A reader takes too long."""


def with_bytes_changed(content, rng):
    """Some bytes flipped, cut out, inserted or repeated."""
    content = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(len(content) + 1))
        some = slice(at, at + int(rng.integers(1, 200)))
        match rng.integers(5):
            case 0 if at < len(content):
                content[at] ^= 1 << int(rng.integers(8))
            case 1:
                content[some] = rng.bytes(len(content[some]))
            case 2:
                del content[some]
            case 3:
                content[at:at] = content[some]
            case _:
                content[at:at] = rng.bytes(int(rng.integers(1, 50)))
    if rng.random() < 0.1:
        del content[int(rng.integers(len(content) + 1)) :]
    return bytes(content)


def with_few_bytes_changed(path, content, rng):
    """One to three bytes are others."""
    content = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        content[rng.integers(len(content))] = rng.integers(256)
    return bytes(content)


def with_values_changed(content, rng):
    """JSON in which a value is odd, one is gone, or there is one more."""
    data = json.loads(content)
    holders = [data]
    for holder in holders:
        values = holder.values() if isinstance(holder, dict) else holder
        holders += [each for each in values if isinstance(each, dict | list)]
    for _ in range(rng.integers(1, 3)):
        holder = holders[rng.integers(len(holders))]
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        odd = ODD_VALUES[rng.integers(len(ODD_VALUES))]
        if not keys:
            continue
        key = keys[rng.integers(len(keys))]
        match rng.integers(4):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder["odd"] = odd
            case _:
                holder[key] = odd
    return json.dumps(data).encode()


def with_network_changed(content, rng):
    """A .keras file whose description of the network is another."""
    new = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(new, "w") as target,
    ):
        for name in source.namelist():
            member = source.read(name)
            if name == "config.json":
                member = with_values_changed(member, rng)
            target.writestr(name, member)
    return new.getvalue()


BY_VALUE = {".json": with_values_changed, ".keras": with_network_changed}


def changed(path, content, rng):
    change = with_bytes_changed
    if rng.random() < 0.7:
        change = BY_VALUE.get(path.suffix, change)
    return change(content, rng)


def command(*arguments):
    """What `nasnet-search` says to these arguments: whether it did what was
    asked, or refused by a sentence.

    Raises:
        AssertionError: It ended otherwise.
    """
    said = io.StringIO()
    before = sys.argv
    sys.argv = ["nasnet-search", *map(str, arguments)]
    try:
        with (
            contextlib.redirect_stderr(said),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            code = main()
    finally:
        sys.argv = before
    if code == BAD_INPUT:
        check_sentence(said.getvalue().removesuffix("\n"))
        return "refused"
    if code or said.getvalue():
        raise AssertionError(f"Exit code {code}: {said.getvalue()}")
    return "read"


def attempt(read, path):
    """The same of a function, which refuses by a ValueError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read(path)
    except ValueError as error:
        check_sentence(str(error))
        return "refused"
    return "read"


def check_sentence(text):
    # What does not fit of a weights file is listed below.
    text = text.partition(":\n")[0]
    if not text or "\n" in text:
        raise AssertionError(f"No sentence: {text}")


def architecture(folder):
    """An architecture, as `nasnet-train run --architecture` reads it."""
    block = Block((0, 1), ("sep_conv_3x3", "identity"))
    cell = CellSpec((block, block), concat=(2, 3))
    path = folder / "architecture.json"
    data = to_data(find_kind("nasnet"), Genotype(cell, cell))
    path.write_text(json.dumps(data))
    return path, lambda path: attempt(read_architecture, path)


def configuration(folder):
    """The config.json of a run, by `nasnet-search status`."""
    run = search_once(folder / "run")
    return run.directory.configuration, lambda path: command(
        "status", path.parent
    )


def database(folder):
    """The database of a run, by `nasnet-search status --json`."""
    run = search_once(folder / "run")
    return run.directory.database, lambda path: command(
        "status", path.parent, "--json"
    )


def latencies(folder):
    """A table of latencies, by `LatencyTable.load`."""
    from nasnet_keras.deployment.latency.latency_table import LatencyTable
    from nasnet_keras.kinds.cell_parts import CellPart

    path = folder / "latencies.json"
    LatencyTable(
        kind="nasnet",
        setting={
            "repeats": 1,
            "filters": 2,
            "input_shape": [8, 8, 3],
            "classes": 10,
        },
        batch_size=1,
        versions={"keras": "3"},
        machine={"cores": 2},
        offset=0.0,
        scale=1.0,
        parts=tuple(
            (CellPart("identity", 8, 8, channels, 2), 1e-3 * channels)
            for channels in (2, 4)
        ),
    ).save(path)
    return path, lambda path: attempt(LatencyTable.load, path)


def weights(folder):
    """Our own weights, by `zoo.weights.load`."""
    import zoo.weights

    model = small_network()
    path = folder / "network.weights.h5"
    model.save_weights(path)
    return path, lambda path: attempt(
        lambda path: zoo.weights.load(model, path, "nasnet_mobile"), path
    )


def network(folder):
    """A whole network, by `nasnet_keras.load_model`."""
    from nasnet_keras.network.build import load_model

    path = folder / "network.keras"
    small_network().save(path)
    return path, lambda path: attempt(load_model, path)


def archive(folder):
    """Images in an `.npz` file, by `load_dataset`."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
    labels = np.arange(12) % 3
    path = folder / "images.npz"
    np.savez_compressed(
        path,
        x_train=images,
        y_train=labels,
        x_test=images,
        y_test=labels,
        class_names=["cat", "dog", "eel"],
    )
    return path, lambda path: attempt(read_images, path)


def photograph(folder):
    """A photograph in a folder of images, by `load_dataset`."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        pixels = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
        path = folder / "images" / name / "1.jpg"
        path.parent.mkdir(parents=True)
        Image.fromarray(pixels).save(path)
    return path, lambda path: attempt(read_images, path.parent.parent)


def read_images(path):
    from nasnet_keras.training.data.datasets import load_dataset

    _ = load_dataset(path, image_size=8).test


def small_network():
    from nasnet_keras.network.build import build_network

    cell = CellSpec((Block((0, 1), ("conv_1x1", "identity")),))
    return build_network(
        Genotype(cell, cell),
        repeats=1,
        filters=2,
        input_shape=(8, 8, 3),
        classes=2,
    )


def search_once(folder):
    from conftest import FakeEvaluator

    import search

    return search.run(
        folder,
        evaluator=FakeEvaluator(),
        strategy="random",
        trials=6,
        space_options={"blocks": 2},
        tensorboard=False,
    )


# Each makes a whole file in a folder, and gives it with what reads it. With
# how many files of a thousand.
KINDS = {
    architecture: 150,
    configuration: 150,
    database: 120,
    latencies: 60,
    weights: 90,
    network: 30,
    archive: 300,
    photograph: 100,
}


def fuzz(make, folder, count, seed, change=changed):
    """Has so many damaged files read, in which this changes something;
    returns how many were refused and how many were read.

    Raises:
        AssertionError: A reader did neither, hung, or left something beside
            the folder.
    """
    folder.mkdir()
    path, read = make(folder)
    whole = path.read_bytes()
    beside = set(os.listdir(folder.parent))
    counts = collections.Counter()
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        path.write_bytes(change(path, whole, rng))
        remove_companions(path)
        try:
            with time_limit():
                counts[read(path)] += 1
        except BaseException as error:
            kept = folder.parent / f"{make.__name__}-{seed}-{number}"
            kept.write_bytes(path.read_bytes())
            error.add_note(f"{make.__name__}, seed {seed}, file {number}")
            raise
    if set(os.listdir(folder.parent)) != beside:
        raise AssertionError(f"Something was left beside {folder}.")
    return counts


def remove_companions(path):
    for ending in ("-wal", "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)


@contextlib.contextmanager
def time_limit(seconds=SECONDS):
    def hang(*_):
        raise Hang

    before = signal.signal(signal.SIGALRM, hang)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
