"""What the first call of a run decides, and what later ones may change.

Neither Keras nor TensorFlow is imported here before it is needed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from nasnet_keras.console.command_line import InputError, import_tensorflow
from nasnet_keras.processor import usable_cores
from nasnet_keras.quotation import quoted
from nasnet_keras.training.data.datasets import ARRAYS, resolve_source
from search.evaluation import evaluator_class
from search.executors.configuration import ExecutionConfig
from search.runs.arguments import check_argument
from search.runs.config import RunConfig, create_configuration
from search.spaces import name_space
from search.spaces.base import SearchSpace
from search.trial import Trial, count_done


def settle(
    config: RunConfig | None,
    settings: Mapping[str, Any],
    execution: ExecutionConfig,
) -> RunConfig:
    """The configuration of a run that begins: a path to data made absolute,
    so that it can be resumed from elsewhere, and settled what the first call
    decides and no later one changes."""
    values = config.model_dump() if config else {}
    for name, value in settings.items():
        before = values.get(name)
        if isinstance(before, dict) and isinstance(value, Mapping):
            value = {**before, **value}
        values[name] = value
    dataset = values.get("dataset")
    if dataset is not None and not (
        isinstance(dataset, str) and dataset == ARRAYS
    ):
        check_argument("dataset", dataset)
        values["dataset"] = resolve_source(dataset)
    if isinstance(values.get("space"), SearchSpace):
        if settings.get("space_options"):
            raise InputError(
                "Invalid value for argument `space_options`. Expected none "
                "beside a space that is made already. Received: some."
            )
        try:
            name, options = name_space(values["space"])
        except ValueError as error:
            raise InputError(str(error)) from error
        values["space"], values["space_options"] = name, options
    if values.get("lag") is None:
        values["lag"] = execution.lag
    chosen = create_configuration(values)
    settled: dict[str, Any] = {}
    if chosen.child.threads is None and execution.lag:
        threads = max(1, usable_cores() // execution.workers)
        settled["child"] = chosen.child.model_copy(update={"threads": threads})
    if chosen.shares_weights:
        import_tensorflow()
        made = evaluator_class(chosen.evaluator_name)
        try:
            settled_options = made.settled(
                chosen.all_evaluator_options,
                chosen.trials or 0,
                chosen.recipe.epochs,
            )
        except ValueError as error:
            raise InputError(str(error)) from error
        settled["evaluator_options"] = dict(settled_options)
    return chosen.model_copy(update=settled)


def check_workers(
    config: RunConfig,
    execution: ExecutionConfig,
    arrays: Sequence[Any] | None,
) -> None:
    """Raises:
    InputError: There are more workers than the run can use.
    """
    if arrays is not None and execution.executor_name != "in-process":
        raise InputError(
            "Invalid value for argument `dataset`. Expected with workers "
            "a name or a path; save the arrays by `numpy.savez`. Received: "
            "arrays, which are of this process."
        )
    lag = config.lag or 0
    if config.shares_weights and execution.executor_name != "in-process":
        raise InputError(
            "Invalid value for argument `workers`. Expected 1, in process, "
            "with the evaluator shared, whose children share one network. "
            f"Received: workers={execution.workers}, "
            f"executor={quoted(execution.executor_name)}."
        )
    if execution.workers > lag + 1:
        raise InputError(
            f"Invalid value for argument `workers`. Expected at most {lag + 1}"
            f" for a run with a lag of {lag}, which evaluates no more children "
            f"at a time. Received: workers={execution.workers}."
        )


def with_trials(config: RunConfig, trials: int, done: list[Trial]) -> RunConfig:
    # What an older version allowed goes on.
    config = create_configuration(
        {**config.model_dump(), "trials": trials}, to_look=True
    )
    counted = count_done(done)
    if trials < counted:
        raise InputError(
            "Invalid value for argument `trials`. Expected a total of at "
            f"least {counted}, the trials already done. Received: "
            f"trials={trials}."
        )
    return config
