"""Tuning a training: `tune`, and what says how good values of it are,
`TuningEvaluator`.

Neither Keras nor TensorFlow is imported here before a search begins.
"""

import dataclasses
import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import search
from nasnet_keras.architectures import find_kind
from nasnet_keras.console.command_line import InputError, RunError
from nasnet_keras.files import LockedError, check_path
from nasnet_keras.quotation import quoted
from nasnet_keras.training.data.datasets import are_arrays, resolve_source
from nasnet_keras.training.recipes import Recipe
from search.evaluation.base import (
    Child,
    ChildSettings,
    EvaluationError,
    Evaluator,
)
from search.runs.config import create_configuration
from search.runs.identity import check_identity
from search.runs.record import Run
from search.spaces.recipe import VALUES, Value
from search.storage.run_folder import training_folder
from search.strategies import STRATEGIES
from search.trial import IMAGES, Evaluation

# What a run is given for a strategy of `nasnet-train tune`: names that the
# field knows, of strategies and of schedules around them. Any other strategy
# goes by its own name.
TUNERS: dict[str, dict[str, Any]] = {
    "bayesian": {},
    "random": {},
    "grid": {},
    "hyperband": {"strategy": "random", "halving": 3, "brackets": True},
    "bohb": {"strategy": "bohb", "halving": 3, "brackets": True},
    "tpe": {"strategy": "optuna-tpe"},
    "gp": {"strategy": "optuna-gp"},
}
TUNER, TRIALS = "bayesian", 20

FIDELITIES = {
    "epochs": "fewer epochs; a longer training continues",
    "images": "all epochs, on a share of the images; a longer training begins "
    "anew",
}


class TuningEvaluator(Evaluator):
    """Trains one network by the values of a `RecipeSpace`, as `nasnet-train
    run` does, and measures it on validation images.

    Each child has its own folder, a training that resumes after a kill and
    that `nasnet-train evaluate` takes. Its budget is in epochs of all
    images, whichever way it is spent.

    Args:
        settings: How the children are made; the recipe has the values that
            are not in the space.
        network: The argument `network` of `TrainingSettings`.
        weights: A name or a file of the first weights; None, the default, for
            random ones.
        preset: The network of these weights.
        class_weights: The argument `class_weights` of `TrainingSettings`.
            Default None.
        fidelity: How trainings are shortened: a key of `FIDELITIES`. Default:
            fewer epochs.

    Raises:
        ValueError: The data set or the network is not available, or an
            argument is out of range.
    """

    def __init__(
        self,
        settings: ChildSettings,
        network: Mapping[str, Any],
        weights: str | None = None,
        preset: str | None = None,
        class_weights: str | None = None,
        fidelity: str = "epochs",
    ) -> None:
        from nasnet_auto.trainings.candidates import Candidate, initialiser
        from nasnet_keras.training.settings import TrainingSettings, load_data
        from search.evaluation.child_data import prepare_tensorflow

        if not isinstance(fidelity, str) or fidelity not in FIDELITIES:
            raise ValueError(
                "Invalid value for argument `fidelity`. Expected one of "
                f"{', '.join(FIDELITIES)}. Received: fidelity="
                f"{quoted(fidelity)}."
            )
        prepare_tensorflow(settings.threads)
        self.fidelity = fidelity
        training: dict[str, Any] = {
            "dataset": settings.dataset,
            "network": dict(network),
            "recipe": settings.recipe,
            "train_images": settings.train_images,
            "validation_images": settings.validation_images or 0.1,
            "skip_broken": settings.skip_broken,
            "class_weights": class_weights,
            "weights": weights,
            "seed": settings.seed,
        }
        self.settings = TrainingSettings(**training)
        self.data = load_data(self.settings)
        self.notes = self.data.notes
        self._initialise = initialiser(Candidate("tuned", training, preset))

    def describe(self) -> dict[str, Any]:
        import tensorflow as tf

        settings = dataclasses.asdict(self.settings)
        return {
            "training": settings,
            "fidelity": self.fidelity,
            "data": self.data.fingerprint,
            "class_names": list(self.data.dataset.class_names),
            "train_images": len(self.data.train),
            "threads": tf.config.threading.get_intra_op_parallelism_threads(),
        }

    def evaluate(self, child: Child) -> Evaluation:
        if child.folder is not None:
            return self._evaluate(
                child, training_folder(child.folder, child.number)
            )
        with tempfile.TemporaryDirectory() as folder:
            return self._evaluate(child, Path(folder) / "training")

    def _evaluate(self, child: Child, folder: Path) -> Evaluation:
        from nasnet_auto.trainings.candidates import NO_ROOM
        from nasnet_keras.training.run import best_epoch

        began = time.perf_counter()
        last = self.settings.recipe.epochs
        budget = min(last, child.budget or last)
        try:
            recipe = child.architecture.applied(self.settings.recipe)
            history = self._train(child, recipe, budget, folder)
        except LockedError:  # It says nothing of the child.
            raise
        except (RunError, ValueError) as error:
            raise EvaluationError(str(error)) from error
        except NO_ROOM as error:
            raise EvaluationError("The child ran out of memory.") from error
        whole = self.fidelity == "images" or budget == last
        until = last if whole else max(1, round(budget))
        entry = history[until - 1]
        _, accuracy = best_epoch([entry])
        validation: Any = self.data.validation
        return Evaluation(
            reward=accuracy,
            metrics={
                "accuracy": accuracy,
                "loss": entry["val_loss"],
                "train_loss": entry["loss"],
                IMAGES: len(validation),
            },
            seconds={"train": time.perf_counter() - began},
            budget=budget,
        )

    def _train(
        self, child: Child, recipe: Recipe, budget: float, folder: Path
    ) -> Sequence[Mapping[str, float]]:
        """Trains to a budget; returns the history."""
        import keras

        from nasnet_keras.training.run import read_history, run_training
        from nasnet_keras.training.settings import divided

        settings = dataclasses.replace(
            self.settings, recipe=recipe, seed=child.seed
        )
        data, until = self.data, None
        if budget < recipe.epochs and self.fidelity == "epochs":
            until = max(1, round(budget))
        elif budget < recipe.epochs:
            count = round(len(data.train) * budget / recipe.epochs)
            count = max(count, min(recipe.batch_size, len(data.train)))
            settings = dataclasses.replace(settings, train_images=count)
            data = divided(settings, data.dataset)

        def run() -> None:
            keras.backend.clear_session()
            run_training(
                folder, settings, self._initialise, data=data, until=until
            )

        try:
            run()
        except InputError as error:
            # Damaged, or of another share of the images. Anew it comes to the
            # same.
            if isinstance(error, LockedError) or not folder.exists():
                raise
            shutil.rmtree(folder)
            run()
        return read_history(folder)


