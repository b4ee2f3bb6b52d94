"""The command `nasnet-deploy`: a trained network as a file for a runtime.

`--help` and wrong arguments are answered without Keras and TensorFlow.

Exit codes: 0 done, 1 the export is wrong, 2 bad input, 130 interrupted.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from nasnet_keras.console.accuracy import accuracy_text
from nasnet_keras.console.activity import tell_activity
from nasnet_keras.console.command_line import (
    LARGEST,
    InputError,
    computing,
    create_app,
    run_command,
    working,
)
from nasnet_keras.deployment.formats import FORMATS, find_format
from nasnet_keras.deployment.latency.command import (
    command_words,
    seconds_by_command,
)
from nasnet_keras.files import expanded
from nasnet_keras.quotation import quoted
from nasnet_keras.strict_json import read_json
from zoo.presets import PRESETS

DYNAMIC = "dynamic"
NETWORK = "model.keras"  # in the folder of a training
VERIFIED = 32  # images of a data set
CALIBRATED = 300
CHUNK = 512

app = create_app()


def main() -> int:
    """Runs the command line; returns the exit code."""
    return run_command(app, "nasnet-deploy")


@app.command()
def deploy(
    model: Annotated[
        str,
        typer.Argument(
            help="A .keras file of a Sequential or functional model, a "
            "folder of `nasnet-search export`, `nasnet-train` or `nasnet-auto`,"
            " or with --weights a name of `zoo.list_models()`. The class names "
            "of a folder are written into the file."
        ),
    ],
    *,
    format: Annotated[str, typer.Option(help=f"One of {', '.join(FORMATS)}.")],
    output: Annotated[
        Path,
        typer.Option(
            help="The file to write, .xml, .onnx or .tflite; for saved_model a "
            "folder."
        ),
    ],
    weights: Annotated[
        str | None,
        typer.Option(help="The weights of a named network: a name or a file."),
    ] = None,
    batch: Annotated[
        str,
        typer.Option(
            metavar="N|dynamic",
            help="How many images the file takes at the same time.",
        ),
    ] = "1",
    image_size: Annotated[
        int | None,
        typer.Option(
            min=8,
            max=10**4,
            help="Height and width of the images, for a network that takes any "
            "size.",
        ),
    ] = None,
    int8: Annotated[
        bool,
        typer.Option(
            "--int8",
            help="Quantise to 8 bits; needs --calibration. For openvino, "
            "litert.",
        ),
    ] = False,
    calibration: Annotated[
        str | None,
        typer.Option(
            help="A data set whose training images set the ranges of int8: a "
            "name such as cifar10, a folder with a sub-folder a class, or an "
            ".npz file."
        ),
    ] = None,
    calibration_images: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=LARGEST,
            help=f"The most images of --calibration. Default {CALIBRATED}.",
        ),
    ] = None,
    images: Annotated[
        str | None,
        typer.Option(
            help="A data set, named as for --calibration. Its test images "
            "(if it has none, those for validation, or else those for "
            "training) verify the file and measure the accuracy. Default: the "
            "data set of --calibration, or parts of two photographs."
        ),
    ] = None,
    skip_broken: Annotated[
        bool,
        typer.Option("--skip-broken", help="Leave out broken image files."),
    ] = False,
    latency_command: Annotated[
        str | None,
        typer.Option(
            help="A program, with arguments, that measures the latency of the "
            "file on another device, such as a phone. It gets the path of the "
            "file as its last argument, and prints the seconds of one image."
        ),
    ] = None,
) -> None:
    """Fuses a network, writes it for another runtime, and verifies the file."""
    if int8 != (calibration is not None):
        raise InputError(
            "Expected --int8 and --calibration together. Received: one of them."
        )
    if calibration_images is not None and calibration is None:
        raise InputError(
            "Expected --calibration-images with --calibration. Received: "
            "--calibration-images alone."
        )
    if skip_broken and not (images or calibration):
        raise InputError(
            "Expected --skip-broken with --images or --calibration. Received: "
            "--skip-broken alone."
        )
    with working():
        chosen = find_format(format)
        chosen.check(int8)
        chosen.check_path(output)
        batch_size = _batch_size(batch)
        if latency_command is not None:
            command_words(latency_command)
        source = _find(model, weights)
    with computing() as activity:
        from nasnet_keras.deployment.export import export
        from nasnet_keras.training.data.datasets import open_dataset
        from nasnet_keras.training.data.streaming import unreadable_told

        tell_activity("loading the network")
        network = _load(source, weights)
        shape = _image_shape(network, image_size)
        side = _side(shape, images or calibration)
        by, names, test, part = None, (), None, ""
        if calibration is not None:
            opened = open_dataset(calibration, side, skip_broken)
            by = _calibration(opened, calibration_images or CALIBRATED)
            names, test, part = _measured(opened, by)
        if images is not None:
            opened = open_dataset(images, side, skip_broken)
            names, test, part = _measured(opened)
        tell_activity("writing, and verifying what was written")
        with unreadable_told(*(some.images for some in (test, by) if some)):
            report = export(
                network,
                output,
                format,
                batch_size,
                shape,
                test and _scaled(network, _sample(test, VERIFIED)),
                by and _scaled(network, by.images[:]),
            )
        activity.end()
        _show(report)
        if chosen.about(output):
            _write_script(output, format, batch_size)
        if latency_command is not None:
            tell_activity("waiting for the latency command")
            seconds = seconds_by_command(latency_command, output)
            print(f"Latency by the command: {1e3 * seconds:.1f} ms.")
        if test and _has_classes(network, names, told=images is not None):
            with unreadable_told(test.images):
                _show_accuracy(
                    network, chosen.load(output), report.batch_size, test, part
                )


def _write_script(file: Path, format: str, batch_size: int | None) -> None:
    """A script beside a file that knows its classes, unless there is one, or
    the file takes several images at once."""
    from nasnet_keras.deployment.predict_script import (
        NAME,
        write_predict_script,
    )

    script = file.with_name(NAME)
    if batch_size not in (None, 1):
        print(f"No {NAME}, which would give one image at a time (--batch 1).")
        return
    if script.exists():
        print(f"{script} is left as it is.")
        return
    write_predict_script(file, format)
    print(
        f"Wrote {script}: `python {NAME} PHOTO` names what a photograph shows."
    )


def _batch_size(text: str) -> int | None:
    if text == DYNAMIC:
        return None
    if not (text.isdecimal() and len(text) < 10 and int(text)):
        raise InputError(
            f"Invalid value for `--batch`. Expected a number or {DYNAMIC}. "
            f"Received: {quoted(text)}."
        )
    return int(text)


def _find(model: str, weights: str | None) -> str | Path:
    """The name of a preset, or the file of a network."""
    if model in PRESETS:
        if weights is None:
            raise InputError(
                f"Expected --weights with the name {model}: a network needs "
                "to be trained. Received: none."
            )
        return model
    path = expanded(model)
    path = path / NETWORK if path.is_dir() else path
    if path.suffix != ".keras" or not path.is_file():
        raise InputError(
            "Invalid value for `MODEL`. Expected a .keras file, a folder with "
            "a model.keras, or a name of `zoo.list_models()`. Received: "
            f"{model!r}."
        )
    if weights is not None:
        raise InputError(
            "Expected --weights with the name of a network only. Received: "
            f"{weights!r} with the file {path}, which has its own."
        )
    return path


def _load(source: str | Path, weights: str | None) -> Any:
    if isinstance(source, Path):
        from nasnet_keras.deployment.classifier import as_classifier
        from nasnet_keras.network.build import load_model

        model, names = load_model(source), _class_names(source)
        return as_classifier(model, names) if names else model
    import zoo
    from zoo.conversion.pytorch import ConventionsWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConventionsWarning)
            return zoo.create_model(source, weights=weights)
    except ConventionsWarning as warning:
        raise InputError(
            f"{warning} Build it in Python, below a layer that scales pixels "
            "as the source does, and deploy its .keras file."
        ) from None
    except RuntimeError as error:
        if type(error) is not RuntimeError:
            raise
        # They cannot be fetched.
        raise InputError(str(error)) from None


def _class_names(model: Path) -> list[str] | None:
    """What the folder of a training says of its classes."""
    record = model.parent / "config.json"
    if model.name != NETWORK or not record.is_file():
        return None
    try:
        names = read_json(record)["class_names"]
    except (KeyError, TypeError, ValueError):
        return None
    return names if isinstance(names, list) else None


def _image_shape(network: Any, size: int | None) -> tuple[Any, ...]:
    """Height, width and channels of the images to write a network for."""
    shape = getattr(network, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4:
        raise InputError(
            "Invalid value for `MODEL`. Expected a network of images, with one "
            f"input of 4 dimensions. Received: the shape of inputs {shape}."
        )
    fixed = {side for side in shape[1:3] if side is not None}
    if None in shape[1:3] and size is None:
        raise InputError(
            "Expected --image-size with a network that leaves open how large "
            "its images are. Received: none."
        )
    if size is not None and fixed - {size}:
        raise InputError(
            "Invalid value for `--image-size`. Expected none, or the size of "
            f"the network's images, {shape[1]} x {shape[2]}. Received: {size}."
        )
    return (size or shape[1], size or shape[2], shape[3])


def _has_classes(network: Any, names: Sequence[str], told: bool) -> bool:
    """Whether the classes of a data set are those of a network; it is told if
    not. Classes that are only counted have no names."""
    from nasnet_keras.network.inspection import class_names_of, classes_of

    own = class_names_of(network)
    counted = tuple(map(str, range(len(names))))
    if len(names) == classes_of(network) and (
        own is None or tuple(names) in (own, counted)
    ):
        return True
    if told:
        known = f"{classes_of(network)} classes"
        if own is not None:
            known = quoted(", ".join(own))
        print(
            "The accuracy was not measured, since the images have other "
            f"classes than the network. Expected {known}. Received: "
            f"{quoted(', '.join(names))}."
        )
    return False


def _side(shape: tuple[Any, ...], source: str | None) -> int:
    """Height and width of the images of a data set."""
    height, width, _ = shape
    if source is not None and height != width:
        raise InputError(
            "Expected --images and --calibration with networks of square "
            f"images only. Received: a network of {height} x {width}."
        )
    return height


def _calibration(opened: Any, most: int) -> Any:
    """So many training images at the most, of each class its share."""
    from nasnet_keras.training.data.datasets import LabelledImages
    from nasnet_keras.training.data.sampling import stratified

    labels = opened.read_labels()
    rows = stratified(labels, min(most, len(labels)), 0)
    return LabelledImages(*opened.read_train(rows))


def _measured(opened: Any, train: Any = None) -> tuple[Any, Any, str]:
    """The names of the classes of a data set, the images to measure on, and
    what these are for; where they are for training, they are `train` if that
    is given."""
    from nasnet_keras.training.data.datasets import LabelledImages

    names = opened.class_names
    for part, read in (
        ("test", opened.read_test),
        ("validation", opened.read_validation),
    ):
        if read is not None:
            return names, LabelledImages(*read()), part
    if train is None:
        train = LabelledImages(*opened.read_train(None))
    return names, train, "training"


def _sample(images: Any, most: int) -> Any:
    """Images of all classes, `[n, H, W, C]`: files are in the order of
    these."""
    from nasnet_keras.training.data.sampling import stratified

    rows = stratified(images.labels, min(most, len(images)), 0)
    return images.images[rows]


def _scaled(network: Any, pixels: Any) -> Any:
    from nasnet_keras.deployment.export import as_input

    return as_input(network, pixels)


def _show(report: Any) -> None:
    names = ", ".join(str(file) for file in report.files)
    print(
        f"Wrote {names}: {report.bytes / 1e6:.1f} MB in "
        f"{report.write_seconds:.1f} s, verified in "
        f"{report.verify_seconds:.1f} s."
    )
    print(
        f"Latency here: {1e3 * report.latency:.1f} ms for a batch of "
        f"{report.batch_size}."
    )
    found = report.comparison
    same = found.agreement is not None
    print(
        f"Difference on {report.images} images: {found.difference:.1e} of the "
        "largest output"
        + (f"; the same best class on {found.agreement:.0%}." if same else ".")
    )


def _show_accuracy(
    network: Any, run: Any, batch_size: int, test: Any, part: str
) -> None:
    """The accuracy of the network and of the file."""
    from nasnet_keras.deployment.export import in_batches, keras_outputs

    right = [0, 0]
    for start in range(0, len(test), CHUNK):
        labels = test.labels[start : start + CHUNK]
        images = _scaled(network, test.images[start : start + CHUNK])
        for way, outputs in enumerate(
            (
                keras_outputs(network, images),
                in_batches(run, images, batch_size),
            )
        ):
            right[way] += int((outputs[0].argmax(1) == labels).sum())
    before, after = (
        accuracy_text(count / len(test), len(test)) for count in right
    )
    print(
        f"Accuracy on {len(test):,} {part} images: {before} in Keras, {after} "
        "in the file."
    )
