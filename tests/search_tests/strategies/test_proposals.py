"""The first proposals of every strategy are those of the golden: `proposals.py`
says when it may be made anew."""

import copy
import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from search.strategies import STRATEGIES

SCRIPT = Path(__file__).with_name("proposals.py")
proposals = runpy.run_path(str(SCRIPT))
golden = json.loads(proposals["GOLDEN"].read_text())


@pytest.mark.large
def test_runs_of_an_earlier_version_go_on_with_their_proposals():
    """In one test, for making them takes 20 seconds."""
    if golden["mode"] != proposals["mode"]():
        pytest.skip("The golden is of a processor that computes otherwise.")
    text = subprocess.run(
        [sys.executable, SCRIPT], check=True, stdout=subprocess.PIPE
    ).stdout
    here, expected = json.loads(text)["proposals"], golden["proposals"]
    changed = [name for name in expected if here[name] != expected[name]]
    assert not changed, f"{SCRIPT.name} says when they may change"


def test_every_strategy_has_a_golden_or_a_reason_against_it():
    covered, left_out = proposals["OPTIONS"], proposals["LEFT_OUT"]
    assert {*covered, *left_out} == set(STRATEGIES)
    assert not {*covered} & {*left_out}
    assert set(golden["proposals"]) == {
        f"{name} on {space}"
        for name in covered
        for space in ("nasnet", "tabular")
    }
    for entry in golden["proposals"].values():
        assert len(entry["first"]) == 40


def test_the_golden_changes_with_the_schema_of_runs_alone():
    check_rule = proposals["check_rule"]
    other = copy.deepcopy(golden)
    other["proposals"]["annealing on nasnet"] = {"options": {}, "first": []}
    check_rule(golden, other)
    other["proposals"]["ppo on nasnet"]["first"][39][0] += 1
    with pytest.raises(ValueError, match="ppo on nasnet. Expected SCHEMA_"):
        check_rule(golden, other)
    other["schema"] += 1
    check_rule(golden, other)
