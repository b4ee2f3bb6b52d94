"""The trials worth keeping when a child should be accurate and cheap:
`pareto_front`.

Neither Keras nor TensorFlow is imported here.
"""

import math
from collections.abc import Iterable

from search.trial import Trial, TrialState


def pareto_front(trials: Iterable[Trial], cost: str) -> list[Trial]:
    """The complete trials that no other beats.

    A trial beats another if it is at least as accurate and costs no more,
    and is better in one of the two. Of trials that are equal in both, the
    first stands for all. A trial without the metric is left out.

    Args:
        trials: The trials of a search.
        cost: The name of the metric that should be low, such as
            `parameters`, `multiply_adds` or `latency`.

    Returns:
        The front by rising cost, and so by rising accuracy.

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
    >>> [trial.number for trial in pareto_front(trials, "parameters")]
    [1, 0]
    """
    points = sorted(
        (point[0], -point[1], trial.number, trial)
        for trial in trials
        if (point := cost_and_accuracy(trial, cost))
    )
    front: list[Trial] = []
    best = -math.inf
    for _, negative_accuracy, _, trial in points:
        if -negative_accuracy > best:
            best = -negative_accuracy
            front.append(trial)
    return front


def cost_and_accuracy(trial: Trial, cost: str) -> tuple[float, float] | None:
    """Where the trial lies: its cost, and its metric `accuracy`, or the
    reward where there is none. None if it is not complete, or one of the two
    is missing or no finite number."""
    evaluation = trial.evaluation
    if trial.state is not TrialState.COMPLETE or evaluation is None:
        return None
    value = evaluation.metrics.get(cost, math.nan)
    accuracy = evaluation.metrics.get("accuracy", evaluation.reward)
    if not (math.isfinite(value) and math.isfinite(accuracy)):
        return None
    return value, accuracy
