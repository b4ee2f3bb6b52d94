"""What messages quote, printable and of a bounded length: `quoted`; what a
system says of a file: `system_reason`.

Neither Keras nor TensorFlow is imported here.
"""

import errno
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


# What to do about what a system says.
_REMEDIES = {
    errno.EACCES: "get the right to it, or choose another path",
    errno.EDQUOT: "make room, or choose another disk",
    errno.EIO: "the disk may be broken: choose another",
    errno.EISDIR: "a folder has that name: choose another",
    errno.ELOOP: "its links lead in a circle: choose another path",
    errno.EMFILE: "allow more open files, by `ulimit -n`",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOENT: "check the path",
    errno.ENOSPC: "make room, or choose another disk",
    errno.ENOTDIR: "a part of the path is a file: choose another",
    errno.EPERM: "get the right to it, or choose another path",
    errno.EROFS: "choose a path on a disk that can be written",
    errno.ESTALE: "connect the disk again",
}


def system_reason(error: OSError) -> str:
    """What the system says of a file, and what to do, without a period.

    Example:

    >>> system_reason(OSError(errno.ENOSPC, "No space left on device"))
    'No space left on device; make room, or choose another disk'
    """
    said = error.strerror or str(error).rstrip(".")
    remedy = _REMEDIES.get(error.errno or 0)
    return f"{said}; {remedy}" if remedy else said
