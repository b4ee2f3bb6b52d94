"""Weights for the networks of the zoo: fetch, verify, cache, load.

By name there are `"imagenet"`, the published weights of NASNet-A Mobile and
Large, downloaded, and `"cifar10"`, those of the nano network, which come with
the package. A path may be that of

- a `.keras` or `.weights.h5` file of one of our models, see
  `zoo.conversion.ours`,
- a `.keras` or `.h5` file of the NASNet or the MobileNetV2 of
  keras.applications, in the layout of Keras 3 or of earlier releases, as the
  published files are, see `zoo.conversion.keras_applications`; other `.h5`
  files, such as those of tf2cv, are not read,
- a safetensors file of timm's `nasnetalarge` or `pnasnet5large`, see
  `zoo.conversion.timm`,
- a safetensors file of the mobile networks and the companions of timm,
  torchvision or osmr/imgclsmob, see `zoo.conversion.pytorch`,
- a checkpoint of TF-slim's NASNet-A or PNASNet-5, by what the names of its
  files begin with or by one of them, see `zoo.conversion.slim`.

Weights are for images as the source had them. Those of TF-slim, of
keras.applications and of timm's `nasnetalarge` and `pnasnet5large` expect
values from -1 to 1. Those of timm's other networks and of torchvision expect
`(pixels / 255 - mean) / deviation` with the mean (0.485, 0.456, 0.406) and the
deviation (0.229, 0.224, 0.225).

The contents show which of these a file is. Of a Keras model around a network,
as a fine-tuned one in a `Sequential` or with a head of its own, the body is
loaded. What does not fit is listed: in an error if the body of the network is
concerned, in a warning if it is a classifier, which then starts anew, or
something that no model has a place for. The first kernel is made one for the
channels of the images, see `zoo.conversion.assign.to_channels`. No pickle is
read.
"""

import contextlib
import hashlib
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from nasnet_keras.files import check_room, expanded, resolved, sync
from nasnet_keras.layers.cell import Cell
from nasnet_keras.quotation import quoted
from nasnet_keras.training.checkpoint import save_weights
from zoo.conversion import keras_applications, ours, pytorch, slim, timm

_CONVERSIONS = (keras_applications, ours, timm, pytorch, slim)

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

# Those that come with the package, see docs/training.md.
_SHIPPED = {"nasnet_a_cifar_nano": "nasnet_a_cifar_nano_cifar10.weights.h5"}

_NETWORKS = {
    "imagenet": sorted({preset for preset, _ in _FILES}),
    "cifar10": sorted(_SHIPPED),
}


def networks(name: str) -> list[str]:
    """The networks that have weights of a name.

    Example:

    >>> networks("imagenet")
    ['nasnet_large', 'nasnet_mobile']
    """
    return _NETWORKS[name]


def names(preset: str) -> list[str]:
    """The names of the weights that a network has.

    Example:

    >>> names("nasnet_mobile")
    ['imagenet']
    """
    return [name for name, presets in _NETWORKS.items() if preset in presets]


def shipped(preset: str) -> Path:
    """The file of a network's weights that come with the package."""
    return Path(__file__).parent / "shipped" / _SHIPPED[preset]


def resolve(weights: Any) -> str | None:
    """Weights as they are written down: the path of a file is absolute, so
    that it is found from elsewhere; None and a name stay.

    Example:

    >>> resolve("imagenet")
    'imagenet'
    """
    if weights is None or weights in _NETWORKS:
        return weights
    return os.path.abspath(weights)


def check(weights: Any, preset: str) -> None:
    """Refuses what cannot be loaded, before anything is built.

    Args:
        weights: None, a name or a path.
        preset: The name of the network.

    Raises:
        ValueError: There are no such weights.
    """
    if weights is None:
        return
    if isinstance(weights, str) and weights in _NETWORKS:
        if weights not in names(preset):
            raise ValueError(
                "Invalid value for argument `weights`. There are no "
                f"{weights!r} weights for {preset}. Expected None or the path "
                f"of a file; {weights!r} is there for "
                f"{', '.join(_NETWORKS[weights])}. Received: "
                f"weights={weights!r}."
            )
    elif not isinstance(weights, str | os.PathLike) or not (
        os.path.isfile(weights) or slim.is_checkpoint(weights)
    ):
        raise ValueError(
            "Invalid value for argument `weights`. Expected None, one of "
            f"{', '.join(map(repr, _NETWORKS))}, or the path of a file. "
            f"Received: weights={quoted(weights)}."
        )


