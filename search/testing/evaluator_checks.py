"""What `search.evaluation.base` promises, as checks of one evaluator."""

import json
import math
import tempfile
from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any

from search.evaluation.base import Child, Evaluator
from search.testing.contract import ContractError, expect

SHARED_WEIGHTS = ("watch", "suggest", "accuracy", "extract_child")


def check_evaluator(evaluator: Evaluator, architecture: Any) -> None:
    """Checks that an evaluator keeps the contract of `Evaluator`.

    Args:
        evaluator: The evaluator, of children that take little time: one is
            evaluated three times.
        architecture: A child that it can evaluate.

    Raises:
        ContractError: It does not keep it.

    Example:

    >>> from search.evaluation.base import Evaluator
    >>> from search.trial import Evaluation
    >>> class Length(Evaluator):
    ...     def evaluate(self, child):
    ...         return Evaluation(float(len(child.architecture)))
    ...     def describe(self):
    ...         return {"data": "none"}
    >>> check_evaluator(Length(), "abc")
    """
    for check in EVALUATOR_CHECKS:
        check(evaluator, architecture)


def check_the_same_child_is_the_same(
    evaluator: Evaluator, architecture: Any
) -> None:
    """The outcome depends on the child alone, and rewards are numbers."""
    child = Child(0, architecture, seed=3)
    one, other = (evaluator.evaluate(child) for _ in range(2))
    expect(
        math.isfinite(one.reward),
        f"A reward should be a finite number. Received: {one.reward!r}.",
    )
    expect(
        (one.reward, one.metrics, one.budget)
        == (other.reward, other.metrics, other.budget),
        "Two evaluations of a child should come to the same. Received: "
        f"{one} and {other}.",
    )


def check_description(evaluator: Evaluator, architecture: Any) -> None:
    """`describe` is JSON data, the same each time."""
    described = evaluator.describe()
    try:
        again = json.loads(json.dumps(described))
    except TypeError as error:
        raise ContractError(
            f"`describe` should return JSON data. Received: {described!r} "
            f"({error})."
        ) from error
    expect(
        again == described == evaluator.describe(),
        "`describe` should return JSON data (lists, no tuples; keys that are "
        f"text), the same each time. Received: {described!r}.",
    )


def check_costs(evaluator: Evaluator, architecture: Any) -> None:
    """`costs` are finite numbers by name."""
    costs = evaluator.costs(architecture)
    expect(
        isinstance(costs, Mapping)
        and all(
            isinstance(name, str)
            and isinstance(value, Real)
            and math.isfinite(value)
            for name, value in costs.items()
        ),
        f"`costs` should be finite numbers by name. Received: {costs!r}.",
    )


def check_shared_weights(evaluator: Evaluator, architecture: Any) -> None:
    """`shared_weights` can do what `SharedWeights` says, or is None."""
    shared = evaluator.shared_weights
    missing = [name for name in SHARED_WEIGHTS if not hasattr(shared, name)]
    expect(
        shared is None or not missing,
        f"`shared_weights` should have {', '.join(missing)}.",
    )


def check_networks(evaluator: Evaluator, architecture: Any) -> None:
    """An evaluator that builds networks leaves weights that they load; and
    `describe` says how to build them."""
    try:
        network = evaluator.build(architecture)
    except ValueError:
        return  # It trains no networks.
    arguments = evaluator.describe().get("network")
    expect(
        isinstance(arguments, dict) and arguments,
        "`describe` should hold the arguments of `build` under `network`: "
        "`export` and `retrain` make the network again by them.",
    )
    expect(
        evaluator.costs(architecture).get("parameters", 0) > 0,
        "`costs` should give the `parameters` of a network.",
    )
    with tempfile.TemporaryDirectory() as folder:
        child = Child(0, architecture, seed=3, folder=Path(folder))
        evaluator.evaluate(child)
        if child.weights is not None and child.weights.exists():
            network.load_weights(child.weights)
        else:
            expect(
                evaluator.shared_weights is not None,
                "`evaluate` should leave the trained weights in "
                "`child.weights`.",
            )


EVALUATOR_CHECKS = (
    check_the_same_child_is_the_same,
    check_description,
    check_costs,
    check_shared_weights,
    check_networks,
)
