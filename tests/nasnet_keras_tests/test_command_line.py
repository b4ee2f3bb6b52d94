import pytest

from nasnet_keras.command_line import complain, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("runs/é 1", "runs/é 1"),
        ("a\nb\r\x1b[31m\u2028", r"a\nb\r\x1b[31m\u2028"),
    ],
)
def test_what_is_not_shown_is_escaped(text, shown):
    assert printable(text) == shown


def test_a_complaint_is_a_line_and_what_is_listed_below(capsys):
    complain("No folder: a\nb.")
    complain("These do not fit:\none\ntwo")
    assert capsys.readouterr().err == (
        "No folder: a\\nb.\nThese do not fit:\none\ntwo\n"
    )
