"""A network as a file for another runtime: `export`."""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from nasnet_keras.console.command_line import RunError
from nasnet_keras.deployment.classifier import description
from nasnet_keras.deployment.formats import find_format
from nasnet_keras.deployment.formats.base import Runner
from nasnet_keras.deployment.frozen import frozen_function, named
from nasnet_keras.deployment.fuse import fuse_for_inference
from nasnet_keras.deployment.photographs import photographs
from nasnet_keras.deployment.timing import image_shape, median_seconds
from nasnet_keras.files import sync
from nasnet_keras.network.build import without_auxiliary_head
from nasnet_keras.network.inspection import all_layers, scales_pixels
from nasnet_keras.training.data.streaming import in_channels

# The largest difference; and with int8, which rounds, the error: outputs that
# have nothing in common with the network's come to more than 1.
TOLERANCE, INT8_TOLERANCE = 1e-4, 0.5

CHUNK = 32  # images at a time in Keras


class Comparison(NamedTuple):
    """How far outputs are from those of the network.

    Attributes:
        difference: The largest, relative to the largest output; infinite
            where there is no telling.
        error: The norm of all differences, relative to that of the outputs.
        agreement: The share of the images with the same best class; None
            where the output is not of classes.
    """

    difference: float
    error: float
    agreement: float | None


@dataclass(frozen=True)
class ExportReport:
    """What came of an export.

    Attributes:
        files: What was written.
        bytes: Of these files.
        write_seconds: To fuse, trace, convert and write the network.
        verify_seconds: To load the file, to run both on the images, and to
            compare.
        latency: The median of the seconds of a batch in the runtime, on this
            machine.
        batch_size: Of these batches.
        images: How many images were compared.
        comparison: What came of it.
    """

    files: tuple[Path, ...]
    bytes: int
    write_seconds: float
    verify_seconds: float
    latency: float
    batch_size: int
    images: int
    comparison: Comparison


class ExportError(RunError):
    """The written file does not compute the same as the network."""


def export(
    model: keras.Model,
    path: str | os.PathLike[str],
    format: str,
    batch_size: int | None = 1,
    input_shape: Sequence[int] | None = None,
    images: np.ndarray | None = None,
    calibration: np.ndarray | None = None,
) -> ExportReport:
    """Writes a network, fused, for another runtime, and runs the file there.

    If the network is a classifier that knows its classes, see `as_classifier`,
    the metadata of the file name the classes and the images that it takes.

    The file gets its name only after its outputs agree with those of the
    network. If they do not, no file is left.

    Args:
        model: A network of any kind, or another `Sequential` or functional
            model, as `fuse_for_inference` takes it; channels last and
            float32, with the backend TensorFlow.
        path: The file to write, `.xml` for openvino (a `.bin` comes beside
            it), `.onnx` for onnx, `.tflite` for litert; a folder for
            saved_model.
        format: `"openvino"`, `"onnx"`, `"litert"` or `"saved_model"`.
        batch_size: How many images the file takes at a time, None for any
            number. Default 1, the fastest for one image.
        input_shape: Height, width and channels of an image. Default: the
            model's; needed where the model's has a None.
        images: What to compare on, `[N, H, W, C]`, as the model takes them.
            Default: `photographs`.
        calibration: Training images, as the model takes them, by which the
            ranges of int8 are found; a few hundred do. Default None: float32.

    Returns:
        An `ExportReport`.

    Raises:
        ValueError: An argument is out of range, the format's packages are not
            installed, or the format has no such operation.
        ExportError: The file's outputs differ by more than 1e-4 of the
            largest, or with int8 by a norm of more than half of theirs.

    Example:

    >>> from nasnet_keras import NASNET_A, build_network, export
    >>> model = build_network(NASNET_A, repeats=1, filters=8)
    >>> report = export(model, "nasnet.onnx", "onnx")
    >>> report.comparison.difference < 1e-4
    True
    """
    chosen, path = find_format(format), Path(path)
    chosen.check(int8=calibration is not None)
    chosen.check_path(path)
    _check_batch(batch_size)
    began = time.perf_counter()
    fused = _fused(model)
    shape = tuple(image_shape(model, input_shape))
    if images is None:
        if len(shape) != 3:
            raise ValueError(
                "Invalid value for argument `images`. Expected some with a "
                "model whose inputs are no images, of height, width and "
                f"channels. Received: None, with inputs of shape {shape}."
            )
        images = as_input(model, photographs(shape))
    dtype = fused.inputs[0].dtype
    images = _images("images", images, shape, dtype)
    if calibration is not None:
        calibration = _images("calibration", calibration, shape, dtype)
    size = batch_size or 1
    with _draft(path) as draft:
        function = frozen_function(fused, batch_size, shape)
        batches = None if calibration is None else _batches(calibration, size)
        chosen.write(function, draft, batches, description(model, shape))
        written = time.perf_counter()
        run = chosen.load(draft)
        comparison = compare(
            keras_outputs(model, images), in_batches(run, images, size)
        )
        verified = time.perf_counter()
        _check_comparison(comparison, format, int8=calibration is not None)
        latency = median_seconds(run, _batches(images, size)[0])
        bytes_written = sum(_size(file) for file in chosen.files(draft))
    return ExportReport(
        tuple(chosen.files(path)),
        bytes_written,
        written - began,
        verified - written,
        latency,
        size,
        len(images),
        comparison,
    )


