"""Trials, plans and durations as people say them."""

from collections.abc import Sequence

from rich.console import Console

from search.trial import Stage, Trial, TrialState, count_done


def done_text(trials: Sequence[Trial], total: int | None) -> str:
    """One sentence on how many children are done."""
    of = "" if total is None else f" of {total}"
    return f"{count_done(trials)}{of} children done."


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
