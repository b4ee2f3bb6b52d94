"""What befalls a search costs nothing: `make soak` in small."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.large

FAULTS = ("kill", "disk", "read-only", "damaged", "clock", "second", "NaN")


@pytest.mark.parametrize("fault", [*FAULTS, "data set"])
def test_nothing_is_lost_repeated_or_changed(search_tests, fault):
    script = search_tests / "soak.py"
    completed = subprocess.run(
        [sys.executable, str(script), "--small", "--only", fault],
        capture_output=True,
        text=True,
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    *_, row = completed.stdout.splitlines()
    lost, repeated, differing = row.split(" | ")[3:6]
    assert (lost, repeated, differing) == ("0", "0", "0")
