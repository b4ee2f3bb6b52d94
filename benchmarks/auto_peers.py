"""`nasnet_auto.run` beside AutoKeras, KerasTuner and a network by hand.

    python -m venv peers
    peers/bin/pip install tensorflow autokeras 'keras-tuner[bayesian]' \
        tensorboard 'keras<3.13'
    python benchmarks/auto_peers.py photos/ --minutes 20 \
        --peer-python peers/bin/python --output runs/peers
    python benchmarks/auto_peers.py cifar10 --files 2000 --minutes 20 \
        --peer-python peers/bin/python --output runs/peers-cifar10

Each has the same minutes, the same images to train and to choose on, and the
same test images, which are looked at once. Ours runs twice: with the network
that comes with weights of CIFAR-10, and from random weights only. Images of
CIFAR-10 are no news to the first. The peers have the images in one size, of
`--image-size` pixels, as arrays. AutoKeras is its `ImageClassifier`, of which
3.0.0 fails with Keras 3.15 (it counts units in a type that Keras refuses) and
without tensorboard; KerasTuner a Bayesian optimisation of the layers, filters,
dropout and learning rate of a plain network; the one by hand six convolutions,
Adam, and the epoch that is best by the validation images.

With `--files` a data set becomes a folder of so many PNG files to train on, and
as many to test on. A row each is added to rows.jsonl in the output; those that
are there are not run again. Printed is the table of all. Of two such commands,
each under its own `taskset -c`, each has one core; a row says how many it had.
"""

import argparse
import importlib.metadata
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

MOST_SIZE = 128  # of the peers' images, unless told otherwise
# By name, whether pretrained networks are fine-tuned.
OURS = {"nasnet-auto": True, "nasnet-auto --no-pretrained": False}


# What runs in the peers' environment: of the data and the minutes to the test
# accuracy. Keras and the peers are imported there alone.


