"""TensorFlow's own lines on standard error, kept from running through ours."""

import contextlib
import os
from collections.abc import Iterator

# Errors reach the user as exceptions; who wants the lines sets the variable
# to 0.
LOG_LEVEL, QUIET = "TF_CPP_MIN_LOG_LEVEL", "3"


def is_quiet() -> bool:
    return os.environ.get(LOG_LEVEL) == QUIET


@contextlib.contextmanager
def quiet_import() -> Iterator[None]:
    """Closes standard error unless the user asked for TensorFlow's lines:
    what it writes while it is imported comes before it heeds the level."""
    if not is_quiet():
        yield
        return
    standard_error = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(standard_error, 2)
        os.close(standard_error)
