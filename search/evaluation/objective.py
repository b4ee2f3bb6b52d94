"""Objectives that weigh accuracy against cost, and constraints:
`ObjectiveEvaluator`.

Neither Keras nor TensorFlow is imported here before a latency is measured.
"""

import dataclasses
import functools
import math
import numbers
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nasnet_keras.console.command_line import InputError
from nasnet_keras.quotation import quoted
from search.evaluation.base import (
    Child,
    EvaluationError,
    Evaluator,
    NoNetworkError,
    Refusal,
)
from search.trial import UNWEIGHED, Evaluation

Costs = Mapping[str, float]

# The unit in which people read a cost.
UNITS = {"latency": " s"}

SOFT, HARD = (-0.07, -0.07), (0.0, -1.0)


def weighted_product(
    accuracy: float,
    cost: float,
    target: float,
    exponents: tuple[float, float] = SOFT,
) -> float:
    """MnasNet's objective: `accuracy * (cost / target) ** w`.

    Args:
        accuracy: The validation accuracy.
        cost: A latency, or any other cost.
        target: What the cost is wanted to be.
        exponents: w where the cost is within the target, and where it is
            above. `SOFT`, the default, trades one for the other everywhere;
            `HARD` leaves what is within the target alone.

    Reference:
        [Tan et al. 2019](https://arxiv.org/abs/1807.11626), equations 2 and 3
        and figure 3.

    Example:

    >>> weighted_product(0.5, cost=0.02, target=0.01, exponents=HARD)
    0.25
    """
    within, above = exponents
    return accuracy * (cost / target) ** (within if cost <= target else above)


def netscore(accuracy: float, parameters: float, multiply_adds: float) -> float:
    """NetScore: `20 log10(a ** 2 / (p ** 0.5 * m ** 0.5))`, with the accuracy
    in percent, and parameters and multiply-adds in millions (another unit adds
    a constant); at least 0, which is what a child that fails counts as.

    Reference:
        [Wong 2018](https://arxiv.org/abs/1806.05512), section 2.

    Example:

    >>> round(netscore(0.5, parameters=1e6, multiply_adds=1e8), 1)
    48.0
    """
    size = math.sqrt(parameters / 1e6 * multiply_adds / 1e6)
    return 20 * math.log10(max(1.0, (100 * accuracy) ** 2 / size))


