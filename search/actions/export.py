"""Takes a child out of a run, for use elsewhere."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras

from nasnet_keras.console.activity import tell_activity
from nasnet_keras.console.command_line import InputError
from nasnet_keras.deployment.classifier import as_classifier
from nasnet_keras.drawing.draw import save_figure
from nasnet_keras.files import new_directory, write_json, write_text
from nasnet_keras.network.build import load_model
from nasnet_keras.quotation import quoted
from nasnet_keras.training.checkpoint import steps_taken
from nasnet_keras.training.data.datasets import ARRAYS
from nasnet_keras.training.process_state import kept_process_state
from search.actions.ranking import Ranking, Retrained
from search.evaluation.base import Child, Evaluator
from search.runs.arguments import checked_arguments
from search.runs.record import Run, opened
from search.spaces.base import SearchSpace
from search.storage.run_folder import training_folder
from search.trial import Trial, TrialState, ranked

PICTURE_FORMATS = ("svg", "png")


@checked_arguments
@kept_process_state()
def export(
    run: Run | str | os.PathLike[str],
    output: str | os.PathLike[str],
    trial: int | None = None,
    evaluator: Evaluator | None = None,
    form: str | None = None,
) -> Path:
    """Writes a child for use elsewhere: architecture.json, the trained
    network as model.keras, metrics.json, and pictures of its cells. The model
    takes pixels from 0 to 255 and knows its classes, where the run has trained
    it on a data set; see `nasnet_keras.as_classifier`. Of a child
    that was trained longer in the run's folder `retrained` that network is
    taken, and metrics.json says so.

    Args:
        run: The run, or its folder.
        output: The folder to write, new or empty.
        trial: The number of the trial; None for the best: by the test
            accuracy of those that were trained longer, or by the reward.
        evaluator: The evaluator, if the run was begun with one.
        form: Write architecture.txt too, in this form of other programs, one
            of the `forms` of the kind of the run's architectures: of cells
            those of `nasnet_keras.write_genotype`. Default None.

    Returns:
        The folder.

    Raises:
        InputError: The output is taken, there is no such trial, its
            weights were not kept, the evaluator is needed, or the form cannot
            say the architecture.
    """
    run = opened(run)
    if trial is not None:
        trial = _chosen(run, trial).number  # of a duplicate, its original's
    retrained = _retrained(run, trial)
    chosen = _chosen(run, retrained.trial if retrained else trial)
    weights = run.directory.weights(chosen.number)
    tuned = training_folder(run.directory.children, chosen.number)
    if (tuned / "model.keras").is_file():
        weights = tuned / "model.keras"
    if retrained is not None:
        weights = _trained_longer(run, retrained)
    if not weights.is_file() and not run.config.shares_weights:
        raise InputError(
            f"The weights of trial {chosen.number} are not there. "
            f"{_remedy(run)}"
        )
    architecture = run.space.decode(chosen.decisions)
    text = _in_form(run.space, architecture, form)
    with new_directory(Path(output)) as folder:
        write_json(
            folder / "architecture.json", run.space.to_data(architecture)
        )
        if text is not None:
            write_text(folder / "architecture.txt", f"{text}\n")
        longer = {"retrained": asdict(retrained)} if retrained else {}
        write_json(folder / "metrics.json", {**run.describe(chosen), **longer})
        tell_activity("building the network")
        if weights.suffix == ".keras":
            model = load_model(weights)
        elif weights.is_file():
            model = _network(run, architecture, evaluator)
            model.load_weights(weights)
            if evaluator is None:
                _check_steps(chosen, weights)
        else:
            model = _extract_child(run, architecture, chosen)
        if run.class_names is not None:
            model = as_classifier(model, run.class_names)
        model.save(folder / "model.keras")
        tell_activity("drawing the architecture")
        _write_pictures(run.space, architecture, folder)
    return Path(output)


def _remedy(run: Run) -> str:
    """What to do where a trial has no weights."""
    if any(run.directory.children.glob("*.weights.h5")):
        return (
            f"A run keeps those of its {run.config.keep} best children; one "
            "that trains again from the beginning has none before it ends."
        )
    if run.config.dataset in (None, ARRAYS):
        return (
            "The evaluator of the run leaves none: have its `evaluate` save "
            "them as `child.weights`, or train `run.architecture` yourself."
        )
    return (
        "The evaluator of the run leaves none: train its best by "
        f"{run.directory.command('retrain')}."
    )


def _in_form(
    space: SearchSpace, architecture: Any, form: str | None
) -> str | None:
    """Raises:
    InputError: There is no such form, or it cannot say the architecture.
    """
    if form is None:
        return None
    if space.kind is None:
        raise InputError(
            "Invalid value for argument `form`. Expected none, since the "
            f"architectures of the space {space.name!r} are of no kind. "
            f"Received: {quoted(form)}."
        )
    try:
        return space.kind.in_form(architecture, form)
    except ValueError as error:
        raise InputError(str(error)) from None


def _retrained(run: Run, number: int | None) -> Retrained | None:
    """The longer training of a trial, or of the best; None without one."""
    ranking = Ranking.read(run.directory.ranking)
    if ranking is None:
        return None
    if number is None:
        return ranking.best
    return next(
        (
            child
            for child in ranking.children
            if child.trial == number and child.accuracy is not None
        ),
        None,
    )


def _trained_longer(run: Run, retrained: Retrained) -> Path:
    """The file of a network that was trained longer.

    Raises:
        InputError: It is not there.
    """
    name = f"{retrained.trial:05d}"
    folder = run.directory.retrained
    # Of the first seed, unless its training failed.
    found = [
        folder / name / "model.keras",
        *sorted(folder.glob(f"{name}-seed-*/model.keras")),
    ]
    for file in found:
        if file.is_file():
            return file
    raise InputError(
        f"Trial {retrained.trial} was trained longer, but {folder / name} has "
        "no model.keras. Run `nasnet-search retrain` again, or delete "
        f"{folder / 'ranking.json'}."
    )


def _network(
    run: Run, architecture: Any, evaluator: Evaluator | None
) -> keras.Model:
    """The untrained network of a child: by the evaluator, or as recorded."""
    try:
        if evaluator is not None:
            return evaluator.build(architecture)
        recorded, kind = run.network, run.space.kind
        if recorded is None or kind is None:
            raise InputError(
                f"The run {run.directory.path} was begun with an `evaluator` "
                "of its own. Expected that `evaluator`. Received: None."
            )
        return kind.build(architecture, **recorded)
    except (TypeError, ValueError) as error:
        raise InputError(str(error)) from error


def _extract_child(run: Run, architecture: Any, trial: Trial) -> keras.Model:
    """A child of the run's shared network."""
    evaluator = run.create_evaluator()
    budget = trial.evaluation.budget if trial.evaluation else 0.0
    shared = evaluator.shared_weights
    child = Child(
        trial.number,
        architecture,
        run.config.seed,
        budget,
        run.directory.children,
    )
    try:
        return shared and shared.extract_child(child)
    except ValueError as error:
        raise InputError(
            f"The weights of trial {trial.number} are not there. {error}"
        ) from error


