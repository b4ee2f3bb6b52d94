"""Trials, plans and durations as people say them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console

from search.trial import Stage, Trial, TrialState, count_done


def done_text(
    trials: Sequence[Trial], total: int | None, stages: Sequence[Stage] = ()
) -> str:
    """One sentence on how many children are done, and how many of the stage
    that a planned search is in."""
    of = "" if total is None else f" of {total}"
    text = f"{count_done(trials)}{of} children done"
    later = later_stage(count_trainings(trials), stages)
    if later is not None:
        number, trained = later
        text += f", {trained} of {stages[number - 1].children} in stage "
        text += f"{number} of {len(stages)}"
    return f"{text}."


def count_trainings(trials: Iterable[Trial]) -> Counter[int]:
    """How many children have had a first training, a second, and so on."""
    return Counter(
        number
        for trial in trials
        if trial.duplicate_of is None
        for number in range(1, len(trial.evaluations) + 1)
    )


def later_stage(
    trainings: Mapping[int, int], stages: Sequence[Stage]
) -> tuple[int, int] | None:
    """The stage in which children were trained last, from 2, and how many
    were; None of a search that is in its first."""
    numbers = [each for each in range(2, len(stages) + 1) if each in trainings]
    return (numbers[-1], trainings[numbers[-1]]) if numbers else None


def plan_lines(stages: Sequence[Stage], ended: int, left: float) -> list[str]:
    """A line for each stage of a planned search that is to come."""
    if not stages[ended:]:
        return []
    lines = [f"Plan, {duration_text(left)} before the end:"]
    for number, stage in enumerate(stages[ended:], ended):
        who = "the best " if number else ""
        anew = " from the beginning" if number else ""
        lines.append(
            f"  {number + 1}. {who}{stage.children} children, each trained"
            f"{anew} for {stage.budget:.3g} epochs: "
            f"{duration_text(stage.seconds)}"
        )
    return lines


def outcome_text(trial: Trial | None) -> str:
    """One phrase on what became of a trial."""
    if trial is None:
        return ""
    name = f"trial {trial.number}"
    if trial.state is TrialState.COMPLETE:
        seconds = duration_text(trial.seconds)
        budget = ""
        if trial.went_on:
            budget = f" at {trial.evaluations[-1].budget:g} epochs"
        return f"{name}: reward {trial.reward_text}{budget} in {seconds}"
    if trial.state is TrialState.DUPLICATE:
        return f"{name}: the same as trial {trial.duplicate_of}"
    return f"{name}: {trial.state.value}. {trial.reason or ''}".rstrip()


def duration_text(seconds: float) -> str:
    """A duration as people say it."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def print_text(console: Console, text: str) -> None:
    """Prints the text as it is: no colours, no line breaks of rich's own."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)