def stopping(deadline, patience=10):
    """Callbacks that end a training at the deadline, or when nothing is
    gained, and with it the search of whatever is in `stopping.oracles`."""
    import keras

    class Deadline(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if time.monotonic() > deadline:
                self.model.stop_training = True
                for oracle in stopping.oracles:
                    oracle.max_trials = 1

    early = keras.callbacks.EarlyStopping(
        "val_accuracy", patience=patience, restore_best_weights=True
    )
    return [Deadline(), early]


stopping.oracles = []


def plain(shape, classes, filters=(32, 64, 128), dropout=0.0, rate=1e-3):
    import keras
    from keras import layers

    stack = [keras.Input(shape), layers.Rescaling(1 / 127.5, -1)]
    for number, width in enumerate(filters):
        if number:
            stack.append(layers.MaxPooling2D(padding="same"))
        for _ in range(2):
            stack += [
                layers.Conv2D(width, 3, padding="same", use_bias=False),
                layers.BatchNormalization(),
                layers.ReLU(),
            ]
    stack += [
        layers.GlobalAveragePooling2D(),
        layers.Dropout(dropout),
        layers.Dense(classes, "softmax"),
    ]
    model = keras.Sequential(stack)
    model.compile(
        keras.optimizers.Adam(rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def by_hand(data, deadline, folder):
    shape, classes = data["x_train"].shape[1:], int(data["y_train"].max()) + 1
    model = plain(shape, classes)
    model.fit(
        data["x_train"],
        data["y_train"],
        epochs=10_000,
        validation_data=(data["x_val"], data["y_val"]),
        callbacks=stopping(deadline, patience=30),
        verbose=0,
    )
    return model.predict(data["x_test"], verbose=0).argmax(-1)


def keras_tuner(data, deadline, folder):
    import keras_tuner

    shape, classes = data["x_train"].shape[1:], int(data["y_train"].max()) + 1

    def build(hp):
        width = hp.Choice("filters", [16, 32, 64])
        depth = hp.Int("blocks", 2, 4)
        return plain(
            shape,
            classes,
            [width * 2**number for number in range(depth)],
            hp.Choice("dropout", [0.0, 0.25, 0.5]),
            hp.Float("rate", 1e-4, 1e-2, sampling="log"),
        )

    tuner = keras_tuner.BayesianOptimization(
        build, "val_accuracy", max_trials=1000, directory=folder, seed=0
    )
    stopping.oracles.append(tuner.oracle)
    tuner.search(
        data["x_train"],
        data["y_train"],
        epochs=100,
        validation_data=(data["x_val"], data["y_val"]),
        callbacks=stopping(deadline),
        verbose=0,
    )
    (model,) = tuner.get_best_models()
    return model.predict(data["x_test"], verbose=0).argmax(-1)


def autokeras(data, deadline, folder):
    import autokeras

    classifier = autokeras.ImageClassifier(
        max_trials=1000, directory=folder, seed=0
    )
    stopping.oracles.append(classifier.tuner.oracle)
    classifier.fit(
        data["x_train"],
        data["y_train"],
        epochs=100,
        validation_data=(data["x_val"], data["y_val"]),
        callbacks=stopping(deadline),
        verbose=0,
    )
    found = classifier.predict(data["x_test"], verbose=0)
    return np.asarray(found).astype(int).ravel()


# By name what it is called on, and the distribution that it comes in.
PEERS = {
    "autokeras": (autokeras, "autokeras"),
    "keras-tuner": (keras_tuner, "keras-tuner"),
    "by hand": (by_hand, "keras"),
}


def be_peer(name, file, minutes, folder):
    """Prints a row as the last line."""
    began = time.monotonic()
    function, distribution = PEERS[name]
    row = {"name": name}
    try:
        row["version"] = importlib.metadata.version(distribution)
        data = dict(np.load(file))
        found = function(data, began + 60 * minutes, folder)
        row["accuracy"] = float((found == data["y_test"]).mean())
        row["tested"] = len(found)
    except Exception as error:  # It is a row all the same.
        row["error"] = f"{type(error).__name__}: {error}".split("\n")[0]
    row["minutes"] = (time.monotonic() - began) / 60
    print(json.dumps(row))


# What runs in ours.


def write_data(source, file, image_size, seed):
    """The parts that `nasnet_auto.run` chooses and tests by, as arrays."""
    from nasnet_auto.survey import survey
    from nasnet_keras.training.data.datasets import load_dataset, resolve_source
    from nasnet_keras.training.data.splits import split, with_test

    source = resolve_source(source)
    found = survey(source, seed=seed)
    size = image_size or min(MOST_SIZE, found.largest_size)
    data = with_test(load_dataset(source, image_size=size))
    parts = split(data, found.validation_images, seed=seed)
    arrays = {}
    for name, part in (
        ("train", parts.train),
        ("val", parts.validation),
        ("test", data.test),
    ):
        arrays[f"x_{name}"], arrays[f"y_{name}"] = part.images[:], part.labels
    np.savez(file, **arrays)


def write_files(source, count, folder):
    """Of a data set so many images to train on, and as many to test on."""
    from PIL import Image

    from nasnet_keras.training.data.datasets import load_dataset
    from nasnet_keras.training.data.splits import with_test

    data = with_test(load_dataset(source))
    names = data.class_names
    for part, images in (("train", data.train), ("test", data.test)):
        chosen = np.random.default_rng(0).permutation(len(images))[:count]
        for number in sorted(chosen):
            place = folder / part / names[images.labels[number]]
            place.mkdir(parents=True, exist_ok=True)
            pixels = images.images[number]
            grey = pixels.shape[-1] == 1
            picture = Image.fromarray(pixels[..., 0] if grey else pixels)
            picture.save(place / f"{number}.png")


def run_ours(name, source, minutes, folder, seed):
    import nasnet_auto

    began = time.monotonic()
    row = {"name": name, "version": importlib.metadata.version("nasnet-keras")}
    try:
        result = nasnet_auto.run(
            source, minutes / 60, folder, seed=seed, pretrained=OURS[name]
        )
        row["accuracy"] = result.test_accuracy
        row["tested"] = result.test_images
        row["chosen"] = result.chosen
    except Exception as error:  # Likewise.
        row["error"] = f"{type(error).__name__}: {error}".split("\n")[0]
    return row | {"minutes": (time.monotonic() - began) / 60}


def run_peer(name, python, file, minutes, folder):
    options = ["--peer", name, "--minutes", str(minutes), "--output", folder]
    done = subprocess.run(
        [python, __file__, file, *options],
        stdout=subprocess.PIPE,
        text=True,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )
    if done.returncode:
        return {"name": name, "error": f"ended with {done.returncode}"}
    return json.loads(done.stdout.splitlines()[-1])


def table(rows):
    """Lines of Markdown: the accuracy with its standard error, or why there
    is none."""
    lines = [
        "| | version | cores | minutes | test accuracy |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        said = row.get("error", "")
        if "accuracy" in row:
            share = row["accuracy"]
            error = math.sqrt(share * (1 - share) / row["tested"])
            said = f"{share:.1%} ± {error:.1%}"
        begins = (row["name"], row.get("version", ""), row["cores"])
        minutes = f"{row.get('minutes', 0.0):.1f}"
        lines.append(f"| {' | '.join(map(str, (*begins, minutes, said)))} |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", help="As of `nasnet-auto run`.")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--image-size", type=int)
    parser.add_argument("--files", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=[*OURS, *PEERS])
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peer:
        be_peer(given.peer, given.data, given.minutes, given.output)
        return
    folder = given.output
    folder.mkdir(parents=True, exist_ok=True)
    if given.files:
        files = folder / "images"
        if not files.exists():
            write_files(given.data, given.files, files)
        given.data = str(files)
    file, rows_file = folder / "data.npz", folder / "rows.jsonl"
    if not file.exists():
        write_data(given.data, file, given.image_size, given.seed)
    rows = []
    if rows_file.exists():
        rows = [json.loads(line) for line in rows_file.read_text().splitlines()]
    for name in given.only or [*OURS, *PEERS]:
        if name in {row["name"] for row in rows}:
            continue
        if name in OURS:
            row = run_ours(
                name, given.data, given.minutes, folder / name, given.seed
            )
        else:
            python = given.peer_python
            row = run_peer(name, python, file, given.minutes, folder / name)
        row["cores"] = len(os.sched_getaffinity(0))
        rows.append(row)
        with rows_file.open("a") as stream:
            stream.write(json.dumps(row) + "\n")
    print(*table(rows), sep="\n")


if __name__ == "__main__":
    main()