@contextlib.contextmanager
def exported(
    model: keras.Model,
    format: str,
    batch_size: int = 1,
    input_shape: Sequence[int] | None = None,
    calibration: np.ndarray | None = None,
) -> Iterator[tuple[Runner, np.ndarray]]:
    """A network in the runtime of a format, for the time of the block, and
    random images to call it with.

    Args:
        model, format, batch_size, input_shape, calibration: See `export`.

    Raises:
        ValueError: As `export`.
    """
    options = batch_size, input_shape, calibration
    with written(model, format, *options) as (path, inputs):
        images = np.random.default_rng(0).uniform(-1, 1, inputs.shape)
        dtype = inputs.dtype.as_numpy_dtype
        yield find_format(format).load(path), images.astype(dtype)


@contextlib.contextmanager
def written(
    model: keras.Model,
    format: str,
    batch_size: int = 1,
    input_shape: Sequence[int] | None = None,
    calibration: np.ndarray | None = None,
) -> Iterator[tuple[Path, Any]]:
    """A network as a file of a format, for the time of the block: its path,
    and the tensor that its inputs are.

    Args:
        model, format, batch_size, input_shape, calibration: See `export`.

    Raises:
        ValueError: As `export`.
    """
    chosen = find_format(format)
    chosen.check(int8=calibration is not None)
    _check_batch(batch_size)
    batches = None if calibration is None else _batches(calibration, batch_size)
    function = frozen_function(_fused(model), batch_size, input_shape)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"network{chosen.suffix}"
        chosen.write(function, path, batches)
        yield path, function.inputs[0]


def as_input(model: keras.Model, pixels: np.ndarray) -> np.ndarray:
    """Pixels from 0 to 255 as a model takes them: as they are, if it scales
    them itself, or else from -1 to 1; grey ones in as many channels as it has.

    Args:
        model: The model.
        pixels: `[N, H, W, C]`, an array.

    Raises:
        ValueError: They are in colour, and the model takes other channels.
    """
    channels = model.input_shape[-1] or pixels.shape[-1]
    pixels = np.asarray(in_channels(pixels, channels), "float32")
    if scales_pixels(model):
        return pixels.astype(model.inputs[0].dtype)
    return pixels / 127.5 - 1


def keras_outputs(model: keras.Model, images: np.ndarray) -> list[np.ndarray]:
    """What a network returns in inference, in the order of the names, without
    its auxiliary head."""
    network = without_auxiliary_head(model)
    parts = []
    for start in range(0, len(images), CHUNK):
        # Without a trace, which takes longer than a few images do.
        outputs = network(images[start : start + CHUNK], training=False)
        parts.append([np.asarray(each) for each in named(outputs).values()])
    return [np.concatenate(each) for each in zip(*parts, strict=True)]


