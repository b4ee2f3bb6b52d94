"""Networks whose probabilities are averaged: `average`, `write_ensemble`."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from nasnet_auto.trainings.images import LoadedImages
from nasnet_keras.files import sync, write_json
from nasnet_keras.network.build import load_model
from nasnet_keras.training.run import create_record
from nasnet_keras.training.settings import TrainingSettings


def average(models: Sequence[keras.Model]) -> keras.Model:
    """One model that averages the probabilities of others, as an ensemble.

    Args:
        models: Of the same classes and channels, whose pixels are from -1 to
            1. Images are scaled from the largest size to the size of each.

    Returns:
        A model of the largest size, for inference alone.

    Reference:
        [Cortes et al. 2017](https://arxiv.org/abs/1607.01097), whose ensembles
        have weighted networks that are built for each other; these networks
        are trained alone, and have equal weights.

    Example:

    >>> from nasnet_keras import NASNET_A, build_network
    >>> models = [
    ...     build_network(NASNET_A, (size, size, 3), 2, repeats=1, filters=8)
    ...     for size in (32, 40)
    ... ]
    >>> average(models).input_shape
    (None, 40, 40, 3)
    """
    shape = max(model.input_shape[1:] for model in models)
    images = keras.Input(shape, name="images")
    outputs = []
    for number, model in enumerate(models):
        pixels: Any = images
        height, width = model.input_shape[1:3]
        if (height, width) != shape[:2]:
            pixels = keras.layers.Resizing(
                height, width, name=f"resize_{number}"
            )(images)
        # Names are unique within a model.
        member = keras.Model(
            model.inputs[0], model.outputs[0], name=f"member_{number}"
        )
        # Keras' Resizing is called for training with all after it, unless told.
        outputs.append(member(pixels, training=False))
    mean = keras.layers.Average(name="predictions", dtype="float32")(outputs)
    return keras.Model(images, mean, name="ensemble")


def write_ensemble(
    folder: Path,
    settings: TrainingSettings,
    members: Sequence[Path],
    images: LoadedImages,
) -> None:
    """Writes the average of trained networks as a training of its own, which
    `evaluate_run` takes; one that is there stays.

    Args:
        folder: The folder.
        settings: Of the best of them.
        members: The folders of their trainings.
        images: Those of the run.
    """
    file = folder / "model.keras"
    if file.exists():
        return
    model = average([load_model(each / "model.keras") for each in members])
    network = {**settings.network, "input_shape": [*model.input_shape[1:]]}
    settings = dataclasses.replace(settings, network=network)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(
        folder / "config.json", create_record(settings, images.of(settings))
    )
    draft = folder / ".model.keras"
    model.save(draft)
    sync(draft)
    draft.rename(file)
