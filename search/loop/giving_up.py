"""When a search gives up: `GivingUp`.

Neither Keras nor TensorFlow is imported here.
"""

from collections.abc import Sequence

from nasnet_keras.quotation import quoted
from search.executors.base import SearchError
from search.trial import Trial, TrialState

# So many failed children at the start, or so many refused in a row.
FAILURES_AT_START = 10
REFUSED_IN_A_ROW = 1000


class GivingUp:
    """Sees the trials of a search as they end, and gives up when the first
    children all fail, when the constraints let nothing through, or when a
    child does not tell what the search weighs.

    Args:
        costs: The metrics that the search weighs. Default: none.
    """

    def __init__(self, costs: Sequence[str] = ()) -> None:
        self._costs = costs
        self._refused = 0  # in a row
        self._failed_at_start: list[Trial] | None = []

    def see(self, trial: Trial) -> None:
        """Takes note of a trial that has ended, or gone on.

        Raises:
            SearchError: The search is to give up.
        """
        if trial.state is TrialState.COMPLETE:
            self._failed_at_start = None
            self._check_costs(trial)
        if self._failed_at_start is not None and trial.state.counts:
            self._failed_at_start.append(trial)
            if len(self._failed_at_start) == FAILURES_AT_START:
                raise all_failed(self._failed_at_start)
        refused = trial.state is TrialState.REFUSED
        self._refused = self._refused + 1 if refused else 0
        if self._refused == REFUSED_IN_A_ROW:
            raise SearchError(
                f"{self._refused} proposals in a row were refused, the last "
                f"because: {trial.reason}"
            )

    def _check_costs(self, trial: Trial) -> None:
        metrics = trial.evaluations[-1].metrics
        for cost in self._costs:
            if cost not in metrics:
                raise SearchError(
                    f"The search weighs the cost {quoted(cost)}, which the "
                    "evaluator does not tell. Expected one of "
                    f"{', '.join(metrics) or 'none'}: begin another run."
                )


def all_failed(trials: Sequence[Trial]) -> SearchError:
    """What ends a search none of whose children could be evaluated."""
    failed = [trial for trial in trials if trial.state is TrialState.FAILED]
    return SearchError(
        f"All {len(failed)} children that were evaluated failed, the last "
        f"because: {failed[-1].reason}"
    )
