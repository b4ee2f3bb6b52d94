"""One file of weights on every backend of Keras: the same outputs?

    KERAS_BACKEND=tensorflow python benchmarks/backends.py write proof
    KERAS_BACKEND=jax python benchmarks/backends.py compare proof
    KERAS_BACKEND=torch python benchmarks/backends.py compare proof

`write` makes a network of the zoo with random weights and random statistics
of its batch norms, and leaves in the directory its `.weights.h5` file and, as
`.npz`, images, labels, the logits and the logits after a step of training.
`compare` loads the file under another backend, does the same, and says by how
much the logits differ, in parts of the largest. It fails where they differ by
more than 1e-4, or 1e-3 after the step.

The network has drop path, which drops nothing in the first step. In a second
one, which is not compared, it drops what that backend draws.

The backends need not be in one environment.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

import zoo
from nasnet_keras.layers.parts.drop_path import DropPath

# The second is that of a hundred layers' gradients in float32.
TOLERANCES = (1e-4, 1e-3)


def write(directory: Path, settings: dict[str, Any], batch: int) -> None:
    """Leaves weights, images and logits in a directory."""
    random = np.random.default_rng(1)
    model = build(**settings)
    randomise_batch_norms(model, random)
    directory.mkdir(parents=True, exist_ok=True)
    model.save_weights(directory / "network.weights.h5")
    (directory / "settings.json").write_text(json.dumps(settings))
    images = random.uniform(-1, 1, (batch, *model.input_shape[1:]))
    images = images.astype("float32")
    labels = random.integers(model.output_shape[-1], size=batch)
    before, after, _ = run(model, images, labels)
    np.savez(
        directory / "proof.npz",
        images=images,
        labels=labels,
        before=before,
        after=after,
    )
    print(f"{keras.backend.backend()} wrote {directory}")


def compare(directory: Path, data_format: str) -> bool:
    """Says by how much the logits differ; whether that is little enough."""
    settings = json.loads((directory / "settings.json").read_text())
    with np.load(directory / "proof.npz", allow_pickle=False) as file:
        proof = dict(file)
    images = proof["images"]
    if data_format == "channels_first":
        images = images.transpose(0, 3, 1, 2)
    model = build(
        **settings,
        data_format=data_format,
        weights=directory / "network.weights.h5",
    )
    *logits, loss = run(model, images, proof["labels"])
    differences = [
        float(np.abs(ours - theirs).max() / np.abs(theirs).max())
        for ours, theirs in zip(
            logits, (proof["before"], proof["after"]), strict=True
        )
    ]
    print(
        f"{keras.backend.backend()}, {data_format}: largest difference "
        "{:.1e}, after a step of training {:.1e}".format(*differences)
        + f"; loss with drop path {loss:.3f}"
    )
    return bool(np.isfinite(loss)) and all(
        difference <= tolerance
        for difference, tolerance in zip(differences, TOLERANCES, strict=True)
    )


def build(
    preset: str,
    size: int,
    data_format: str = "channels_last",
    **options: Any,
) -> keras.Model:
    last = data_format == "channels_last"
    return zoo.create_model(
        preset,
        input_shape=(size, size, 3) if last else (3, size, size),
        classifier_activation=None,
        data_format=data_format,
        drop_path_rate=0.3,
        drop_path_steps=1,
        **options,
    )


def randomise_batch_norms(
    model: keras.Model, random: np.random.Generator
) -> None:
    ranges = {
        "gamma": (0.5, 1.5),
        "beta": (-0.5, 0.5),
        "moving_mean": (-0.5, 0.5),
        "moving_variance": (0.5, 2.0),
    }
    for variable in model.weights:
        if variable.name in ranges:
            low, high = ranges[variable.name]
            variable.assign(random.uniform(low, high, variable.shape))


def run(
    model: keras.Model, images: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """The logits, those after a step of training, the loss of a second."""
    # For so few steps compiling does not pay, but JAX, when it runs eagerly,
    # compiles each operation.
    model.compile(
        keras.optimizers.SGD(1e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        run_eagerly=keras.backend.backend() != "jax",
    )
    before = model.predict_on_batch(images)
    model.train_on_batch(images, labels)
    after = model.predict_on_batch(images)
    loss = float(model.train_on_batch(images, labels))
    clocks = {
        int(layer.step)
        for layer in model._flatten_layers()
        if isinstance(layer, DropPath)
    }
    if clocks != {2}:
        raise RuntimeError(f"The clocks of drop path stand at {clocks}.")
    return before, after, loss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("half", choices=("write", "compare"))
    parser.add_argument("directory", type=Path)
    parser.add_argument("--preset", default="nasnet_mobile")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--repeats", type=int, help="of a smaller network")
    parser.add_argument("--filters", type=int, help="of a smaller network")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument(
        "--data-format",
        choices=("channels_last", "channels_first"),
        default="channels_last",
        help="to compare in; CPUs compute channels first on torch and jax",
    )
    arguments = parser.parse_args()
    if arguments.half == "compare":
        sys.exit(not compare(arguments.directory, arguments.data_format))
    settings = {
        name: getattr(arguments, name)
        for name in ("preset", "size", "repeats", "filters")
    }
    write(arguments.directory, settings, arguments.batch)


if __name__ == "__main__":
    main()
