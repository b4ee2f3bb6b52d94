"""The last step of a search: its best children trained longer, and ranked
again by how they do on the test images."""

import contextlib
import os
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras

from nasnet_keras.console.command_line import InputError, RunError
from nasnet_keras.files import write_json
from nasnet_keras.strict_json import read_json
from nasnet_keras.training.data.datasets import ARRAYS, ImageDataset
from nasnet_keras.training.evaluation.evaluate_run import evaluate_run
from nasnet_keras.training.process_state import kept_process_state
from nasnet_keras.training.progress import Progress
from nasnet_keras.training.recipes import (
    Recipe,
    check_cutout,
    check_supported,
)
from nasnet_keras.training.run import (
    check_settings,
    read_history,
    run_training,
)
from nasnet_keras.training.settings import (
    TrainingData,
    TrainingSettings,
    divided,
    load_data,
)
from search.actions.ranking import Ranking, Retrained, ranks_of
from search.runs.arguments import checked_arguments
from search.runs.record import Run, opened
from search.trial import Trial, ranked

Watch = Callable[[Trial], Progress]


@checked_arguments
@kept_process_state()
def retrain(
    run: Run | str | os.PathLike[str],
    recipe: Recipe,
    top: int = 5,
    *,
    repeats: int | None = None,
    filters: int | None = None,
    image_size: int | None = None,
    seed: int | None = None,
    seeds: int = 1,
    output: str | os.PathLike[str] | None = None,
    watch: Watch | None = None,
) -> Ranking:
    """The last step of a search: trains its best children longer, on the
    search's data set and with its seed, and ranks them again by their
    accuracy on the test images.

    The children are trained on all training images, also on those that the
    search validated on. The search has not seen the test images. If a data
    set has none, they are a tenth of its training images, which the search
    left out.

    The same call resumes after a kill, and trains only the children that are
    not trained yet. A training that diverges is reported, and the others
    continue.

    Args:
        run: The run, or its folder.
        recipe: How they are trained, such as `RECIPES["cifar"]`.
        top: How many of them. Default 5.
        repeats: N. Default: the search's.
        filters: F. Default: the search's.
        image_size: Height and width to train at. Default: the search's.
        seed: Of the trainings, which then owe nothing to the luck that the
            search has chosen by. Default: the search's.
        seeds: How many trainings each has, of this seed and those that
            follow; children are ranked by their mean accuracy. An export
            takes the network of the first. Default 1; the papers' tables are
            means of five.
        output: The folder, with a training of `run_training` for each
            trial, named by its number, and for each further seed, named by
            that too, and ranking.json. Default: the folder `retrained` of the
            run.
        watch: Called with each trial before its training; returns the
            `Progress` that shows how far it is.

    Raises:
        InputError: The run was begun with an evaluator of its own or has
            no complete trial, or the output holds trainings with other
            settings.
        ValueError: The data set or the networks are not available, or the
            networks do not follow a value of the recipe.

    Example:

    >>> from dataclasses import replace
    >>> import search
    >>> from nasnet_keras.training.recipes import RECIPES
    >>> run = search.run(
    ...     "runs/first",
    ...     dataset="digits",
    ...     strategy="random",
    ...     trials=1,
    ...     space=search.NASNetSpace(1),
    ...     recipe={"epochs": 1},
    ...     child={"filters": 4},
    ... )
    >>> recipe = replace(RECIPES["search-proxy"], epochs=1)
    >>> ranking = retrain(run, recipe, top=1)
    >>> [child.trial for child in ranking.children]
    [0]
    """
    run = opened(run)
    network = _network(run, repeats, filters, image_size)
    folder = run.directory.retrained if output is None else Path(output)
    first = run.config.seed if seed is None else seed
    tasks = [
        _task(run, trial, recipe, network, folder, range(first, first + seeds))
        for trial in _best(run, top)
    ]
    before = ranks_of([_merit(task.trial) for task in tasks])
    images = _Images()
    ranking = Ranking.of(
        task.retrained(rank, images, watch)
        for task, rank in zip(tasks, before, strict=True)
    )
    write_json(
        folder / "ranking.json",
        {"recipe": asdict(recipe), "network": network, **ranking.to_dict()},
    )
    return ranking


def network_of_best(
    run: Run,
    repeats: int | None = None,
    filters: int | None = None,
    image_size: int | None = None,
) -> dict[str, Any]:
    """The network of the best child that `retrain` with these arguments
    trains: the argument `network` of `TrainingSettings`.

    Raises:
        InputError: See `retrain`.
    """
    (best,) = _best(run, 1)
    network = _network(run, repeats, filters, image_size)
    architecture = run.space.decode(best.decisions)
    return {"architecture": run.space.to_data(architecture), **network}


