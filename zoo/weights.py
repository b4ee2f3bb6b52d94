"""Weights for the networks of the zoo: fetch, verify, cache, load.

A path may be that of

- a `.keras` or `.weights.h5` file of one of our models,
- an `.h5` file of the NASNet of keras.applications, in the layout of Keras 3
  or of earlier releases, as the published files are.

No pickle is read.
"""

import os
from pathlib import Path
from typing import Any

import keras

from zoo.conversion import keras_applications

# The published files of keras.applications: name, and MD5 of the file.
_BASE = "https://storage.googleapis.com/tensorflow/keras-applications/nasnet/"
_FILES = {
    ("nasnet_mobile", True): (
        "NASNet-mobile.h5",
        "020fb642bf7360b370c678b08e0adf61",
    ),
    ("nasnet_mobile", False): (
        "NASNet-mobile-no-top.h5",
        "1ed92395b5b598bdda52abe5c0dbfd63",
    ),
    ("nasnet_large", True): (
        "NASNet-large.h5",
        "11577c9a518f0070763c2b964a382f17",
    ),
    ("nasnet_large", False): (
        "NASNet-large-no-top.h5",
        "d81d89dc07e6e56530c4e77faddd61b5",
    ),
}


def published(preset: str) -> bool:
    """Whether there are ImageNet weights that can be loaded by name."""
    return (preset, True) in _FILES


def check(weights: Any, preset: str, activation: Any) -> None:
    """Refuses what cannot be loaded, before anything is built.

    Args:
        weights: None, `"imagenet"` or a path.
        preset: The name of the network.
        activation: Of its classifier.

    Raises:
        ValueError: There are no such weights, or they were not trained for
            the activation.
    """
    if weights is None:
        return
    if weights == "imagenet":
        known = sorted({name for name, _ in _FILES})
        if not published(preset):
            raise ValueError(
                "Invalid value for argument `weights`. No ImageNet weights "
                f"are published for {preset} in a layout that can be read. "
                "Expected None or the path of a file; 'imagenet' is there for "
                f"{', '.join(known)}. Received: weights='imagenet'."
            )
    elif (
        not isinstance(weights, str | os.PathLike)
        or not Path(weights).is_file()
    ):
        raise ValueError(
            "Invalid value for argument `weights`. Expected None, 'imagenet' "
            f"or the path of a file. Received: weights={weights!r}."
        )
    if weights == "imagenet" and activation not in (None, "softmax"):
        raise ValueError(
            "Invalid value for argument `classifier_activation`. Expected "
            "'softmax' or None with pretrained weights. Received: "
            f"classifier_activation={activation!r}."
        )


def load(model: keras.Model, weights: str | os.PathLike, preset: str) -> None:
    """Loads weights into a model of the zoo.

    Args:
        model: The model.
        weights: `"imagenet"` or a path.
        preset: The name of the network.

    Raises:
        ValueError: The file does not fit the model; what does not is listed.
        RuntimeError: The file cannot be fetched.
    """
    if weights == "imagenet":
        head = keras_applications.classifier(model)
        fits = head is not None and head.units == 1000
        keras_applications.load(model, fetch(preset, include_top=fits))
    elif keras_applications.wrote(weights):
        keras_applications.load(model, weights)
    elif Path(weights).suffix == ".keras":
        stored = keras.models.load_model(weights, compile=False)
        model.set_weights(stored.get_weights())
    else:
        model.load_weights(weights)


def fetch(preset: str, include_top: bool = True) -> Path:
    """The published file of a network, downloaded if it is not yet there.

    It is kept where keras.applications keeps it, `models` in `KERAS_HOME`
    (`~/.keras` by default), so that both share it.

    Raises:
        RuntimeError: It cannot be downloaded.
    """
    published, md5 = _FILES[preset, include_top]
    file_name = f"{preset}{'' if include_top else '_no_top'}.h5"
    try:
        path = keras.utils.get_file(
            file_name,
            _BASE + published,
            cache_subdir="models",
            file_hash=md5,
        )
    # What `get_file` raises is as general as this.
    except Exception as error:
        home = os.environ.get("KERAS_HOME", "~/.keras")
        place = Path(home).expanduser() / "models" / file_name
        raise RuntimeError(
            f"The weights of {preset} could not be fetched: {error} Download "
            f"{_BASE + published} elsewhere and put it at {place} (MD5 {md5})."
        ) from error
    return Path(path)
