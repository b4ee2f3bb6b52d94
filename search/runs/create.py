"""The parts of a run, made from its configuration.

Neither Keras nor TensorFlow is imported here before `create_evaluator`.
"""

import functools
import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nasnet_keras.console.command_line import (
    InputError,
    import_tensorflow,
    provenance,
)
from nasnet_keras.files import write_json
from nasnet_keras.quotation import quoted
from nasnet_keras.training.data.datasets import ARRAYS
from search.evaluation import create_evaluator as create_evaluator_by_name
from search.evaluation import find_evaluator
from search.evaluation.base import ChildSettings, Evaluator
from search.evaluation.objective import HARD, SOFT, ObjectiveEvaluator
from search.loop.halving import Hyperband, SuccessiveHalving
from search.loop.plan import (
    LEAST,
    MOST_CHILDREN,
    PlannedRungs,
    first_budget,
)
from search.loop.schedule import AllAtOnce, Schedule
from search.runs.config import RunConfig
from search.runs.objective_config import ObjectiveConfig
from search.spaces.base import SearchSpace, lacks
from search.storage import SQLiteStorage
from search.storage.run_folder import SCHEMA_VERSION, RunDirectory


def create_run(
    directory: RunDirectory,
    config: RunConfig,
    identity: Mapping[str, Any],
    given: Sequence[str] = (),
) -> None:
    """Writes what a run has before its first trial.

    Args:
        directory: The folder, empty.
        config: The configuration.
        identity: What makes the run what it is, as JSON data.
        given: The arguments that only Python can give it again.
    """
    directory.children.mkdir()
    SQLiteStorage.create(directory.database, identity)
    record = {
        "schema": SCHEMA_VERSION,
        **provenance(),
        "config": config.model_dump(mode="json"),
        "given": list(given),
    }
    write_json(directory.configuration, record)


def check_hours(config: RunConfig, space: SearchSpace) -> None:
    """Raises:
    InputError: The space has too few architectures for a plan of hours.
    """
    if config.hours is not None and space.size < LEAST:
        raise InputError(
            "Invalid value for argument `hours`. Expected `trials` with a "
            f"space of fewer than {LEAST} architectures. Received: "
            f"hours={config.hours:g}."
        )


def create_schedule(
    config: RunConfig,
    workers: int,
    evaluator: Mapping[str, Any],
    plan: Mapping[str, Any] | None = None,
    most: int = MOST_CHILDREN,
) -> Schedule:
    """How many children of a run begin, and which train further.

    Args:
        config: The configuration.
        workers: How many children are trained at a time.
        evaluator: What the evaluator's `describe` returns, which may say how
            many `train_images` an epoch has.
        plan: The plan so far of a resumed run of so many hours.
        most: How many children there can be. Default: any number.
    """
    if config.hours is not None:
        first = config.first_epochs or first_budget(
            config.hours, workers, evaluator.get("train_images")
        )
        return PlannedRungs(config.hours, workers, first, plan, most)
    total = config.trials or 0
    if config.halving is None:
        return AllAtOnce(total)
    schedule = Hyperband if config.brackets else SuccessiveHalving
    return schedule(
        total, config.first_epochs or 1, config.recipe.epochs, config.halving
    )


def create_evaluator(
    config: RunConfig,
    evaluator: Evaluator | Callable[[], Evaluator] | None = None,
) -> Evaluator:
    """The evaluator of a run: children are trained on the run's data, or by
    the given evaluator, or what makes it, for the run's objective.

    Raises:
        ValueError: The data set is missing or unusable.
    """
    if evaluator is None:
        evaluator = _create_named(config)
    else:
        evaluator = _made(evaluator)
        _check_method(evaluator, "evaluate", "child")
        _check_method(evaluator, "describe")
    objective = config.objective
    if objective == ObjectiveConfig():
        return evaluator
    return ObjectiveEvaluator(
        evaluator,
        objective.reward,
        objective.cost,
        objective.target,
        HARD if objective.hard else SOFT,
        objective.limits,
        objective.latency_table,
        objective.latency_runtime,
        objective.latency_command,
        objective.latency_int8,
        config.create_space().kind_name,
    )


