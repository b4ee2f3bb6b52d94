import pytest

from search.observers.text import done_text, duration_text
from search.trial import Evaluation, Stage, Trial, TrialState


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (99, "99 s"), (150, "2 min"), (13000, "3 h 37 min")],
)
def test_durations_are_said_as_people_say_them(seconds, text):
    assert duration_text(seconds) == text


def test_the_stage_of_a_planned_search_is_told():
    stages = [Stage(3, 1.0, 60.0), Stage(2, 5.0, 60.0), Stage(1, 15.0, 60.0)]
    budgets = [1.0, 5.0, 15.0]
    trials = [
        Trial(
            number,
            (number,),
            TrialState.COMPLETE,
            tuple(Evaluation(0.5, budget=each) for each in budgets[:trained]),
        )
        for number, trained in enumerate((1, 2, 1))
    ]
    again = Trial(
        *(3, (1,), TrialState.DUPLICATE, trials[1].evaluations),
        duplicate_of=1,
    )
    trials.append(again)
    assert done_text(trials[:1], 3, stages) == "1 of 3 children done."
    assert done_text(trials, 3, stages) == (
        "3 of 3 children done, 1 of 2 in stage 2 of 3."
    )
    assert done_text(trials, 3) == "3 of 3 children done."
