"""The curves of a search for TensorBoard."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from search.observers.base import Observer
from search.trial import Trial, TrialState


class TensorBoardObserver(Observer):
    """Writes rewards and the strategy's metrics as event files; the step is
    the trial's number, for the loss of a shared network that of its training.

    A resumed run adds an event file that begins where the last one ended:
    only what was on disk when the run was killed is written, once; steps of a
    shared network that are taken again are written again. TensorFlow
    is imported when the search begins.

    Args:
        directory: Where the event files go.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._writer: Any = None

    def begin(self, trials: Sequence[Trial], total: int) -> None:
        import tensorflow as tf

        with _complaining():
            # The name may hold any bytes.
            name = os.fsencode(self._directory)
            self._writer = tf.summary.create_file_writer(name)

    def trained(self, step: int, last: int, loss: float) -> None:
        self._write(step, {"shared/loss": loss})

    def finished(
        self, trial: Trial, best: Trial | None, metrics: Mapping[str, float]
    ) -> None:
        scalars = dict(metrics)
        evaluation = trial.evaluation
        if trial.state is TrialState.COMPLETE and evaluation is not None:
            name = f"_at_{evaluation.budget:g}" if trial.went_on else ""
            scalars[f"search/reward{name}"] = evaluation.reward
            scalars[f"search/seconds{name}"] = sum(evaluation.seconds.values())
            if best is not None and best.reward is not None:
                scalars[f"search/best_reward{name}"] = best.reward
        self._write(trial.number, scalars)

    def _write(self, step: int, scalars: Mapping[str, float]) -> None:
        import tensorflow as tf

        with _complaining():
            with self._writer.as_default(step=step):
                for name, value in scalars.items():
                    tf.summary.scalar(name, value)
            # A kill loses the current point at most.
            self._writer.flush()

    def end(self) -> None:
        if self._writer is not None:
            with _complaining():
                self._writer.close()


@contextlib.contextmanager
def _complaining() -> Iterator[None]:
    """Raises:
    OSError: The event files cannot be written, as on a full disk.
    """
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        reason = error.message.rpartition("}} ")[2].partition(" [Op:")[0]
        reason = reason.splitlines()[0]
        raise OSError(f"event files of TensorBoard: {reason}") from None