def create_scorer(config: RunConfig, name: str) -> Any:
    """A `ScoreEvaluator` of the children of a run, beside its evaluator.

    Args:
        config: The configuration.
        name: Its key in `EVALUATORS`.

    Raises:
        ValueError: The data set is missing or unusable.
    """
    return create_evaluator_by_name(name, _settings(config, name), {})


def create_evaluator_of_arrays(
    config: RunConfig, arrays: Sequence[Any]
) -> Evaluator:
    """The evaluator of a run, on images and labels that are given.

    Raises:
        ValueError: They are unusable.
    """
    return create_evaluator(config, lambda: _create_named(config, arrays))


def _made(create: Any) -> Evaluator:
    """What makes an evaluator has made it, or it is one.

    Raises:
        ValueError: It makes none.
    """
    if isinstance(create, Evaluator):
        return create
    received = f"{quoted(create)} of type {type(create).__name__}"
    if inspect.isabstract(create):
        lacking = " and ".join(sorted(map(repr, create.__abstractmethods__)))
        received = f"{create.__name__}, which has no {lacking}"
    elif isinstance(create, _MAKERS):
        if not _takes(create):
            raise ValueError(
                "Invalid value for argument `evaluator`. Expected what makes "
                "one without arguments, such as `lambda: MyEvaluator(...)`. "
                f"Received: {received}, which needs arguments."
            )
        evaluator = create()
        if isinstance(evaluator, Evaluator):
            return evaluator
        received = f"what makes a {type(evaluator).__name__}"
    raise ValueError(
        "Invalid value for argument `evaluator`. Expected a subclass of "
        "`search.Evaluator` with `evaluate` and `describe`, an instance, or a "
        f"function that makes one. Received: {received}."
    )


# What is called for an evaluator; a model of Keras can be called too.
_MAKERS = (
    *(type, types.FunctionType, types.MethodType, types.BuiltinFunctionType),
    functools.partial,
)


def _takes(function: Any, *arguments: str) -> bool:
    """Whether a function can be called with so many arguments."""
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        return False
    except ValueError:  # It does not say what it takes.
        return True
    return True


def _check_method(evaluator: Evaluator, name: str, *arguments: str) -> None:
    """Raises:
    ValueError: An evaluator's method takes something else.
    """
    method = getattr(evaluator, name)
    if not _takes(method, *arguments):
        taken = ", ".join(("self", *arguments))
        raise ValueError(
            f"Invalid `{name}` of {type(evaluator).__name__}. Expected "
            f"`{name}({taken})`. Received: `{name}"
            f"{inspect.signature(method)}`."
        )


def _create_named(
    config: RunConfig, arrays: Sequence[Any] | None = None
) -> Evaluator:
    name = config.evaluator_name
    settings = _settings(config, name, arrays)
    return create_evaluator_by_name(
        name, settings, config.all_evaluator_options
    )


def _settings(
    config: RunConfig, name: str, arrays: Sequence[Any] | None = None
) -> ChildSettings:
    """What an evaluator of the run is created with.

    Raises:
        InputError: The images are missing, or the space lacks what the
            evaluator needs.
    """
    if config.dataset == ARRAYS and arrays is None:
        raise InputError(
            "The run was begun with arrays, which are not kept with it. "
            "Expected them, from Python: `search.resume(run, dataset=(images, "
            "labels))`; what else needs them takes the path of an `.npz` file."
        )
    if config.dataset is None:
        raise InputError(
            "Expected a `dataset`, a name or a path, or an `evaluator` from "
            "Python. Received: neither."
        )
    space = config.create_space()
    needs = find_evaluator(name).needs
    for need in sorted(needs - space.capabilities):
        raise InputError(lacks(space, need))
    import_tensorflow()
    child = config.child
    return ChildSettings(
        space=space,
        dataset=config.dataset if arrays is None else arrays,
        recipe=config.recipe,
        seed=config.seed,
        scale=child.scale,
        image_size=child.image_size,
        train_images=child.train_images,
        validation_images=child.validation_images,
        threads=child.threads,
        skip_broken=child.skip_broken,
    )