EVALUATOR = f"{TuningEvaluator.__module__}:{TuningEvaluator.__name__}"


def tune(
    output: str | os.PathLike[str],
    dataset: str | os.PathLike[str],
    network: Mapping[str, Any],
    recipe: Recipe,
    *,
    values: Mapping[str, Sequence[Value]],
    strategy: str = TUNER,
    trials: int = TRIALS,
    weights: str | None = None,
    preset: str | None = None,
    class_weights: str | None = None,
    fidelity: str = "epochs",
    halving: int | None = None,
    first_epochs: int | None = None,
    train_images: int | None = None,
    validation_images: int | None = None,
    skip_broken: bool = False,
    seed: int = 0,
    observers: Iterable[Any] = (),
    **execution: Any,
) -> Run:
    """Searches the values of a training, or resumes a stopped tuning.

    A tuning is a run of `search` whose space is `recipe` and whose evaluator is
    `TuningEvaluator`. So the commands that show, resume and report a search
    work with it.

    Args:
        output: A new folder, or the folder of the same tuning to resume it,
            perhaps with more `trials`.
        dataset: A name, a folder or an `.npz` file, for `load_dataset`.
        network: The argument `network` of `TrainingSettings`.
        recipe: The values that are not searched. The longest trainings have
            its epochs.
        values: The values that are searched, each with its choices; see
            `values_of`.
        strategy: A key of `TUNERS`, or a strategy of `search`. Default
            `"bayesian"`.
        trials: The number of trainings. Default 20.
        weights: A name or a file of the first weights.
        preset: The network of these weights.
        class_weights: The argument `class_weights` of `TrainingSettings`.
        fidelity: How trainings are shortened: a key of `FIDELITIES`. Default:
            fewer epochs.
        halving: The factor of successive halving. Default None: the strategy
            decides.
        first_epochs: The epochs of the shortest trainings. Default 1.
        train_images: As in `ChildConfig`.
        validation_images: As in `ChildConfig`.
        skip_broken: As in `ChildConfig`.
        seed: Fixes the proposals, and each training.
        observers: Observers of a search, which show it.
        **execution: Fields of `search`'s `ExecutionConfig`: `workers`, ...

    Returns:
        The run.

    Raises:
        InputError: A setting cannot be used, or the output holds another run.
        SearchError: All trainings fail, or the space has no more values.

    Example:

    >>> from dataclasses import replace
    >>> from nasnet_auto.trainings.candidates import plain_network
    >>> from nasnet_keras.training.recipes import RECIPES
    >>> run = tune(
    ...     "runs/tuned",
    ...     "digits",
    ...     plain_network(8),
    ...     replace(RECIPES["search-proxy"], epochs=1),
    ...     values={"learning_rate": [0.01, 0.1]},
    ...     trials=2,
    ... )
    >>> len(run.trials)
    2
    """
    check_path("output", output)
    output = Path(output)
    if are_arrays(dataset):
        raise InputError(
            "Invalid value for argument `dataset`. Expected a name, a folder "
            "or an .npz file, which a resumed tuning finds again. Received: "
            "arrays; save them with `numpy.savez`."
        )
    try:
        dataset = resolve_source(dataset)
    except ValueError as error:
        raise InputError(str(error)) from None
    known = [*dict.fromkeys([*TUNERS, *STRATEGIES])]
    if strategy not in known:
        raise InputError(
            "Invalid value for argument `strategy`. Expected one of "
            f"{', '.join(known)}. Received: "
            f"strategy={quoted(strategy)}."
        )
    if weights is not None:
        from zoo.weights import resolve

        weights = resolve(weights)
    settings: dict[str, Any] = {
        "dataset": dataset,
        "space": "recipe",
        "space_options": {"values": {k: [*v] for k, v in values.items()}},
        "strategy": strategy,
        "evaluator": EVALUATOR,
        "evaluator_options": {
            "network": dict(network),
            "weights": weights,
            "preset": preset,
            "class_weights": class_weights,
            "fidelity": fidelity,
        },
        "trials": trials,
        "seed": seed,
        "recipe": dataclasses.asdict(recipe),
        "child": {
            "train_images": train_images,
            "validation_images": validation_images,
            "skip_broken": skip_broken,
        },
        **TUNERS.get(strategy, {}),
    }
    if halving is not None:
        settings["halving"] = halving
    if first_epochs is not None:
        settings["first_epochs"] = first_epochs
    if not (output / "config.json").exists():
        return search.run(output, observers=observers, **settings, **execution)
    run = search.load(output)
    asked = create_configuration(settings).identity
    check_identity(
        output,
        {"config": _without_workers(run.config.identity)},
        {"config": _without_workers(asked)},
    )
    trials = max(trials, run.config.trials or 0)
    return search.resume(output, trials, observers=observers, **execution)


