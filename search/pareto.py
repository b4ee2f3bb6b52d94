"""The trials worth keeping when a child should be accurate and cheap:
`pareto_front`, `fronts_of`, `hypervolume`.

Neither Keras nor TensorFlow is imported here.
"""

import math
from collections.abc import Iterable, Sequence

from nasnet_keras.quotation import quoted
from search.trial import UNWEIGHED, Trial, TrialState


def pareto_front(trials: Iterable[Trial], costs: Sequence[str]) -> list[Trial]:
    """The complete trials that no other beats.

    A trial beats another if it is at least as accurate and costs no more, and
    is better in one of these. Of trials that are equal in all of these, only
    the first is in the front. A trial without one of the metrics is left out.

    Args:
        trials: The trials of a search.
        costs: The names of the metrics that should be low, such as
            `parameters`, `multiply_adds` or `latency`.

    Returns:
        The front by rising cost, the first one first; with one cost so by
        rising accuracy.

    Raises:
        ValueError: `costs` is a text, and no list of names.

    Example:

    >>> from search.trial import Evaluation
    >>> trials = [
    ...     Trial(
    ...         number,
    ...         (),
    ...         TrialState.COMPLETE,
    ...         (Evaluation(reward, metrics={"parameters": parameters}),),
    ...     )
    ...     for number, (reward, parameters) in enumerate(
    ...         [(0.9, 30.0), (0.7, 10.0), (0.6, 20.0)]
    ...     )
    ... ]
    >>> [trial.number for trial in pareto_front(trials, ["parameters"])]
    [1, 0]
    """
    front: list[tuple[tuple[float, ...], Trial]] = []
    for point, trial in _points(trials, costs):
        if not any(_at_least(other, point) for other, _ in reversed(front)):
            front.append((point, trial))
    return [trial for _, trial in front]


def fronts_of(
    trials: Iterable[Trial], costs: Sequence[str]
) -> list[list[Trial]]:
    """The Pareto front of the trials, then that of those without it, and so
    on; of trials that are equal in all, the later is in a later front.

    Args:
        trials: The trials.
        costs: See `pareto_front`.
    """
    fronts: list[list[tuple[tuple[float, ...], Trial]]] = []
    for point, trial in _points(trials, costs):
        # The first front whose members do not beat it has room for it.
        for front in fronts:
            if not any(_at_least(other, point) for other, _ in reversed(front)):
                front.append((point, trial))
                break
        else:
            fronts.append([(point, trial)])
    return [[trial for _, trial in front] for front in fronts]


def _points(
    trials: Iterable[Trial], costs: Sequence[str]
) -> list[tuple[tuple[float, ...], Trial]]:
    """Where the trials lie, all lower is better; in an order in which no later
    one beats an earlier one."""
    if isinstance(costs, str):
        raise ValueError(
            "Invalid value for argument `costs`. Expected a list of names of "
            f"metrics, such as [{costs!r}]. Received: costs={quoted(costs)}."
        )
    points = []
    for trial in trials:
        if point := costs_and_accuracy(trial, costs):
            points.append(((*point[:-1], -point[-1]), trial))
    return sorted(points, key=lambda pair: (pair[0], pair[1].number))


def _at_least(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether it is no worse in anything; lower is better."""
    return all(a <= b for a, b in zip(one, other, strict=True))


def costs_and_accuracy(
    trial: Trial, costs: Sequence[str]
) -> tuple[float, ...] | None:
    """Where the trial lies: its costs, and what it is rewarded for, an
    accuracy unless the evaluator is another, before costs weigh it. None if
    it is not complete, or one of these is missing or no finite number."""
    evaluation = trial.evaluation
    if trial.state is not TrialState.COMPLETE or evaluation is None:
        return None
    accuracy = evaluation.metrics.get(UNWEIGHED, evaluation.reward)
    values = [evaluation.metrics.get(cost, math.nan) for cost in costs]
    point = (*values, accuracy)
    return point if all(map(math.isfinite, point)) else None


def hypervolume(
    front: Iterable[tuple[float, float]], reference: float
) -> float:
    """The area that a front covers: between its accuracies and 0, and its
    costs and a reference, in factors of e. The larger the better; fronts are
    compared by the same reference.

    Args:
        front: Costs and accuracies, by rising cost and accuracy. A cost of 0,
            which has no logarithm, is left out.
        reference: A cost, such as the largest of all trials compared.

    Example:

    >>> round(hypervolume([(1.0, 0.5), (2.0, 0.75)], reference=4.0), 4)
    0.8664
    """
    points = [
        (cost, accuracy) for cost, accuracy in front if 0 < cost < reference
    ]
    area = 0.0
    for position, (cost, accuracy) in enumerate(points):
        following = [cost for cost, _ in points[position + 1 :]] or [reference]
        area += accuracy * math.log(following[0] / cost)
    return area
