"""From images to a deployed network: `run`."""

import contextlib
import dataclasses
import math
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from keras.callbacks import LambdaCallback

from nasnet_auto.book import Book
from nasnet_auto.candidates import (
    NO_ROOM,
    TOO_LARGE,
    Candidate,
    Row,
    folder_of,
    train,
)
from nasnet_auto.pace import Pace
from nasnet_auto.publish import publish
from nasnet_auto.result import Result
from nasnet_auto.stages import (
    MOST_EPOCHS,
    MOST_FROZEN,
    STAGES,
    Context,
    Request,
    best_of,
    plan_lines,
)
from nasnet_auto.survey import survey
from nasnet_keras.console.activity import tell_activity
from nasnet_keras.console.command_line import InputError, RunError
from nasnet_keras.deployment.formats import find_format
from nasnet_keras.files import check_path, locked, sync
from nasnet_keras.quotation import quoted, system_reason
from nasnet_keras.training.data.datasets import are_arrays, resolve_source
from nasnet_keras.training.data.readers.npz import ArraysInMemory
from nasnet_keras.training.process_state import kept_process_state
from nasnet_keras.training.progress import Progress
from nasnet_keras.training.train import prepare_long_trainings
from zoo import weights as pretrained

MOST_MEMBERS = 10  # of an ensemble
LEAST_HOURS = 1 / 60  # below, no training has time for an epoch


@dataclasses.dataclass(frozen=True)
class Display:
    """What shows a run. By default nothing does.

    Attributes:
        tell: Takes sentences.
        progress: Makes what shows a training of so many epochs.
        begin: Takes the name of what is trained next.
        end: Takes what came of it.
        observers: Of a search.
    """

    tell: Callable[[Sequence[str]], None] = lambda lines: None
    progress: Callable[[int], Progress] | None = None
    begin: Callable[[str], None] = lambda name: None
    end: Callable[[Row], None] = lambda row: None
    observers: tuple[Any, ...] = ()


@kept_process_state()
def run(
    data: str | os.PathLike[str] | Sequence[Any],
    hours: float,
    output: str | os.PathLike[str],
    *,
    format: str | None = None,
    max_latency: float | None = None,
    preset: str | None = None,
    weights: str | os.PathLike[str] | None = None,
    ensemble: int | None = None,
    workers: int = 1,
    skip_broken: bool = False,
    seed: int = 0,
    display: Display = Display(),
) -> Result:
    """Finds and trains a classifier of images within a time.

    Networks are tried one after the other: with pretrained weights, of which
    the classifier alone or all learns; a plain one; cells that a search finds,
    where there is time and data for one; and the best of them with other
    values of its training. The best on images that none of them has learnt
    from is tested, once, and written for use.

    The same call goes on with a run that was stopped, and time in which
    nothing runs does not count.

    Args:
        data: A folder with a sub-folder of images for each class, a name of a
            data set, an `.npz` file, or a pair of arrays, images and labels.
        hours: How long it takes in all.
        output: The folder of the run.
        format: A runtime to write the network for too, of `FORMATS`: onnx,
            openvino, litert or saved_model.
        max_latency: Seconds; networks that take longer for one image, on this
            machine and in that runtime, are not chosen.
        preset: A network of the zoo to fine-tune. Default: of photographs
            NASNet-A Mobile, if its weights of ImageNet can be downloaded.
        weights: Its weights: a name or a file.
        ensemble: Of how many of the best networks the probabilities are
            averaged, as one more network to choose from. Default: of none.
        workers: How many children of the search are trained at once, each in
            a process of its own. Default 1: in this process.
        skip_broken: Whether to leave out files that are no whole images.
        seed: Fixes what is random.
        display: What shows how far it is.

    Returns:
        The result.

    Raises:
        InputError: An argument cannot be used, or the output holds something
            else.
        RunError: No network could be trained in the time or is as fast as
            asked for, or the chosen one cannot be exported.

    Example:

    >>> import nasnet_auto
    >>> result = nasnet_auto.run("digits", hours=1 / 60, output="runs/auto")
    >>> 0 < result.test_accuracy <= 1
    True
    """
    check_path("output", output)
    folder = Path(output)
    _check_folder(folder)
    with _bad_input():
        request = _request(
            _name(folder, data),
            hours=hours,
            format=format,
            max_latency=max_latency,
            preset=preset,
            weights=None if weights is None else os.fspath(weights),
            ensemble=ensemble,
            workers=workers,
            skip_broken=skip_broken,
            seed=seed,
        )
        tell_activity("looking at the data")
        source = data if are_arrays(data) else request.dataset
        found = survey(source, skip_broken, seed)
        _make(folder)
    with locked(
        folder / "lock",
        f"Another process works in {folder}. Wait for it to end.",
    ):
        asked = dataclasses.asdict(request)
        del asked["workers"]  # Any number finds the same.
        book = Book(folder / "plan.json", asked)
        if book.decided("images", lambda: found.fingerprint) != (
            found.fingerprint
        ):
            raise InputError(
                f"The images are not those that the run in {folder} was begun "
                "with. Restore them, or choose another output."
            )
        if are_arrays(data):
            _keep(data, Path(request.dataset))
        context = Context(
            request, found, book, folder, display.observers, display.tell
        )
        display.tell([*found.lines(), *plan_lines(context)])
        prepare_long_trainings()
        with _bad_input():
            for stage in STAGES:
                _drive(stage, context, display)
            best = best_of(book.rows)
            if best is None:
                raise RunError(_without_result(book.rows))
            tell_activity("testing and writing the best network")
            publish(context, best)
    return Result(folder)


