import io

import pytest
from rich.console import Console

from nasnet_keras.console.activity import Activity
from search.observers.display import (
    Display,
    LiveDisplay,
    create_display,
)
from search.trial import Evaluation, Stage, Trial, TrialState, ranked


def complete(number, reward):
    evaluation = Evaluation(reward, seconds={"train": 12.0})
    return Trial(number, (0,), TrialState.COMPLETE, (evaluation,))


TRIALS = [
    complete(0, 0.5),
    Trial(1, (1,), TrialState.FAILED, reason="It diverged."),
    Trial(2, (0,), TrialState.DUPLICATE, duplicate_of=0),
    complete(3, 0.75),
]


@pytest.fixture
def clock(monkeypatch):
    """Time passes when the test says so."""
    clock = [0.0]
    monkeypatch.setattr(
        "search.observers.display.time.monotonic", lambda: clock[0]
    )
    return clock


def watch(display, clock):
    display.begin([], 10)
    for number, trial in enumerate(TRIALS):
        if trial.state is not TrialState.DUPLICATE:
            display.proposed(trial)
            clock[0] += 20
        display.finished(trial, ranked(TRIALS[: number + 1])[0], {})


def test_without_a_terminal_each_trial_is_a_line(clock):
    text = io.StringIO()
    display = create_display(Console(file=text, width=20))
    assert type(display) is Display
    watch(display, clock)
    display.end()
    assert text.getvalue().splitlines() == [
        "1/10  trial 0: reward 0.5000 in 12 s  best 0.5000 (0)  3 min left",
        "2/10  trial 1: failed. It diverged.  best 0.5000 (0)  3 min left",
        "2/10  trial 2: the same as trial 0  best 0.5000 (0)  3 min left",
        "3/10  trial 3: reward 0.7500 in 12 s  best 0.7500 (3)  2 min left",
    ]


def test_a_terminal_shows_where_the_search_stands(clock):
    text = io.StringIO()
    console = Console(file=text, width=80, force_terminal=True)
    display = create_display(console)
    assert type(display) is LiveDisplay
    watch(display, clock)
    display.proposed(Trial(4, (2,)))
    clock[0] += 7
    display.proposed(Trial(5, (2,)))
    display.going_on(5, Activity("validating"))
    display.going_on(4, Activity("training steps", 6, 600))
    with console.capture() as shown:
        console.print(display.render())
    display.end()
    for part in (
        "3 of 10 children",
        "trial 4, 7 s: training steps, 6 of 600, and 1 more",
        "trial 3: reward 0.7500 in 12 s",
        "reward 0.7500, trial 3",
        "about 2 min",
    ):
        assert part in shown.get()


def train(display, clock):
    """A shared network, of which 100 steps were made before."""
    display.begin([], 10)
    for step in range(101, 201):
        display.trained(step, 300, 2.0)
        clock[0] += 1
    return display


def test_a_child_that_lasts_is_a_line_a_minute(clock):
    text = io.StringIO()
    display = Display(Console(file=text, width=20))
    display.begin([], 10)
    display.proposed(TRIALS[0])
    for step in range(13):
        clock[0] += 10
        display.going_on(0, Activity("training steps", step, 600))
        display.going_on(1, Activity("of a child that was not proposed"))
    display.end()
    assert text.getvalue().splitlines() == [
        "trial 0, 70 s: training steps, 6 of 600",
    ]


def test_without_a_terminal_a_training_is_a_line_a_minute(clock):
    text = io.StringIO()
    train(create_display(Console(file=text)), clock)
    assert text.getvalue().splitlines() == [
        "shared network: step 162 of 300, loss 2.00, 2 min left"
    ]


def test_a_terminal_shows_how_far_a_training_is(clock):
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    display = create_display(console)
    train(display, clock)
    display.end()
    shown = Console(file=io.StringIO(), width=80)
    shown.print(display.render())
    assert "step 200 of 300, loss 2.00, " in shown.file.getvalue()


def test_time_left_is_that_of_the_children_and_of_the_training(clock):
    """Two children of 20 s after 100 s of training, 100 more to come."""
    display = Display(Console(file=io.StringIO()))
    train(display, clock)
    for number in range(2):
        display.proposed(complete(number, 0.5))
        clock[0] += 20
        display.finished(complete(number, 0.5), complete(0, 0.5), {})
    assert display.left == pytest.approx(8 * 20 + 100, rel=0.05)


def test_a_plan_is_said_in_lines_and_its_time_is_what_is_left(clock):
    text = io.StringIO()
    display = create_display(Console(file=text, width=200))
    display.begin([], 3)
    display.planned([], 0, 3600.0)
    assert display.left == 3600
    assert text.getvalue() == ""
    clock[0] += 60
    stages = [Stage(200, 0.18, 2100.0), Stage(20, 0.9, 840.0)]
    display.planned(stages, 0, 3500.0)
    assert (display.total, display.left) == (200, 3500)
    clock[0] += 100
    assert display.left == 3400
    assert text.getvalue().splitlines() == [
        "Plan, 58 min before the end:",
        "  1. 200 children, each trained for 0.18 epochs: 35 min",
        "  2. the best 20 children, each trained from the beginning for 0.9 "
        "epochs: 14 min",
    ]
    # At the end of a stage, what is to come.
    display.planned(stages, 1, 900.0)
    assert len(text.getvalue().splitlines()) == 5
    assert display.standing == ("", 0, 200)
    evaluations = Evaluation(0.5, budget=0.18), Evaluation(0.6, budget=0.9)
    trial = Trial(7, (0,), TrialState.COMPLETE, evaluations)
    display.finished(trial, trial, {})
    assert display.standing == ("stage 2 of 2: ", 1, 20)
    assert text.getvalue().splitlines()[-1].startswith("stage 2 of 2: 1/20  ")


def test_time_left_counts_from_this_start_on(clock):
    display = Display(Console(file=io.StringIO()))
    display.begin([complete(number, 0.5) for number in range(5)], 10)
    assert display.left is None
    clock[0] += 30
    display.finished(complete(5, 0.6), complete(5, 0.6), {})
    assert display.left == 120.0  # four more of 30 seconds
    clock[0] += 50
    assert display.left == 70.0
    clock[0] += 100
    assert display.left == 0.0


def test_children_that_go_on_count_once_and_refused_ones_not(clock):
    text = io.StringIO()
    display = create_display(Console(file=text, width=20))
    display.begin([], 3)
    first = Evaluation(0.5, seconds={"train": 12.0}, budget=1)
    second = Evaluation(0.25, seconds={"train": 20.0}, budget=3)
    for trial in (
        Trial(0, (0,), TrialState.REFUSED, reason="It is too large."),
        Trial(1, (1,), TrialState.COMPLETE, (first,)),
        Trial(1, (1,), TrialState.COMPLETE, (first, second)),
        Trial(2, (2,), TrialState.FAILED, (first,), "It diverged."),
    ):
        display.finished(trial, complete(1, 0.5), {})
    lines = [line.split("  best")[0] for line in text.getvalue().splitlines()]
    assert lines == [
        "1/3  trial 1: reward 0.5000 in 12 s",
        "1/3  trial 1: reward 0.2500 at 3 epochs in 32 s",
        "1/3  trial 2: failed. It diverged.",
    ]


def test_reasons_are_no_markup(clock):
    trial = Trial(0, (0,), TrialState.FAILED, reason="No data in [/data].")
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    display = create_display(console)
    display.begin([], 1)
    display.finished(trial, None, {})
    display.end()
    assert "No data in [/data]." in console.file.getvalue()
