"""What messages quote, printable and of a bounded length: `quoted`.

Neither Keras nor TensorFlow is imported here.
"""

import reprlib
from typing import Any

LONGEST = 120


class _Quotation(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 40
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = 16
        self.maxlevel = 4

    def repr_int(self, x: int, level: int) -> str:
        try:
            return super().repr_int(x, level)
        except ValueError:  # Python writes out no number of so many digits.
            return f"a number of {x.bit_length():,} bits"


_QUOTATION = _Quotation()


def quoted(value: Any) -> str:
    """A value as a message has it, of a bounded length.

    Example:

    >>> len(quoted("a" * 5000))
    40
    """
    # Arrays have several lines.
    text = " ".join(map(str.strip, _QUOTATION.repr(value).splitlines()))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def printable(text: str) -> str:
    """A text with the ends of lines, and what else is not shown, escaped."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode()
        for each in text
    )