def _drive(stage: str, context: Context, display: Display) -> None:
    """Trains what a stage tries, from wherever it stands."""
    book = context.book
    for number, draft in enumerate(STAGES[stage].propose(context)):
        if number < len(book.rows_of(stage)):
            continue
        planned = book.candidates(stage)
        if number == len(planned):
            candidate = draft
            if not draft.members:
                seconds = STAGES[stage].seconds(context)
                candidate = _fitted(draft, seconds, context)
            book.plan(stage, candidate)
        else:
            candidate = planned[number]
        if candidate.reason is None:
            display.begin(candidate.name)
        began = book.elapsed
        row = train(
            candidate,
            context.folder / folder_of(candidate.name),
            [LambdaCallback(on_epoch_end=lambda epoch, logs=None: book.tick())],
            display.progress,
            context.request.runtime,
            context.request.max_latency,
        )
        beside = book.elapsed - began - (row.seconds or 0.0)
        book.add(stage, row, beside)
        display.end(row)


def _fitted(draft: Candidate, seconds: float, context: Context) -> Candidate:
    """A candidate of so many epochs as fit into so many seconds, or into those
    that are left."""
    found = context.survey
    seconds = min(seconds, context.left - context.book.beside)
    trained = found.images - (found.validation_images or 0)
    recipe = draft.recipe
    batch = min(recipe.batch_size, max(1, trained // 8))
    draft = draft.changed(draft.name, batch_size=batch)
    if seconds <= 0:
        return dataclasses.replace(draft, reason="no time is left")
    tell_activity(f"timing {draft.name}")
    try:
        pace = Pace(draft, len(found.class_names))
    except NO_ROOM:
        return dataclasses.replace(draft, reason=TOO_LARGE)
    epochs = pace.epochs(seconds, trained, found.validated)
    if epochs < 1:
        return dataclasses.replace(
            draft,
            reason=f"an epoch takes longer than the {seconds:.0f} s it has",
        )
    epochs = min(epochs, MOST_EPOCHS)
    if recipe.frozen_epochs == recipe.epochs:
        frozen = epochs
    else:
        frozen = min(recipe.frozen_epochs, MOST_FROZEN, epochs // 4)
    return draft.changed(draft.name, epochs=epochs, frozen_epochs=frozen)


def _request(dataset: str, **asked: Any) -> Request:
    """What is asked for, checked."""
    hours = asked["hours"]
    if not isinstance(hours, int | float) or not LEAST_HOURS <= hours <= 1e5:
        raise ValueError(
            "Invalid value for argument `hours`. Expected at least "
            f"{LEAST_HOURS:.3f}, a minute. Received: hours={quoted(hours)}."
        )
    latency = asked["max_latency"]
    if latency is not None and not (
        isinstance(latency, int | float) and 0 < latency < math.inf
    ):
        raise ValueError(
            "Invalid value for argument `max_latency`. Expected positive "
            f"seconds. Received: max_latency={quoted(latency)}."
        )
    ensemble = asked["ensemble"]
    if ensemble is not None and (
        type(ensemble) is not int or not 2 <= ensemble <= MOST_MEMBERS
    ):
        raise ValueError(
            "Invalid value for argument `ensemble`. Expected from 2 to "
            f"{MOST_MEMBERS} networks. Received: ensemble={quoted(ensemble)}."
        )
    workers = asked["workers"]
    if type(workers) is not int or workers < 1:
        raise ValueError(
            "Invalid value for argument `workers`. Expected at least 1. "
            f"Received: workers={quoted(workers)}."
        )
    if (asked["preset"] is None) != (asked["weights"] is None):
        raise ValueError(
            "Expected `preset` and `weights` together. Received: one of them."
        )
    if asked["preset"] is not None:
        pretrained.check(asked["weights"], asked["preset"])
    if asked["format"] is not None:
        find_format(asked["format"]).check()
    return Request(dataset, **asked)


def _name(folder: Path, data: Any) -> str:
    """The name or the path of the data; that of arrays is in the folder."""
    if are_arrays(data):
        return str((folder / "data.npz").resolve())
    return resolve_source(data)


def _keep(arrays: Sequence[Any], file: Path) -> None:
    """Writes arrays for the trainings, which read files."""
    if file.exists():
        return
    kept = ArraysInMemory(arrays)
    named: Any = {name: kept.read(name) for name in kept.names}
    draft = file.with_name(f".{file.name}")
    np.savez(draft, **named)
    sync(draft)
    draft.rename(file)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"Cannot make the folder {folder}: {system_reason(error)}."
        ) from None


def _check_folder(folder: Path) -> None:
    others = folder.exists()
    if folder.is_dir():
        names = {file.name for file in folder.iterdir()}
        others = "plan.json" not in names and not names <= OWN_FILES
    if others:
        raise InputError(
            "Invalid value for argument `output`. Expected a new folder, or "
            f"that of a run to go on with. Received: {folder}, which holds "
            "something else."
        )


OWN_FILES = {"lock", ".plan.json"}  # before there is a plan


def _without_result(rows: list[Row]) -> str:
    reasons = [f"{row.name}: {row.reason}" for row in rows]
    return (
        "No network can be chosen. Give more hours, or allow a longer latency, "
        f"in a new folder. {'; '.join(reasons or ['Nothing was trained'])}."
    )


@contextlib.contextmanager
def _bad_input() -> Iterator[None]:
    """What cannot be used is bad input."""
    try:
        yield
    except ValueError as error:
        raise InputError(str(error)) from error
