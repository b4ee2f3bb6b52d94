"""What every reward by name keeps to: settings, evaluator and numbers."""

import re
import typing

import pytest

from search.evaluation.base import Child, Evaluator
from search.evaluation.objective import ObjectiveEvaluator
from search.runs.config import create_configuration
from search.runs.create import create_evaluator
from search.runs.objective_config import ObjectiveConfig
from search.trial import Evaluation

# The settings that each needs beside its name; every reward has an entry.
SETTINGS = {
    "accuracy": {},
    "mnasnet": {"cost": "parameters", "target": 1000},
    "netscore": {},
}
COSTS = {"parameters": 2e3, "multiply_adds": 3e6, "latency": 0.01}

NAMES = typing.get_args(ObjectiveConfig.model_fields["reward"].annotation)
all_rewards = pytest.mark.parametrize("name", NAMES)


class Accurate(Evaluator):
    def __init__(self, accuracy, costs=COSTS):
        self.accuracy, self.told = accuracy, costs

    def costs(self, architecture):
        return self.told

    def evaluate(self, child):
        return Evaluation(self.accuracy, {"accuracy": self.accuracy})

    def describe(self):
        return {"data": "none"}


def reward(name, accuracy, costs=COSTS):
    objective = {"reward": name, **SETTINGS[name]}
    evaluator = Accurate(accuracy, costs)
    config = create_configuration({"objective": objective})
    return create_evaluator(config, evaluator).evaluate(Child(0, "any")).reward


def test_every_reward_has_settings_and_an_objective():
    assert SETTINGS.keys() == set(NAMES)
    with pytest.raises(ValueError) as caught:
        ObjectiveEvaluator(Accurate(0.5), "none such")
    (listed,) = re.findall(r"Expected one of (.*?)\. Rec", str(caught.value))
    assert listed.split(", ") == list(NAMES)


@all_rewards
def test_more_accuracy_is_worth_more_and_none_least(name):
    rewards = [reward(name, accuracy) for accuracy in (0.0, 0.3, 0.6, 0.9)]
    assert rewards[0] >= 0  # what a child that fails counts as
    assert rewards == sorted(set(rewards))


@all_rewards
@pytest.mark.parametrize("cost", COSTS)
def test_a_cost_that_is_weighed_lowers_it_and_has_a_front(name, cost):
    before = reward(name, 0.5)
    after = reward(name, 0.5, {**COSTS, cost: 2 * COSTS[cost]})
    config = ObjectiveConfig(reward=name, **SETTINGS[name])
    assert after == before or (after < before and config.weighed)


@all_rewards
def test_the_cost_on_the_other_axis_is_one_that_is_told(name):
    config = ObjectiveConfig(reward=name, **SETTINGS[name])
    assert set(config.weighed) <= set(COSTS)
