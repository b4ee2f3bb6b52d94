"""What a person sees of a search that runs: a display that changes in place,
or a line per trial."""

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from nasnet_keras.console.activity import Activity, ActivityDisplay
from nasnet_keras.console.live import create_live, is_live
from search.observers.base import Observer
from search.observers.text import (
    count_trainings,
    duration_text,
    later_stage,
    outcome_text,
    plan_lines,
    print_text,
)
from search.trial import Stage, Trial, TrialState, count_done, ranked

# Of a training of the shared network, where there is no live display.
SECONDS_BETWEEN_LINES = 60


def create_display(console: Console) -> "Display":
    """A live display on a terminal and in a notebook, elsewhere a line per
    trial."""
    return LiveDisplay(console) if is_live(console) else Display(console)


class Beginning(Observer):
    """Has the display of the activity pause while there is that of the
    search."""

    def __init__(self, activity: ActivityDisplay) -> None:
        self._activity = activity

    def read(self, notes: Sequence[str]) -> None:
        self._activity.pause()

    def end(self) -> None:
        self._activity.resume()


class Display(Observer):
    """Prints a line per trial, and while one lasts a line a minute on it.

    Args:
        console: Where to print.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.total = 0
        self.done = 0
        self.best: Trial | None = None
        self.under_way: dict[int, float] = {}  # since when, by number
        self.last: Trial | None = None
        self._done_before = 0
        self._began = time.monotonic()
        self._end: float | None = None
        self._planned_end: float | None = None
        self._stages: Sequence[Stage] = ()
        self._trainings: Counter[int] = Counter()
        self._training = (0, 0, math.nan)  # the step, the last one, the loss
        self._step_ended: float | None = None  # None after a child
        self._steps, self._step_seconds = 0, 0.0  # of this process
        self._said = time.monotonic()
        self._activities: dict[int, Activity] = {}  # of those under way

    def read(self, notes: Sequence[str]) -> None:
        for note in notes:
            print_text(self.console, note)

    def begin(self, trials: Sequence[Trial], total: int) -> None:
        self.total = total
        self.done = count_done(trials)
        self._trainings = count_trainings(trials)
        self.best = next(iter(ranked(trials)), None)
        self._done_before = self.done
        self._began = time.monotonic()

    def planned(self, stages: Sequence[Stage], ended: int, left: float) -> None:
        self._planned_end = time.monotonic() + left
        self._stages = list(stages)
        if stages:
            self.total = stages[0].children
        for line in plan_lines(stages, ended, left):
            print_text(self.console, line)

    def proposed(self, trial: Trial) -> None:
        self.under_way[trial.number] = self._said = time.monotonic()

    def going_on(self, number: int, activity: Activity) -> None:
        self._activities[number] = activity
        now = time.monotonic()
        if (
            number in self.under_way
            and now - self._said > SECONDS_BETWEEN_LINES
        ):
            self._said = now
            self.show_activity()

    def show_activity(self) -> None:
        """Shows how far the first of the children under way is."""
        print_text(self.console, self.now_text)

    @property
    def now_text(self) -> str:
        """What is done for the children under way, empty if there are none."""
        if not self.under_way:
            return ""
        number, began = next(iter(self.under_way.items()))
        text = f"trial {number}, {duration_text(time.monotonic() - began)}"
        if number in self._activities:
            text += f": {self._activities[number]}"
        if len(self.under_way) > 1:
            text += f", and {len(self.under_way) - 1} more"
        return text

    def trained(self, step: int, last: int, loss: float) -> None:
        now = time.monotonic()
        if self._step_ended is None:
            self._said = now
        else:
            self._steps += 1
            self._step_seconds += now - self._step_ended
        self._step_ended = now
        self._training = (step, last, loss)
        # The pace of children counts from here on.
        self._began, self._done_before = now, self.done
        if step == last or now - self._said > SECONDS_BETWEEN_LINES:
            self._said = now
            self.show_training()

    def show_training(self) -> None:
        """Shows how far the shared network is trained."""
        print_text(self.console, f"shared network: {self.training_text}")

    @property
    def training_text(self) -> str:
        """How far the shared network is trained, empty if there is none."""
        step, last, loss = self._training
        if not last:
            return ""
        text = f"step {step:,} of {last:,}, loss {loss:.2f}"
        if self._training_left:
            text += f", {duration_text(self._training_left)} left"
        return text

    @property
    def _training_left(self) -> float:
        """The seconds that the training of the shared network will take."""
        step, last, _ = self._training
        return self._step_seconds / max(1, self._steps) * (last - step)

    def finished(
        self, trial: Trial, best: Trial | None, metrics: Mapping[str, float]
    ) -> None:
        self.done += trial.state.counts and not trial.went_on
        if trial.state is TrialState.COMPLETE:
            self._trainings[len(trial.evaluations)] += 1
        self.last = trial
        self._step_ended = None
        self.under_way.pop(trial.number, None)
        self._activities.pop(trial.number, None)
        self.best = best
        now = time.monotonic()
        done = self.done - self._done_before
        if done:
            pace = (now - self._began) / done
            left = pace * (self.total - self.done) + self._training_left
            self._end = now + left
        self.show()

    def show(self) -> None:
        """Shows that a trial has finished; a refused one took no time."""
        if self.last is not None and self.last.state is TrialState.REFUSED:
            return
        stage, done, total = self.standing
        parts = [f"{stage}{done}/{total}", outcome_text(self.last)]
        if self.best is not None:
            parts.append(f"best {self.best.reward_text} ({self.best.number})")
        if self.left is not None:
            parts.append(f"{duration_text(self.left)} left")
        print_text(self.console, "  ".join(parts))

    @property
    def standing(self) -> tuple[str, int, int]:
        """What comes before the numbers of children that are done and of all:
        nothing, or a later stage."""
        later = later_stage(self._trainings, self._stages)
        if later is None:
            return "", self.done, self.total
        number, trained = later
        children = self._stages[number - 1].children
        return f"stage {number} of {len(self._stages)}: ", trained, children

    @property
    def left(self) -> float | None:
        """The seconds that the rest will take, as planned, or at the pace so
        far of this process; None before its first child, and after the
        last."""
        if self._planned_end is not None:
            return max(0.0, self._planned_end - time.monotonic())
        if self._end is None or self.done >= self.total:
            return None
        return max(0.0, self._end - time.monotonic())


class LiveDisplay(Display):
    """Shows the trials done, the current child, its time, the last and the
    best reward and the time left in place."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._live = create_live(console, self.render)

    def begin(self, trials: Sequence[Trial], total: int) -> None:
        super().begin(trials, total)
        self._live.start()

    def show(self) -> None:
        self._live.refresh()

    def show_training(self) -> None:
        self._live.refresh()

    def show_activity(self) -> None:
        """The display shows it by itself."""

    def end(self) -> None:
        self._live.stop()

    def render(self) -> RenderableType:
        """What there is to see now."""
        stage, done, total = self.standing
        rows: list[tuple[str, RenderableType]] = [
            ("Done", f"{stage}{done} of {total} children"),
            ("", ProgressBar(total, done, width=40)),
        ]
        if self.now_text:
            rows.append(("Now", Text(self.now_text)))
        if self.training_text:
            rows.append(("Shared", self.training_text))
        if self.last is not None:
            rows.append(("Last", Text(outcome_text(self.last))))
        if self.best is not None:
            rows.append(
                (
                    "Best",
                    f"reward {self.best.reward_text}, trial {self.best.number}",
                )
            )
        if self.left is not None:
            rows.append(("Left", f"about {duration_text(self.left)}"))
        table = Table.grid(padding=(0, 2))
        for row in rows:
            table.add_row(*row)
        return table
