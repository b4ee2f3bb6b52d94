"""What makes a run what it is, compared: `check_identity`.

Neither Keras nor TensorFlow is imported here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nasnet_keras.console.command_line import InputError
from nasnet_keras.quotation import quoted

# The parts of a run's identity, and what to say of one that differs.
IDENTITY = {
    "config": "its config.json was edited",
    "space": "its search space is of another version",
    "evaluator": "its data or the training of its children changed",
    "computing": "a variable of the environment on which results depend, as on "
    "threads, is set otherwise",
}


def check_identity(
    path: Path, before: Mapping[str, Any], now: Mapping[str, Any]
) -> None:
    """Compares two identities of a run, as JSON data.

    Raises:
        InputError: They differ; the text names the first difference.
    """
    for part, change in IDENTITY.items():
        difference = _first_difference(before.get(part), now.get(part), part)
        if difference is not None:
            name, old, new = difference
            raise InputError(
                f"The run {path} cannot continue: {change}. Expected "
                f"`{name}` as the run began: {quoted(old)}. Received: "
                f"{quoted(new)}. Restore it, or begin another run."
            )


def _first_difference(
    before: Any, after: Any, name: str = ""
) -> tuple[str, Any, Any] | None:
    """The first value in which two JSON data differ: its name and the value
    on each side, or None where they are equal."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return None if before == after else (name, before, after)
    for key in [*before, *(key for key in after if key not in before)]:
        difference = _first_difference(
            before.get(key), after.get(key), f"{name}.{key}".strip(".")
        )
        if difference is not None:
            return difference
    return None
