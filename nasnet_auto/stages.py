"""What is tried, in which order, and for how long: `STAGES`."""

import dataclasses
import itertools
import math
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import search
from nasnet_auto.request import Request
from nasnet_auto.survey import FIRST_SIZE, Survey
from nasnet_auto.trainings.book import Book
from nasnet_auto.trainings.candidates import (
    Candidate,
    Row,
    plain_network,
)
from nasnet_auto.trainings.changes import CHANGES
from nasnet_auto.trainings.images import LoadedImages
from nasnet_keras.architectures import find_kind
from nasnet_keras.console.command_line import InputError, RunError
from nasnet_keras.kinds.layerwise.kind import LayerwiseKind
from nasnet_keras.training.recipes import RECIPES, Recipe, adapted
from search.trial import ranked
from zoo import weights as pretrained
from zoo.preset import find
from zoo.presets import PRESETS

FINISH = 0.05  # of the time, for the test, the export and the report
MOST_EPOCHS, MOST_FROZEN = 100, 5

# The network that comes with its weights, and the one whose weights are
# downloaded, for photographs; and the most that the latter is trained at first.
SHIPPED = ("nasnet_a_cifar_nano", "cifar10")
PUBLISHED = ("nasnet_mobile", "imagenet")
PUBLISHED_SIZE = 128

# With fewer images or seconds than these there is no search. A guess: below,
# an accuracy on a tenth of the images, or on a few dozen children, tells
# little. No such search has been compared with fine-tuning yet.
SEARCH_IMAGES, SEARCH_SECONDS = 1_000, 900.0
SEARCH_SHARE = 0.35  # of the time, for the children of the search
LEAST_SEARCH_HOURS = math.ceil(SEARCH_SECONDS / SEARCH_SHARE / 36) / 100
IN_PROCESS = "in-process"
# Of all filters of MobileNetV2, around which the space of a search with a
# latency is. A guess.
MOBILE_WIDTH = 0.5
FOUND = 3  # cells of a search that are trained longer
FOUND_REPEATS, FOUND_FILTERS = 2, 16  # of these networks


@dataclasses.dataclass(frozen=True)
class Context:
    """What a stage knows.

    Attributes:
        request: The user's request.
        survey: The facts about the data.
        book: The record of the run so far.
        folder: The folder of the run.
        observers: Observers of a search, which show it.
        tell: A function that shows sentences to the user.
        images: The decoded images.
    """

    request: Request
    survey: Survey
    book: Book
    folder: Path
    observers: tuple[Any, ...] = ()
    tell: Callable[[Sequence[str]], None] = lambda lines: None
    images: LoadedImages = dataclasses.field(default_factory=LoadedImages)

    def settings(
        self, network: dict[str, Any], recipe: Recipe, **others: Any
    ) -> dict[str, Any]:
        """Of a training, as JSON data."""
        recipe = dataclasses.replace(
            recipe, augmentation=self.survey.augmentation
        )
        return {
            "dataset": self.request.dataset,
            "network": network,
            "recipe": dataclasses.asdict(recipe),
            "validation_images": self.survey.validation_images,
            "skip_broken": self.request.skip_broken,
            "class_weights": "balanced" if self.survey.is_uneven else None,
            "seed": self.request.seed,
            # Other seeds of a training hold out the same images.
            "split_seed": self.request.seed,
            **others,
        }

    def fetches(self) -> bool:
        """Whether the published weights are available; says why not."""
        try:
            pretrained.fetch(PUBLISHED[0], include_top=False)
        except RuntimeError as error:
            self.tell([f"{error} The run continues without them."])
            return False
        return True

    @property
    def left(self) -> float:
        """The seconds that are left for trainings."""
        return (1 - FINISH) * self.request.seconds - self.book.elapsed

    @property
    def search_seconds(self) -> float:
        """The share of a search."""
        return SEARCH_SHARE * self.request.seconds

    @property
    def searches(self) -> bool:
        """Whether there are images and time enough for a search."""
        return (
            self.survey.images >= SEARCH_IMAGES
            and self.search_seconds >= SEARCH_SECONDS
        )


def best_of(rows: list[Row]) -> Row | None:
    """The row of the highest accuracy; of equal ones the smallest network."""
    chosen = [row for row in rows if row.can_be_chosen]
    return max(
        chosen,
        key=lambda row: (row.accuracy or 0.0, -(row.parameters or 0)),
        default=None,
    )


def ranked_rows(rows: list[Row]) -> list[Row]:
    """The best first; those that cannot be chosen last."""
    left, rows = list(rows), []
    while (best := best_of(left)) is not None:
        rows.append(best)
        left.remove(best)
    return rows + left