def in_batches(
    run: Runner, images: np.ndarray, batch_size: int
) -> list[np.ndarray]:
    """What a runtime returns for any number of images."""
    parts = [run(batch) for batch in _batches(images, batch_size)]
    return [
        np.concatenate(each)[: len(images)] for each in zip(*parts, strict=True)
    ]


def compare(
    expected: Sequence[np.ndarray], received: Sequence[np.ndarray]
) -> Comparison:
    """Compares outputs, one array a name, with those of the network."""
    shapes = [[each.shape for each in each] for each in (expected, received)]
    if shapes[0] != shapes[1]:
        return Comparison(np.inf, np.inf, None)
    rows = []
    for one, other in zip(expected, received, strict=True):
        off = np.abs(one - other)
        error = np.linalg.norm(off) / np.linalg.norm(one)
        rows.append((off.max() / np.abs(one).max(), error))
    worst = np.nan_to_num(np.max(rows, axis=0), nan=np.inf)
    agreement = None
    if len(expected) == 1 and expected[0].ndim == 2:
        best = (each[0].argmax(1) for each in (expected, received))
        agreement = float(np.mean(np.equal(*best)))
    return Comparison(float(worst[0]), float(worst[1]), agreement)


def _batches(images: np.ndarray, size: int) -> list[np.ndarray]:
    """All images in whole batches; the first ones fill up the last."""
    rows = np.arange(-(-len(images) // size) * size) % len(images)
    return [images[chosen] for chosen in rows.reshape(-1, size)]


@contextlib.contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """A path to write to: what is there when the block ends comes to
    `path`, nothing if it fails."""
    path = path.resolve()
    with tempfile.TemporaryDirectory(
        prefix=f".{path.name}.", dir=path.parent
    ) as folder:
        yield Path(folder) / path.name
        for file in sorted(Path(folder).iterdir()):
            file.rename(path.parent / file.name)
    sync(path.parent)


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else (path,)
    return sum(file.stat().st_size for file in files if file.is_file())


def _check_comparison(comparison: Comparison, format: str, int8: bool) -> None:
    """Raises:
    ExportError: The file computes something else.
    """
    kind, value, limit = "difference", comparison.difference, TOLERANCE
    if int8:
        kind, value, limit = "error", comparison.error, INT8_TOLERANCE
    if not value <= limit:
        raise ExportError(
            f"The {format} file does not compute what the network does, and is "
            f"not written. Expected a relative {kind} of at most {limit:g}. "
            f"Received: {value:.2g}."
        )


def _fused(model: keras.Model) -> keras.Model:
    """The network to write."""
    fused = fuse_for_inference(model)
    _check_model(fused)
    return fused


def _check_model(model: Any) -> None:
    """Refuses what `fuse_for_inference` takes and other runtimes do not."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "Expected the Keras backend tensorflow, which traces the network. "
            f"Received: {keras.backend.backend()}. A saved network is the same "
            "on all: load it with KERAS_BACKEND=tensorflow."
        )
    for layer in all_layers(model):
        if layer.compute_dtype != "float32":
            raise ValueError(
                "Invalid value for argument `model`. Expected layers that "
                f"compute in float32. Received: {layer.name} in "
                f"{layer.compute_dtype}. Build the network in float32 and "
                "load its weights, which are the same."
            )
        layout = getattr(layer, "conventions", layer)
        if getattr(layout, "data_format", None) == "channels_first":
            raise ValueError(
                "Invalid value for argument `model`. Expected channels_last. "
                "Received: channels_first. Build the network channels last "
                "and load its weights, which are the same."
            )


def _check_batch(batch_size: Any) -> None:
    if batch_size is not None and (
        type(batch_size) is not int or batch_size < 1
    ):
        raise ValueError(
            "Invalid value for argument `batch_size`. Expected a positive "
            f"integer or None. Received: batch_size={batch_size!r}."
        )


def _images(name: str, images: Any, shape: Any, dtype: str) -> np.ndarray:
    """Images as runtimes take them, which do not convert pixels."""
    images = np.asarray(images, dtype)
    if images.shape[1:] != shape or not len(images):
        raise ValueError(
            f"Invalid value for argument `{name}`. Expected images of shape "
            f"{shape}. Received: {name} of shape {images.shape}."
        )
    return images