def _check_steps(trial: Trial, weights: Path) -> None:
    """A child that trains on has a file that is ahead of what is recorded."""
    recorded = trial.evaluation and trial.evaluation.metrics.get("steps")
    if recorded is not None and steps_taken(weights) != recorded:
        raise InputError(
            f"Trial {trial.number} is still in training: its weights are not "
            "those of its recorded accuracy. Export it after the search has "
            "continued."
        )


def _chosen(run: Run, number: int | None) -> Trial:
    trials = run.trials
    if number is None:
        best = ranked(trials)
        if not best:
            raise InputError(
                f"The run {run.directory.path} has no complete trial yet."
            )
        return best[0]
    if not 0 <= number < len(trials):
        raise InputError(
            "Invalid value for argument `trial`. Expected a number from 0 to "
            f"{len(trials) - 1}. Received: trial={number}."
        )
    trial = trials[number]
    if trial.duplicate_of is not None:
        trial = trials[trial.duplicate_of]
    if trial.state is not TrialState.COMPLETE:
        raise InputError(
            "Invalid value for argument `trial`. Expected a complete trial. "
            f"Received: trial={number}, which is {trial.state.value}."
        )
    return trial


def _write_pictures(
    space: SearchSpace, architecture: Any, folder: Path
) -> None:
    for name, figure in space.pictures(architecture).items():
        for suffix in PICTURE_FORMATS:
            save_figure(figure, folder / f"{name}.{suffix}")