def values_of(
    network: Mapping[str, Any],
    recipe: Recipe,
    chosen: Mapping[str, Any],
    fixed: Iterable[str] = (),
    pretrained: bool = False,
) -> dict[str, Any]:
    """The values of a training that are searched: those chosen, or else those
    of `VALUES` that the network follows and that are not fixed.

    Args:
        network: The argument `network` of `TrainingSettings`.
        recipe: The values that are not searched.
        chosen: The choices of each value, by name.
        fixed: The names of the values that are fixed.
        pretrained: Whether the network begins with weights; else no epochs
            are frozen. Default False.

    Raises:
        InputError: A value is both chosen and fixed, or has no effect on the
            network.
    """
    unsupported = find_kind(network["architecture"]["kind"]).unsupported
    for name in chosen:
        if name in fixed:
            raise InputError(
                f"Expected `{name}` as an option or as a value to tune. "
                "Received: both."
            )
        if name in unsupported:
            raise InputError(
                f"Invalid name in `values`. Expected none that the network "
                f"does not follow: {unsupported[name]}. Received: {name}."
            )
    if chosen:
        return dict(chosen)
    left_out = {*fixed, *unsupported}
    if not pretrained:
        left_out.add("frozen_epochs")
    return {
        name: [
            choice
            for choice in choices
            if name != "frozen_epochs" or int(choice) < recipe.epochs
        ]
        for name, choices in VALUES.items()
        if name not in left_out
    }


def options_of(run: Run) -> str:
    """The options of `nasnet-train run` with the best values so far; empty
    if there are none."""
    best = run.best
    if best is None:
        return ""
    return shlex.join(
        word
        for name, value in run.space.decode(best.decisions).values
        for word in (f"--{name.replace('_', '-')}", str(value))
    )


def _without_workers(identity: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without those that follow from the workers of the first
    call."""
    kept = {name: each for name, each in identity.items() if name != "lag"}
    return {**kept, "child": {**kept["child"], "threads": None}}
