"""From images to a deployed network: `run`."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nasnet_auto.display import Display, shown
from nasnet_auto.request import checked_request
from nasnet_auto.results.publish import publish
from nasnet_auto.results.result import Result
from nasnet_auto.stages import (
    MOST_EPOCHS,
    MOST_FROZEN,
    STAGES,
    Context,
    best_of,
    plan_lines,
    training_seconds,
)
from nasnet_auto.survey import Survey, survey
from nasnet_auto.trainings.book import Book
from nasnet_auto.trainings.candidates import (
    NO_ROOM,
    NO_TIME,
    SLOW,
    TOO_LARGE,
    Candidate,
    Row,
    folder_of,
    train,
    untrained_latency,
)
from nasnet_auto.trainings.pace import Epochs, timed
from nasnet_keras.console.activity import tell_activity
from nasnet_keras.console.command_line import InputError, RunError
from nasnet_keras.files import (
    check_path,
    locked,
    make_folder,
    sync,
)
from nasnet_keras.training.data.datasets import (
    DataSource,
    are_arrays,
    resolve_source,
)
from nasnet_keras.training.data.readers.layout import check_outside
from nasnet_keras.training.data.readers.npz import ArraysInMemory
from nasnet_keras.training.data.readers.pipelines import in_memory
from nasnet_keras.training.process_state import kept_process_state
from nasnet_keras.training.run import read_history
from nasnet_keras.training.train import prepare_long_trainings
from search.runs.arguments import check_argument


@kept_process_state()
def run(
    data: DataSource,
    hours: float,
    output: str | os.PathLike[str] = "nasnet-auto",
    *,
    format: str | None = None,
    max_latency: float | None = None,
    preset: str | None = None,
    weights: str | os.PathLike[str] | None = None,
    ensemble: int | None = None,
    workers: int = 1,
    pretrained: bool = True,
    augmentation: str | None = None,
    skip_broken: bool = False,
    seed: int = 0,
    verbose: bool | None = None,
    display: Display | None = None,
) -> Result:
    """Finds and trains a classifier of images within a time.

    Networks are tried one after the other: networks with pretrained weights,
    of which the classifier alone or all layers learn; a plain network; cells
    that a search finds, if there is time and data for a search; and the best
    of these with other values of its training. The best on images that none of
    them has learnt from is tested, once, and written for use.

    The same call resumes a run that was stopped. Time in which nothing runs
    does not count.

    Args:
        data: A folder with a sub-folder of images for each class, a name of a
            data set, an `.npz` file, a pair of arrays, images and labels, or
            a `tf.data.Dataset` of these (`load_dataset`).
        hours: How long it takes in all, once it has looked at the images.
        output: The folder of the run. Default `nasnet-auto`, in the working
            directory.
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
        pretrained: Whether to fine-tune pretrained networks. Turn it off to
            compare with trainings from random weights.
        augmentation: How images to train on are augmented: none, crop,
            crop-flip or inception. Default: cropped and mirrored, and of data
            sets of characters, which their names tell, cropped alone.
        skip_broken: Whether to leave out files that are no whole images.
        seed: Fixes what is random.
        verbose: Whether to show how far it is. Default: in notebooks alone.
        display: What shows how far it is, in place of `verbose`.

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
    if verbose is not None:
        check_argument("verbose", verbose)
    folder = Path(output)
    _check_folder(folder)
    with contextlib.ExitStack() as stack:
        display = display or stack.enter_context(shown(verbose))
        with _bad_input():
            data = in_memory(data)
            request = checked_request(
                _name(folder, data),
                hours=hours,
                format=format,
                max_latency=max_latency,
                preset=preset,
                weights=weights,
                ensemble=ensemble,
                workers=workers,
                pretrained=pretrained,
                augmentation=augmentation,
                skip_broken=skip_broken,
                seed=seed,
            )
            check_outside(folder, request.dataset)
            tell_activity("looking at the data")
            source = data if are_arrays(data) else request.dataset
            found = survey(source, skip_broken, seed, request.augmentation)
            make_folder(folder)
        stack.enter_context(
            locked(
                folder / "lock",
                f"Another process works in {folder}. Wait for it to end.",
            )
        )
        asked = dataclasses.asdict(request)
        del asked["workers"]  # Recorded when a search begins.
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
        with _bad_input(), book.counting():
            for stage in STAGES:
                if STAGES[stage].known:
                    list(_plan(stage, context))
            for stage in STAGES:
                _drive(stage, context, display)
            best = best_of(book.rows)
            if best is None:
                raise RunError(_without_result(book.rows))
            tell_activity("testing and writing the best network")
            publish(context, best)
    return Result(folder)