def load(model: keras.Model, weights: str | os.PathLike, preset: str) -> None:
    """Loads weights into a model of the zoo.

    Those by name were trained for a softmax: the classifier of a model with
    another activation starts anew.

    Args:
        model: The model.
        weights: A name of `names(preset)` or a path.
        preset: The name of the network.

    Raises:
        ValueError: The file does not fit the model; what does not is listed.
        RuntimeError: The file cannot be fetched.
    """
    if weights in _NETWORKS:
        warn_of_activation(model)
    if weights == "imagenet":
        fits = _takes_head(model) and classifier(model).units == 1000
        keras_applications.load(model, fetch(preset, include_top=fits))
        return
    if weights == "cifar10":
        ours.load(model, shipped(preset), heads=_takes_head(model))
        return
    try:
        for conversion in _CONVERSIONS:
            if conversion.wrote(weights):
                if conversion is not ours:
                    warn_of_activation(model)
                conversion.load(model, weights)
                return
    except (ValueError, Warning, MemoryError):
        raise
    # What the readers of four formats raise has no other base.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(
            "Invalid value for argument `weights`. Expected a whole file. "
            f"Received: weights={os.fspath(weights)!r}, which cannot be read: "
            f"{reason.rstrip('.')}. Download or save it again."
        ) from error
    raise ValueError(
        "Invalid value for argument `weights`. Expected a file that "
        "`zoo.weights` lists: of ours, of keras.applications, of PyTorch's "
        "networks (safetensors) or of TF-slim (a checkpoint). Pickles (.pth, "
        f".bin) are not read. Received: weights={os.fspath(weights)!r}."
    )


def save_small(model: keras.Model, path: str | os.PathLike) -> None:
    """Writes a small file of a model's weights: half precision, compressed.
    `create_model(weights=path)` loads them.

    Arrays that half precision cannot hold, as those with a value above 65504,
    are written as they are. The state of an optimizer is left out.

    Args:
        model: The model.
        path: A file that ends in `.weights.h5`.

    Raises:
        ValueError: The path has another ending.

    Example:

    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> save_small(model, "small.weights.h5")
    >>> model.load_weights("small.weights.h5")
    """
    if not str(path).endswith(".weights.h5"):
        raise ValueError(
            "Invalid value for argument `path`. Expected a name that ends in "
            f"'.weights.h5'. Received: path={path!r}."
        )
    target = resolved(Path(path))
    # In whole or not at all, and what was there stays until then.
    half = target.with_name(f".{target.name}")
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.ExitStack() as kept,
    ):
        kept.callback(half.unlink, missing_ok=True)
        whole = Path(folder) / "whole.weights.h5"
        save_weights(model, whole)
        check_room(target.parent, whole.stat().st_size // 2)
        with (
            h5py.File(whole) as source,
            # The layout before this spends more on a small array than it has.
            h5py.File(half, "w", libver="v110") as file,
        ):
            group = file.create_group("layers")

            def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
                if isinstance(item, h5py.Dataset):
                    value = _half(np.asarray(item))
                    # Scalars cannot be compressed.
                    gzip = {"compression": "gzip"} if value.shape else {}
                    made = group.create_dataset(name, data=value, **gzip)
                else:
                    made = group.create_group(name)
                made.attrs.update(item.attrs)

            source["layers"].visititems(copy)
        sync(half)
        half.rename(target)


def warn_of_activation(model: keras.Model) -> None:
    """Warns where the cells of a model have another activation than those of
    the published networks."""
    for layer in model.layers:
        if isinstance(layer, Cell) and layer.conventions.activation != "relu":
            warnings.warn(
                f"These weights were trained with ReLU, and {model.name} has "
                f"{layer.conventions.activation}: train it further, or build "
                "it without `activation`.",
                stacklevel=3,
            )
            return


def _half(array: np.ndarray) -> np.ndarray:
    """In half precision, if that can hold it."""
    if array.dtype.kind != "f":
        return array
    fits = np.abs(array).max(initial=0) <= np.finfo(np.float16).max
    return array.astype(np.float16) if fits else array


def classifier(model: keras.Model) -> Any:
    """The classifier's layer, None if there is none."""
    names = {layer.name for layer in model.layers}
    return model.get_layer("logits") if "logits" in names else None


def _takes_head(model: keras.Model) -> bool:
    """Whether there is a classifier, of a softmax or of its logits."""
    activations = [
        layer.activation
        for layer in model.layers
        if layer.name == "predictions"
    ]
    return classifier(model) is not None and all(
        each is keras.activations.softmax for each in activations
    )


def fetch(preset: str, include_top: bool = True) -> Path:
    """The published file of a network, downloaded if it is not yet there.

    It is kept where keras.applications keeps it, `models` in `KERAS_HOME`
    (`~/.keras` by default), so that both share it.

    Raises:
        RuntimeError: It cannot be downloaded, or another file is there.
    """
    published, md5 = _FILES[preset, include_top]
    file_name = f"{preset}{'' if include_top else '_no_top'}.h5"
    home = os.environ.get("KERAS_HOME", "~/.keras")
    place = expanded(home) / "models" / file_name
    if place.is_file():
        with place.open("rb") as file:
            found = hashlib.file_digest(file, "md5").hexdigest()
        # `get_file` would remove it.
        if found != md5:
            raise RuntimeError(
                f"The file at {place} is not the weights of {preset}: it has "
                f"MD5 {found}, expected {md5}. Remove it, or put "
                f"{_BASE + published} there."
            )
        return place
    try:
        path = keras.utils.get_file(
            file_name,
            _BASE + published,
            cache_subdir="models",
            file_hash=md5,
        )
    # What `get_file` raises is as general as this.
    except Exception as error:
        raise RuntimeError(
            f"The weights of {preset} could not be fetched: "
            f"{str(error).rstrip('. ')}. Download {_BASE + published} "
            f"elsewhere and put it at {place} (MD5 {md5})."
        ) from error
    return Path(path)
