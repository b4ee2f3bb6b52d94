"""What says how good an architecture is: an evaluator a file, by name in
`EVALUATORS`.

Neither Keras nor TensorFlow is imported here, nor any evaluator before it is
created.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from nasnet_keras.own_modules import check_options, find_attribute
from nasnet_keras.quotation import quoted
from search.evaluation.base import (
    CHILD_UNSUPPORTED,
    SHARED_UNSUPPORTED,
    ChildSettings,
    Evaluator,
)
from search.spaces.base import Capability


def _never(options: Mapping[str, Any]) -> bool:
    return False


class EvaluatorRow(NamedTuple):
    """Facts about an evaluator that are known before its import.

    Attributes:
        location: The place of its class, "module:class".
        needs: The capabilities that a space must have.
        shares_weights: Whether its children share one network. Such children
            are evaluated in this process, one after the other, and all to the
            end.
        trains: Whether the reward of a child changes with more epochs.
        learns_by_gradients: Whether it chooses architectures by gradients with
            these options. Then what the reward weighs must have a gradient.
        unsupported: The values of a `Recipe` that the evaluator ignores, each
            with the reason.
    """

    location: str
    needs: frozenset[Capability] = frozenset({"network"})
    shares_weights: bool = False
    trains: bool = True
    learns_by_gradients: Callable[[Mapping[str, Any]], bool] = _never
    unsupported: Mapping[str, str] = CHILD_UNSUPPORTED


EVALUATORS: dict[str, EvaluatorRow] = {
    "training": EvaluatorRow("search.evaluation.training:TrainingEvaluator"),
    "int8": EvaluatorRow("search.evaluation.int8:Int8Evaluator"),
    "shared": EvaluatorRow(
        "search.evaluation.shared:SharedEvaluator",
        needs=frozenset({"network", "shared-weights"}),
        shares_weights=True,
        learns_by_gradients=lambda options: options.get("order") is not None,
        unsupported=SHARED_UNSUPPORTED,
    ),
    "gated": EvaluatorRow(
        "search.evaluation.gated:GatedEvaluator",
        needs=frozenset({"network", "paths"}),
        shares_weights=True,
        learns_by_gradients=lambda options: True,
        unsupported=SHARED_UNSUPPORTED,
    ),
    "parameters": EvaluatorRow(
        "search.evaluation.size:ParametersEvaluator", trains=False
    ),
    "multiply-adds": EvaluatorRow(
        "search.evaluation.size:MultiplyAddsEvaluator", trains=False
    ),
    "naswot": EvaluatorRow(
        "search.evaluation.naswot:NASWOTEvaluator", trains=False
    ),
    "jacobian-covariance": EvaluatorRow(
        "search.evaluation.jacobian_covariance:JacobianCovarianceEvaluator",
        trains=False,
    ),
}


def find_evaluator(name: str) -> EvaluatorRow:
    """What is known of an evaluator by name; of one of a user's own, named by
    "module:attribute", that it takes any space and follows any recipe. Nothing
    is imported.

    Raises:
        ValueError: There is no such evaluator.
    """
    if isinstance(name, str) and ":" in name:
        return EvaluatorRow(name, needs=frozenset(), unsupported={})
    if not isinstance(name, str) or name not in EVALUATORS:
        raise ValueError(
            "Invalid value for argument `evaluator`. Expected one of "
            f"{', '.join(EVALUATORS)}, or 'module:attribute'. Received: "
            f"evaluator={quoted(name)}."
        )
    return EVALUATORS[name]


def evaluator_class(name: str) -> type[Evaluator]:
    """The class of an evaluator by name; imports it. Nothing else is taken,
    since the name may come from a file.

    Raises:
        ValueError: There is no such evaluator.
    """
    found = find_attribute(find_evaluator(name).location, "evaluator")
    if isinstance(found, type) and issubclass(found, Evaluator):
        if not inspect.isabstract(found):
            return found
    raise ValueError(
        "Invalid value for argument `evaluator`. Expected a subclass of "
        "`search.Evaluator` with `evaluate` and `describe`. Received: "
        f"evaluator={quoted(name)}."
    )


def create_evaluator(
    name: str, settings: ChildSettings, options: Mapping[str, Any]
) -> Evaluator:
    """Creates an evaluator by its name.

    Args:
        name: A key of `EVALUATORS`, or "module:attribute".
        settings: How the children of the run are made.
        options: The evaluator's own arguments.

    Raises:
        ValueError: There is no such evaluator, it has no such option, an
            option is out of range, or the data cannot be used.
    """
    made: Any = evaluator_class(name)
    check_options(f"the evaluator {name!r}", made, options, settings)
    return made(settings, **options)