def _plan(stage: str, context: Context) -> Iterator[Candidate]:
    """What a stage tries, as it is recorded, or is from now on."""
    for number, draft in enumerate(STAGES[stage].propose(context)):
        if number == len(context.book.candidates(stage)):
            if not draft.members:
                seconds = training_seconds(stage, context, draft)
                draft = _fitted(draft, seconds, context.survey)
                draft = _fast_enough(draft, context)
            context.book.plan(stage, draft)
        yield context.book.candidates(stage)[number]


def _drive(stage: str, context: Context, display: Display) -> None:
    """Trains what a stage tries, from wherever it stands."""
    book = context.book
    for number, candidate in enumerate(_plan(stage, context)):
        if number < len(book.rows_of(stage)):
            continue
        folder = context.folder / folder_of(candidate.name)
        candidate = _in_time(candidate, folder, context)
        if candidate.reason is None:
            display.begin(candidate.name)
        began, read, epochs = book.elapsed, context.images.seconds, Epochs()
        row = train(
            candidate,
            folder,
            context.images,
            [epochs],
            display.progress,
            context.request.runtime,
            context.request.max_latency,
        )
        read, beside = context.images.seconds - read, 0.0
        if row.accuracy is not None:  # An epoch that broke off counts nowhere.
            beside = book.elapsed - began - epochs.seconds - read
        book.add(stage, row, beside, read)
        display.end(row)


def _fitted(draft: Candidate, seconds: float, found: Survey) -> Candidate:
    """A candidate of so many epochs as fit into so many seconds."""
    held_out = found.held_for_test + (found.validation_images or 0)
    trained = found.images - held_out
    recipe = draft.recipe
    batch = min(recipe.batch_size, max(1, trained // 8))
    draft = draft.changed(draft.name, batch_size=batch)
    if draft.epoch_seconds is None:
        tell_activity(f"timing {draft.name}")
        classes = len(found.class_names)
        try:
            draft = timed(draft, classes, trained, found.validated)
        except NO_ROOM:
            return dataclasses.replace(draft, reason=TOO_LARGE)
    # As many epochs as before take as many seconds: no rounding loses one.
    epochs = int(
        (seconds - draft.seconds(0)) / (draft.epoch_seconds or 1.0) + 1e-6
    )
    if epochs < 1:
        return dataclasses.replace(
            draft,
            reason=f"an epoch takes longer than the {seconds:.0f} s it has",
        )
    epochs = min(epochs, max(MOST_EPOCHS, recipe.epochs))
    if draft.is_probe:
        frozen = epochs
    else:
        frozen = min(recipe.frozen_epochs, MOST_FROZEN, epochs // 4)
    return draft.changed(draft.name, epochs=epochs, frozen_epochs=frozen)


def _fast_enough(draft: Candidate, context: Context) -> Candidate:
    """A candidate, which is not trained if its network is too slow."""
    limit, runtime = context.request.max_latency, context.request.runtime
    if limit is None or runtime is None or draft.reason is not None:
        return draft
    network, book = draft.settings["network"], context.book
    for known in (each for stage in STAGES for each in book.candidates(stage)):
        # What was measured is not measured again.
        if known.settings["network"] == network and known.reason in (
            None,
            SLOW,
        ):
            return dataclasses.replace(draft, reason=known.reason)
    tell_activity(f"measuring the latency of {draft.name}")
    latency = untrained_latency(draft, len(context.survey.class_names), runtime)
    if latency > limit:
        return dataclasses.replace(draft, reason=SLOW)
    return draft


def _in_time(candidate: Candidate, folder: Path, context: Context) -> Candidate:
    """A candidate, which is not trained if the epochs that it lacks take more
    than the time that is left, once there is a network to choose. None is
    after that, lest a run that was killed tries what others do not."""
    rows = context.book.rows
    untimed = candidate.reason is not None or candidate.members
    if untimed or best_of(rows) is None:
        return candidate
    over = any(row.reason == NO_TIME for row in rows)
    epochs = candidate.recipe.epochs - len(read_history(folder))
    shape = candidate.settings["network"]["input_shape"]
    reading = context.images.reading(shape, context.book.reading)
    left = context.left - context.book.beside - reading
    if not over and candidate.seconds(epochs) <= left:
        return candidate
    return dataclasses.replace(candidate, reason=NO_TIME)


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


def _check_folder(folder: Path) -> None:
    others = folder.exists()
    if folder.is_dir():
        names = {file.name for file in folder.iterdir()}
        others = "plan.json" not in names and not names <= OWN_FILES
    if others:
        raise InputError(
            "Invalid value for argument `output`. Expected a new folder, or "
            f"that of a run to continue. Received: {folder}, which holds "
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