def _fine_tuned(context: Context) -> Iterator[Candidate]:
    """Networks that begin with weights."""
    for preset, weights in _pretrained(context):
        size = context.survey.image_size
        if preset != SHIPPED[0]:
            size = min(PUBLISHED_SIZE, context.survey.largest_size)
        network = find(PRESETS, preset, "preset", "`zoo.list_models()`")
        yield Candidate(
            name=f"{preset} fine-tuned",
            settings=context.settings(
                network.network(size), RECIPES["fine-tune"], weights=weights
            ),
            preset=preset,
        )


def _pretrained(context: Context) -> list[tuple[str, str]]:
    """The networks to fine-tune, each with its weights."""
    request = context.request
    if not request.pretrained:
        return []
    if request.preset and request.weights:
        # By the preset a row is named.
        others = [SHIPPED] if request.preset != SHIPPED[0] else []
        return [(request.preset, request.weights), *others]
    if context.survey.largest_size < FIRST_SIZE:
        return [SHIPPED]
    can_be_had = context.book.decided("published weights", context.fetches)
    return [PUBLISHED, SHIPPED] if can_be_had else [SHIPPED]


def _count_pretrained(context: Context) -> int:
    return len(_pretrained(context))


def _probes(context: Context) -> Iterator[Candidate]:
    """The same networks, of which the classifier alone learns."""
    for candidate in _fine_tuned(context):
        epochs = candidate.recipe.epochs
        name = candidate.name.replace("fine-tuned", "linear probe")
        yield candidate.changed(name, frozen_epochs=epochs)


def _plain(context: Context) -> Iterator[Candidate]:
    """A network by hand, from random weights."""
    yield Candidate(
        name="plain network",
        settings=context.settings(
            plain_network(context.survey.image_size),
            adapted(RECIPES["search-proxy"], LayerwiseKind.unsupported),
        ),
    )


def _found(context: Context) -> Iterator[Candidate]:
    """The best cells of a search, trained longer in larger networks; or,
    where a latency is asked for, the best mobile networks as they are."""
    if not context.searches:
        return
    size, what, larger = context.survey.image_size, "network", {}
    recipe = RECIPES["search-proxy"]
    if context.request.max_latency is None:
        what = "cell"
        larger = {"repeats": FOUND_REPEATS, "filters": FOUND_FILTERS}
    else:
        recipe = adapted(recipe, find_kind("mobile").unsupported)
    for found in context.book.decided("cells", lambda: _cells(context)):
        yield Candidate(
            name=f"searched {what} {found['number']}",
            settings=context.settings(
                {
                    "architecture": found["architecture"],
                    "input_shape": [size, size, 3],
                    **larger,
                },
                recipe,
            ),
        )


def _cells(context: Context) -> list[dict[str, Any]]:
    """The best cells of the search, each by its number; none of a search that
    finds none, for the other networks are there all the same.

    Raises:
        InputError, RunError: A file cannot be read or written, or another
            process drives the search, which can be resumed afterwards.
    """
    begun = (context.folder / "search" / "config.json").exists()
    if context.left < context.search_seconds and not begun:
        context.tell(["No search: too little time is left."])
        return []
    try:
        run = _search(context)
    except (InputError, RunError) as error:
        if isinstance(error.__context__, OSError | sqlite3.Error):
            raise
        context.tell([f"The search has found no cell. {error}"])
        return []
    return [
        {
            "number": trial.number,
            "architecture": run.space.to_data(
                run.space.decode(trial.decisions)
            ),
        }
        for trial in ranked(run.trials)[:FOUND]
    ]


def _search(context: Context) -> search.Run:
    """The search, driven to its end, or as far as it came in the time."""
    folder, request = context.folder / "search", context.request
    # In the way it began, for results depend on threads.
    workers = context.book.decided("workers", lambda: request.workers)
    alone = workers == 1
    watching: dict[str, Any] = {
        "observers": context.observers,
        "verbose": False,  # That is what the observers are for.
        "executor": IN_PROCESS if alone else "processes",
        "workers": workers,
    }
    if (folder / "config.json").exists():
        run = search.load(folder)
        if run.is_over(run.trials) or context.left <= 0:
            return run
        return search.resume(folder, **watching)
    objective: dict[str, Any] = {}
    space: dict[str, Any] = {}
    size = min(32, context.survey.image_size)
    if request.max_latency is not None:
        # The latency of a child is that of the network that is trained.
        size = context.survey.image_size
        objective = {
            "max_latency": request.max_latency,
            "latency_runtime": request.runtime,
        }
        space = {"space": "mobile", "space_options": {"width": MOBILE_WIDTH}}
    return search.run(
        folder,
        dataset=request.dataset,
        hours=context.search_seconds / 3600,
        seed=request.seed,
        recipe={"augmentation": context.survey.augmentation},
        child={
            "image_size": size,
            "skip_broken": request.skip_broken,
            # In this process TensorFlow has begun work: threads are set.
            "threads": None if alone else 1,
        },
        objective=objective,
        **space,
        **watching,
    )