@contextlib.contextmanager
def recorded_used() -> Iterator[None]:
    """What a run has recorded of its networks may be of no network."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise InputError(str(error)) from error


class _Images:
    """Those of all trainings, which differ in the seed alone: read once, when
    they are needed."""

    def __init__(self) -> None:
        self._dataset: ImageDataset | None = None

    def of(self, settings: TrainingSettings) -> TrainingData:
        """Those of a training."""
        if self._dataset is not None:
            return divided(settings, self._dataset)
        data = load_data(settings)
        self._dataset = data.dataset
        return data


@dataclass(frozen=True)
class _Task:
    """A child to train longer: for each seed a folder and the settings."""

    trial: Trial
    trainings: Mapping[Path, TrainingSettings]
    parameters: int

    def retrained(
        self, rank: int, images: "_Images", watch: Watch | None
    ) -> Retrained:
        accuracies, count, reason = [], 0, None
        for folder, settings in self.trainings.items():
            try:
                accuracy, count = self._measured(
                    folder, settings, images, watch
                )
                accuracies.append(accuracy)
            except RunError as error:
                reason = reason or str(error)
        return Retrained(
            trial=self.trial.number,
            reward=self.trial.evaluations[-1].reward,
            rank=rank,
            accuracy=statistics.fmean(accuracies) if accuracies else None,
            test_images=count,
            parameters=self.parameters,
            seconds=sum(
                epoch["seconds"]
                for folder in self.trainings
                for epoch in read_history(folder)
            ),
            reason=reason,
            accuracies=tuple(accuracies),
        )

    def _measured(
        self,
        folder: Path,
        settings: TrainingSettings,
        images: "_Images",
        watch: Watch | None,
    ) -> tuple[float, int]:
        """The accuracy on the test images, and how many they are; what was
        measured before is read."""
        with contextlib.suppress(OSError, LookupError, TypeError, ValueError):
            return self._read(folder)
        keras.backend.clear_session()
        progress = watch(self.trial) if watch else None
        data = images.of(settings)
        run_training(folder, settings, progress=progress, data=data)
        found = evaluate_run(folder, "test", data=data)
        return found.accuracy, len(found.labels)

    @staticmethod
    def _read(folder: Path) -> tuple[float, int]:
        measured = read_json(folder / "evaluation" / "test.json")
        return float(measured["accuracy"]), int(measured["images"])


def _task(
    run: Run,
    trial: Trial,
    recipe: Recipe,
    network: Mapping[str, Any],
    output: Path,
    seeds: Sequence[int],
) -> _Task:
    architecture = run.space.decode(trial.decisions)
    kind: Any = run.space.kind
    with recorded_used():
        cost = kind.complexity(
            architecture, **network, classes=_recorded(run)["classes"]
        )
        check_supported(recipe, kind.unsupported_at(architecture, **network))
        check_cutout(recipe, min(network["input_shape"][:2]))
    trainings = {}
    for seed in seeds:
        settings = TrainingSettings(
            dataset=str(run.config.dataset),
            network={
                "architecture": run.space.to_data(architecture),
                **network,
            },
            recipe=recipe,
            seed=seed,
            skip_broken=run.config.child.skip_broken,
        )
        folder = output / f"{trial.number:05d}"
        if seed != seeds[0]:
            folder = folder.with_name(f"{folder.name}-seed-{seed}")
        if (folder / "config.json").exists():
            check_settings(folder, settings)
        trainings[folder] = settings
    return _Task(trial, trainings, cost.parameters)


def _best(run: Run, top: int) -> list[Trial]:
    trials = ranked(run.trials)[:top]
    if not trials:
        raise InputError(
            f"The run {run.directory.path} has no complete trial yet."
        )
    return trials


def _merit(trial: Trial) -> tuple[float, float]:
    """What the search ranks by."""
    last = trial.evaluations[-1]
    return last.budget, last.reward


def _network(
    run: Run, repeats: int | None, filters: int | None, image_size: int | None
) -> dict[str, Any]:
    """How the networks are built: as the search did, but for what is
    given."""
    recorded = _recorded(run)
    shape = recorded["input_shape"]
    if image_size is not None and isinstance(shape, list):
        shape = [image_size, image_size, shape[-1]]
    given = {"repeats": repeats, "filters": filters}
    scale = {name: value for name, value in given.items() if value is not None}
    kind: Any = run.space.kind
    unknown = [name for name in scale if name not in kind.scale]
    if unknown:
        raise InputError(
            f"Invalid value for argument `{unknown[0]}`. Expected none, since "
            f"the networks of the space {run.space.name!r} have no such scale."
            f" Received: {unknown[0]}={scale[unknown[0]]}."
        )
    return {
        "input_shape": shape,
        **{name: recorded[name] for name in kind.scale},
        **scale,
    }


def _recorded(run: Run) -> Mapping[str, Any]:
    """The network of the run's children."""
    network = run.network
    if network is None or run.config.dataset is None:
        raise InputError(
            f"The run {run.directory.path} was begun with an `evaluator` of "
            "its own. Expected a run whose children were trained on a "
            "`dataset`."
        )
    if run.config.dataset == ARRAYS:
        raise InputError(
            f"The run {run.directory.path} was begun with arrays. Expected a "
            "`dataset` with a name or a path: save them by `numpy.savez`, and "
            "train the exported architecture by `nasnet-train run "
            "--architecture`."
        )
    return network
