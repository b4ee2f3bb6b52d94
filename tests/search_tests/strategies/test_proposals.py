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


@pytest.fixture(scope="module")
def made():
    """The proposals made here; made twice where the mode is another."""
    times = 1 if golden["mode"] == proposals["mode"]() else 2
    return [
        json.loads(
            subprocess.run(
                [sys.executable, SCRIPT], check=True, stdout=subprocess.PIPE
            ).stdout
        )
        for _ in range(times)
    ]


@pytest.mark.parametrize("name", golden["proposals"])
def test_a_run_of_an_earlier_version_goes_on_with_its_proposals(name, made):
    here, *again = (each["proposals"][name] for each in made)
    (expected,) = again or [golden["proposals"][name]]
    assert here == expected, f"{SCRIPT.name} says when this may change"


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
