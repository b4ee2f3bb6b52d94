"""`kill -9` at any moment loses no finished trial and changes no proposal."""

import json
import subprocess
import sys

import pytest


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.large)])
def test_a_killed_search_comes_to_what_an_uninterrupted_one_does(
    tmp_path, search_tests, seed
):
    script = search_tests / "kill_scenario.py"
    completed = subprocess.run(
        [sys.executable, str(script), str(tmp_path), str(seed)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert completed.returncode == 0, completed.stderr
    result = json.loads(completed.stdout)
    assert result["kills"] >= 5
    assert result["killed"] == result["whole"]
    states = {trial[2] for trial in result["whole"]["trials"]}
    assert states == {"complete", "failed", "duplicate"}
    assert len(result["heard"]) == len(set(result["heard"]))
