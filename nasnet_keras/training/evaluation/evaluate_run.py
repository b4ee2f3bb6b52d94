"""The evaluation of a training in a folder, with its pictures:
`evaluate_run`."""

import json
import os
from pathlib import Path

from nasnet_keras.console.activity import tell_activity
from nasnet_keras.console.command_line import InputError, provenance
from nasnet_keras.files import check_path, write_text
from nasnet_keras.network.build import load_model
from nasnet_keras.quotation import quoted
from nasnet_keras.training.data.datasets import LabelledImages
from nasnet_keras.training.data.pipeline import evaluation_batch
from nasnet_keras.training.data.streaming import Images
from nasnet_keras.training.evaluation.evaluate import (
    NetworkEvaluation,
    evaluate_network,
)
from nasnet_keras.training.evaluation.pictures import (
    draw_confusion,
    draw_mistakes,
)
from nasnet_keras.training.run import check_data, load_settings, read_record
from nasnet_keras.training.settings import TrainingData, load_data

SPLITS = ("train", "validation", "test")


def evaluate_run(
    folder: str | os.PathLike[str],
    split: str = "test",
    batch_size: int | None = None,
    *,
    data: TrainingData | None = None,
) -> NetworkEvaluation:
    """Evaluates the network of a finished training on its images, and writes
    into its folder `evaluation`:

    SPLIT.json              all numbers
    SPLIT_confusion.png     the confusion matrix
    SPLIT_mistakes.png      the worst mistakes

    Args:
        folder: The folder of a training of `run_training`.
        split: `"test"`, `"validation"` or `"train"`. Default `"test"`.
        batch_size: How many images are computed at once. Default: 250, of
            images larger than 128 x 128 fewer.
        data: The images, where several trainings share them. Default: those
            of the training, which are read.

    Raises:
        InputError: The folder holds no finished training, or the images are
            no longer those that it was begun with.
        ValueError: The data set is not available.

    Example:

    >>> from dataclasses import replace
    >>> from nasnet_keras import NASNET_A
    >>> from nasnet_keras.architectures import find_kind, to_data
    >>> from nasnet_keras.training.run import run_training
    >>> from nasnet_keras.training.recipes import RECIPES
    >>> from nasnet_keras.training.settings import TrainingSettings
    >>> settings = TrainingSettings(
    ...     dataset="digits",
    ...     network={
    ...         "architecture": to_data(find_kind("nasnet"), NASNET_A),
    ...         "input_shape": [8, 8, 1],
    ...         "repeats": 1,
    ...         "filters": 4,
    ...     },
    ...     recipe=replace(RECIPES["search-proxy"], epochs=1),
    ... )
    >>> model = run_training("runs/digits", settings)
    >>> 0 <= evaluate_run("runs/digits").accuracy <= 1
    True
    """
    check_path("folder", folder)
    folder = Path(folder)
    settings = load_settings(folder)
    if split not in SPLITS:
        raise ValueError(
            "Invalid value for argument `split`. Expected one of "
            f"{', '.join(SPLITS)}. Received: split={quoted(split)}."
        )
    trained = folder / "model.keras"
    if not trained.exists():
        raise InputError(
            f"The training {folder} is not finished: it has no model.keras. "
            f"Continue it with `{read_record(folder)['command']}`."
        )
    if data is None:
        tell_activity("reading the data")
        data = load_data(settings)
    if split == "validation" and data.validation is None:
        raise InputError(
            f"The training {folder} has no validation images. Expected as "
            "split train or test. Received: validation."
        )
    check_data(folder, data)
    part: LabelledImages = getattr(data, split)
    if batch_size is None:
        batch_size = evaluation_batch(part.images, settings.recipe.batch_size)
    tell_activity("evaluating")
    evaluation = evaluate_network(
        load_model(trained),
        part.images,
        part.labels,
        data.dataset.class_names,
        batch_size,
        part.files,
    )
    _write(folder / "evaluation", split, evaluation, part.images)
    return evaluation


def _write(
    folder: Path, split: str, evaluation: NetworkEvaluation, images: Images
) -> None:
    folder.mkdir(exist_ok=True)
    pictures = {
        "confusion": draw_confusion(evaluation),
        "mistakes": draw_mistakes(evaluation, images),
    }
    for name, figure in pictures.items():
        draft = folder / f".{split}_{name}.png"
        figure.savefig(draft)
        draft.rename(folder / f"{split}_{name}.png")
    # Last: where it is, all is.
    values = {**provenance(), "split": split, **evaluation.to_dict()}
    # A line each: a confusion matrix of thousands of classes is long enough.
    lines = (
        f"  {json.dumps(name)}: {json.dumps(value)}"
        for name, value in values.items()
    )
    text = ",\n".join(lines)
    write_text(folder / f"{split}.json", f"{{\n{text}\n}}\n")