def _tuned(context: Context) -> Iterator[Candidate]:
    """The best so far with one value of its training changed, for as many
    epochs, while there is time; what is better is changed further."""
    book = context.book
    earlier = [*itertools.takewhile("tuning".__ne__, STAGES)]
    before = [row for stage in earlier for row in book.rows_of(stage)]
    tried = [each for stage in earlier for each in book.candidates(stage)]
    done = 0
    for what, change in CHANGES.items():
        # Also when a run goes on, only what came before counts.
        best = best_of(before + book.rows_of("tuning")[:done])
        if best is None:
            return
        candidate = book.candidate(best.name)
        values = change.values(candidate, context.survey)
        if not values:
            continue
        draft = candidate.changed(f"{candidate.name}, {what}", **values)
        known = tried + book.candidates("tuning")[:done]
        if any(draft.repeats(other) for other in known):
            continue
        asked = draft.seconds(draft.recipe.epochs)
        if _tuning_left(context, done) >= change.least * asked:
            yield draft
            done += 1


def _tuning_left(context: Context, done: int) -> float:
    """The seconds of the tuning's share that so many of its trainings leave,
    as planned."""
    planned = context.book.candidates("tuning")[:done]
    share = shares(context)["tuning"] * context.request.seconds
    return share - sum(
        each.seconds(each.recipe.epochs)
        for each in planned
        if each.reason is None  # else it is not trained
    )


def _tuning_seconds(context: Context, draft: Candidate) -> float:
    """As many as the network took that is changed, if there are so many."""
    done = len(context.book.candidates("tuning"))
    asked = draft.seconds(draft.recipe.epochs)
    return min(_tuning_left(context, done), asked)


def _ensemble(context: Context) -> Iterator[Candidate]:
    """The best networks together, if that was asked for and there are two."""
    before = [
        row
        for stage in itertools.takewhile("ensemble".__ne__, STAGES)
        for row in context.book.rows_of(stage)
    ]
    best = [row for row in ranked_rows(before) if row.can_be_chosen]
    best = best[: context.request.ensemble or 0]
    if len(best) > 1:
        yield dataclasses.replace(
            context.book.candidate(best[0].name),
            name=f"ensemble of {len(best)}",
            members=[row.name for row in best],
        )


@dataclasses.dataclass(frozen=True)
class Stage:
    """Candidates that are tried together.

    Attributes:
        propose: Yields the candidates. Each may depend on the results of the
            candidates before it.
        trainings: The number of candidates; none where it has no time.
        share: The share of the time that they get in a run with a search.
        share_without: The same share in a run without a search.
        known: Whether the candidates are known before any training. Such
            candidates are timed and recorded first.
        seconds: The seconds that a candidate gets; None for an equal part of
            those of the stage.
    """

    propose: Callable[[Context], Iterator[Candidate]]
    trainings: Callable[[Context], int]
    share: float
    share_without: float
    known: bool = False
    seconds: Callable[[Context, Candidate], float] | None = None


# The search itself takes `SEARCH_SHARE`; without one its time and that of what
# it finds go to the tuning.
STAGES: dict[str, Stage] = {
    "linear probe": Stage(_probes, _count_pretrained, 0.05, 0.05, True),
    "fine-tuning": Stage(_fine_tuned, _count_pretrained, 0.15, 0.20, True),
    "plain network": Stage(_plain, lambda context: 1, 0.10, 0.10, True),
    "found cells": Stage(_found, lambda context: FOUND, 0.15, 0.0),
    "tuning": Stage(
        _tuned,
        lambda context: len(CHANGES),
        0.15,
        0.60,
        seconds=_tuning_seconds,
    ),
    # It trains nothing, and is measured as the result is.
    "ensemble": Stage(_ensemble, lambda context: 1, 0.0, 0.0),
}


def shares(context: Context) -> dict[str, float]:
    """The share of the time of each stage. A stage without candidates leaves
    its share to the tuning."""
    found = dict.fromkeys(STAGES, 0.0)
    for name, stage in STAGES.items():
        share = stage.share if context.searches else stage.share_without
        found[name if stage.trainings(context) else "tuning"] += share
    return found


def training_seconds(stage: str, context: Context, draft: Candidate) -> float:
    """The seconds that a training of a stage gets."""
    if (seconds := STAGES[stage].seconds) is not None:
        return seconds(context, draft)
    share = shares(context)[stage] * context.request.seconds
    return share / STAGES[stage].trainings(context)


def plan_lines(context: Context) -> list[str]:
    """What is going to be done, a sentence a line."""
    parts = shares(context)
    if context.searches:
        parts = {"search": SEARCH_SHARE, **parts}
    minutes = ", ".join(
        f"{name} {share * context.request.seconds / 60:.1f}"
        for name, share in parts.items()
        if share
    )
    lines = [f"The plan, in minutes: {minutes}; the rest to test and export."]
    if not context.searches:
        lines.append(
            f"No search: it begins with {SEARCH_IMAGES:,} training images and "
            f"{LEAST_SEARCH_HOURS:g} hours. Its time goes "
            "to the tuning of the training."
        )
    return lines
