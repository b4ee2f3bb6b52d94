import pytest

from search.observers.text import duration_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (99, "99 s"), (150, "2 min"), (13000, "3 h 37 min")],
)
def test_durations_are_said_as_people_say_them(seconds, text):
    assert duration_text(seconds) == text