class ObjectiveEvaluator(Evaluator):
    """Evaluates children by another evaluator, and rewards an objective.

    A child that costs too much is refused before its training. The costs are
    metrics, and so is what `evaluator` rewards, by the name `accuracy`, or
    `unweighed_reward` if costs weigh it.

    Args:
        evaluator: The evaluator that trains the children.
        objective: `"accuracy"`, `"mnasnet"` (`weighted_product`) or
            `"netscore"`.
        cost: The cost that the weighted product weighs, or that is reported
            beside the accuracy: `"latency"`, in seconds for one image,
            `"parameters"` or `"multiply_adds"`. None for no cost.
        target: The wanted value of that cost.
        exponents: See `weighted_product`.
        limits: The most that an architecture may cost, by cost.
        latency_table: A file of `nasnet-search latency-table`. By default the
            latency, if it is needed, is measured on this machine.
        latency_runtime: The runtime in which the latency is measured:
            `"keras"`, the default, or a format of `nasnet_keras.export`. Each
            network is exported to this format first.
        latency_command: A program and its arguments. The program measures the
            exported file elsewhere; see
            `nasnet_keras.deployment.latency.command.seconds_by_command`. By
            default this machine measures.
        latency_int8: Whether networks are quantised before they are measured,
            in a runtime that has int8. Default False.
        kind: That of the architectures, of which a table has to be. Default:
            as the table.

    Raises:
        ValueError: A value is missing or unknown, the file is no table, the
            runtime is not installed, or there is no such program.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        objective: str = "accuracy",
        cost: str | None = None,
        target: float | None = None,
        exponents: tuple[float, float] = SOFT,
        limits: Costs | None = None,
        latency_table: Path | None = None,
        latency_runtime: str = "keras",
        latency_command: str | None = None,
        latency_int8: bool = False,
        kind: str | None = None,
    ) -> None:
        if objective == "mnasnet" and not (cost and target):
            raise ValueError(
                "Invalid value for argument `cost` or `target`. Expected with "
                "objective='mnasnet' a cost and what it is wanted to be. "
                f"Received: cost={quoted(cost)}, target={quoted(target)}."
            )
        self.evaluator = evaluator
        self.shared_weights = evaluator.shared_weights
        self.notes = evaluator.notes
        self.limits = dict(limits or {})
        # By objective: the costs that it needs, and the reward.
        table: dict[str, tuple[tuple[str, ...], Callable[..., float]]] = {
            "accuracy": (
                (cost,) if cost else (),
                lambda accuracy, *costs: accuracy,
            ),
            "mnasnet": (
                (cost or "",),
                lambda accuracy, cost: weighted_product(
                    accuracy, cost, target or 1.0, exponents
                ),
            ),
            "netscore": (("parameters", "multiply_adds"), netscore),
        }
        if objective not in table:
            raise ValueError(
                "Invalid value for argument `objective`. Expected one of "
                f"{', '.join(table)}. Received: objective={quoted(objective)}."
            )
        self._needed, self._reward = table[objective]
        self._weighs = objective != "accuracy"
        if objective == "mnasnet" and cost and target:
            evaluator.weigh(functools.partial(self._cost, cost), target)
        self._measured: dict[str, float] = {}  # latency, by architecture
        self._runtime = latency_runtime
        self._command = latency_command
        self._int8 = latency_int8
        self._kind = kind
        self._check_runtime()
        self._table = (
            None if latency_table is None else self._load(latency_table)
        )

    def _check_runtime(self) -> None:
        """Raises:
        ValueError: The runtime is not installed, or there is no such program.
        """
        if self._command is not None:
            from nasnet_keras.deployment.latency.command import command_words

            command_words(self._command)
        if self._runtime != "keras":
            from nasnet_keras.deployment.formats import find_format

            find_format(self._runtime).check(int8=self._int8)

    def _load(self, path: Path) -> Any:
        """The table, if it is of networks as the evaluator trains them."""
        from nasnet_keras.deployment.latency.latency_table import LatencyTable

        try:
            table = LatencyTable.load(path)
        except OSError as error:
            raise ValueError(
                "Invalid value for argument `latency_table`. Expected a file "
                f"of `nasnet-search latency-table`. Received: {error}."
            ) from error
        if table.batch_size != 1:
            raise ValueError(
                "Invalid value for argument `latency_table`. Expected the "
                "seconds of one image. Received: a table of "
                f"{table.batch_size} images in a pass."
            )
        recorded = self.evaluator.describe().get("network")
        table.check_setting(self._kind, **(recorded or {}))
        return table

    def evaluate(self, child: Child) -> Evaluation:
        began = time.perf_counter()
        costs = self.costs(child.architecture)
        seconds = time.perf_counter() - began
        for name, limit in self.limits.items():
            # A child that goes on was let through before; a latency that is
            # measured again may be another.
            let_through = child.goes_on or child.is_begun
            if costs[name] > limit and not let_through:
                unit = UNITS.get(name, "")
                raise Refusal(
                    f"{name}: {costs[name]:.10g}{unit}, above the limit of "
                    f"{limit:.10g}{unit}."
                )
        evaluation = self.evaluator.evaluate(child)
        unweighed = {UNWEIGHED: evaluation.reward} if self._weighs else {}
        return dataclasses.replace(
            evaluation,
            reward=self._reward(
                evaluation.reward, *(costs[name] for name in self._needed)
            ),
            metrics={
                "accuracy": evaluation.reward,
                **evaluation.metrics,
                **unweighed,
                **costs,
            },
            seconds={"costs": seconds, **evaluation.seconds},
        )

    def costs(self, architecture: Any) -> Costs:
        told: Any = self.evaluator.costs(architecture)
        if not isinstance(told, Mapping) or not all(
            isinstance(cost, numbers.Real) for cost in told.values()
        ):
            raise InputError(
                f"Invalid `{type(self.evaluator).__name__}.costs`. Expected "
                f"numbers by name. Received: {quoted(told)}."
            )
        costs = dict(told)
        if "latency" in (*self._needed, *self.limits):
            costs["latency"] = self._latency(architecture)
        for name in (*self._needed, *self.limits):
            if name not in costs:
                raise InputError(
                    f"Expected an evaluator whose `costs` tell the {name}. "
                    f"Received: {type(self.evaluator).__name__}, which tells "
                    f"{', '.join(costs) or 'none'}."
                )
        return costs

    def _cost(self, name: str, architecture: Any) -> float:
        if name == "latency":
            return self._latency(architecture)
        return self.evaluator.costs(architecture)[name]

    def _latency(self, architecture: Any) -> float:
        """Seconds for one image; what the weights are does not matter."""
        if self._table is not None:
            try:
                return self._table.predict(architecture)
            except ValueError as error:
                raise InputError(str(error)) from None
        from nasnet_keras.deployment.latency.measurement import measure_latency

        name = str(architecture)
        if name not in self._measured:
            try:
                model = self.evaluator.build(architecture)
            except NoNetworkError as error:
                raise InputError(
                    f"The latency of a child cannot be measured. {error}"
                ) from None
            try:
                self._measured[name] = measure_latency(
                    model,
                    runtime=self._runtime,
                    command=self._command,
                    int8=self._int8,
                )
            except ValueError as error:
                self._check_runtime()  # else all children fail
                raise EvaluationError(
                    "The latency of the child cannot be measured: "
                    f"{str(error).rstrip('.')}."
                ) from error
        return self._measured[name]

    def outdated(self, number: int, folder: Path) -> bool:
        return self.evaluator.outdated(number, folder)

    def describe(self) -> dict[str, Any]:
        """The evaluator's, and the table's: what else is of the
        configuration is recorded with the run."""
        description = self.evaluator.describe()
        if self._table is None:
            return description
        return {**description, "latency": self._table.fingerprint}

    def build(self, architecture: Any) -> Any:
        return self.evaluator.build(architecture)
