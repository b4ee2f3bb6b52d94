"""Who watches a search: displays, TensorBoard, a user's own function."""

from collections.abc import Callable, Mapping, Sequence

from nasnet_keras.console.activity import Activity
from search.trial import Stage, Trial


class Observer:
    """Is told what happens in a search; by default does nothing with it.

    What an observer hears of is on disk already. It cannot change the search.
    """

    def begin(self, trials: Sequence[Trial], total: int) -> None:
        """The search begins, or resumes after these trials, until `total`
        trials count."""

    def read(self, notes: Sequence[str]) -> None:
        """The data were read, before the search begins: sentences on what was
        read, what was not, and what may surprise."""

    def planned(self, stages: Sequence[Stage], ended: int, left: float) -> None:
        """The stages of a search of so many hours were decided, or those that
        follow the `ended` first ones decided anew; none are decided when such
        a search begins. `left` seconds remain."""

    def proposed(self, trial: Trial) -> None:
        """The evaluation of this trial begins."""

    def going_on(self, number: int, activity: Activity) -> None:
        """The child of this trial has a new activity; called each time that
        one is reported."""

    def trained(self, step: int, last: int, loss: float) -> None:
        """The network whose weights all children share has made a step of its
        training, the loss before being `loss`; `last` is the last one."""

    def finished(
        self, trial: Trial, best: Trial | None, metrics: Mapping[str, float]
    ) -> None:
        """A trial is finished, or has gone on. `best` is the best so far, if
        any is complete. `metrics` are numbers about the learning step that the
        strategy took since the last call, if it took one."""

    def end(self) -> None:
        """The search has ended or was broken off."""


class Callback(Observer):
    """Calls a function with each finished trial."""

    def __init__(self, function: Callable[[Trial], object]) -> None:
        self._function = function

    def finished(
        self, trial: Trial, best: Trial | None, metrics: Mapping[str, float]
    ) -> None:
        self._function(trial)
