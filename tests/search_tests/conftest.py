"""Stand-ins: an evaluator that trains nothing, a strategy that learns fast."""

import dataclasses
import itertools
import json
import zlib
from pathlib import Path

import pytest

from nasnet_keras.training.recipes import Recipe
from search.evaluation.base import ChildSettings, EvaluationError, Evaluator
from search.runs.config import RunConfig
from search.spaces.nasbench201 import NASBench201Space
from search.spaces.nasnet import NASNetSpace
from search.strategies import STRATEGIES
from search.strategies.base import Strategy
from search.trial import Evaluation, TrialState


class FakeEvaluator(Evaluator):
    """Rewards follow from the genotype by a checksum.

    Args:
        fingerprint: Stands for the data.
        failing: Children of rewards below it fail.
        interrupt: The number of an evaluation, and what it raises, once.
    """

    def __init__(self, fingerprint="a", failing=0.0, interrupt=None):
        self.fingerprint = fingerprint
        self.failing = failing
        self.interrupt = interrupt
        self.genotypes = []
        self.seeds = []

    def evaluate(self, child):
        if self.interrupt and len(self.genotypes) == self.interrupt[0]:
            (_, error), self.interrupt = self.interrupt, None
            raise error
        self.genotypes.append(child.architecture)
        self.seeds.append(child.seed)
        checksum = zlib.crc32(child.architecture.to_json().encode()) % 1000
        reward = checksum / 1000
        if reward < self.failing:
            raise EvaluationError(f"The child diverged at {reward}.\nDetails")
        child.weights.write_text(f"weights of {reward}")
        return Evaluation(
            reward,
            metrics={"accuracy": reward, "loss": float("inf")},
            seconds={"build": 0.25, "train": 0.5},
            budget=3.0,
        )

    def costs(self, architecture):
        blocks = [*architecture.normal.blocks, *architecture.reduction.blocks]
        convolutions = sum(
            "conv" in operation
            for block in blocks
            for operation in block.operations
        )
        return {"parameters": 1000 * convolutions, "multiply_adds": 1e6}

    def describe(self):
        return {"data": {"fingerprint": self.fingerprint}}


class LearningStrategy(Strategy):
    """Learns from a minibatch at a time; every proposal depends on all that
    was learnt, and some repeat the best cells so far."""

    name = "learning"

    def __init__(self, space, seed, minibatch=4, lag=0):
        super().__init__(space, seed)
        self.minibatch = minibatch
        self.lag = lag
        self.told = 0
        self.batch = []
        self.sum = 0
        self.best = (-1.0, None)

    def ask(self, number):
        if self.told != max(0, number - self.lag):
            raise RuntimeError(f"ask({number}) after {self.told} trials")
        rng = self.rng(number)
        if self.best[1] and rng.random() < 0.2:
            return self.best[1]
        return tuple(
            (choice + self.sum) % len(decision.choices)
            for choice, decision in zip(
                self.space.sample(rng), self.space.decisions, strict=True
            )
        )

    def tell(self, trial):
        if trial.number != self.told:
            raise RuntimeError(f"told {trial.number} after {self.told} trials")
        self.told += 1
        self.batch.append(trial)
        if len(self.batch) < self.minibatch:
            return
        for told in self.batch:
            reward = 0.0 if told.reward is None else told.reward
            self.sum += told.number + round(1000 * reward)
            if told.state is TrialState.COMPLETE:
                self.best = max(self.best, (reward, told.decisions))
        self.batch = []

    @property
    def learned(self):
        return self.told - len(self.batch)

    def state(self):
        import numpy as np

        reward, decisions = self.best
        text = json.dumps({"reward": reward, "decisions": decisions})
        return {
            "sum": np.array(self.sum),
            "best": np.frombuffer(text.encode(), np.uint8),
        }

    def restore(self, state, learned):
        self.told = learned
        self.sum = int(state["sum"])
        best = json.loads(state["best"].tobytes())
        self.best = (best["reward"], tuple(best["decisions"] or ()) or None)

    def metrics(self):
        return {"strategy/sum": float(self.sum)} if self.sum else {}


# An entry of `search.strategies.STRATEGIES`.
LEARNING = f"{LearningStrategy.__module__}:{LearningStrategy.__name__}"


def outcomes(trials):
    """What a search came to, without the times."""
    return [
        [t.number, list(t.decisions), t.state, t.reward, t.reason]
        for t in trials
    ]


def in_parts(**settings):
    """Settings of children in any order as parts of a configuration."""
    recipe = {
        name: settings.pop(name)
        for name in Recipe.__dataclass_fields__
        if name in settings
    }
    return {"recipe": recipe, "child": settings}


def child_settings(dataset="digits", space=None, seed=0, **settings):
    """What an evaluator is created with, by settings in any order."""
    parts = in_parts(**settings)
    scale = {
        name: parts["child"].pop(name)
        for name in ("repeats", "filters")
        if name in parts["child"]
    }
    default = RunConfig.model_fields["recipe"].default
    return ChildSettings(
        space=space or NASNetSpace(),
        dataset=dataset,
        recipe=dataclasses.replace(default, **parts["recipe"]),
        seed=seed,
        scale=scale,
        **parts["child"],
    )


@pytest.fixture(name="in_parts", scope="session")
def in_parts_function():
    return in_parts


@pytest.fixture(name="child_settings", scope="session")
def child_settings_function():
    return child_settings


@pytest.fixture
def space():
    return NASNetSpace(blocks=2)


@pytest.fixture(name="FakeEvaluator")
def fake_evaluator_class():
    return FakeEvaluator


@pytest.fixture(name="LearningStrategy")
def learning_strategy_class():
    return LearningStrategy


@pytest.fixture(name="outcomes")
def outcomes_function():
    return outcomes


@pytest.fixture
def learning(monkeypatch):
    """Makes `strategy="learning"` known to runs."""
    monkeypatch.setitem(STRATEGIES, LearningStrategy.name, LEARNING)


def write_small_table(path):
    """A table of 27 cells: sums over the edges, with an interaction."""
    values = {"nor_conv_3x3": 9.0, "none": 0.0, "skip_connect": 4.0}
    lines = ["arch,validation,test"]
    for one, two, three in itertools.product(values, repeat=3):
        total = 60 + values[one] + 0.8 * values[two] + 0.5 * values[three]
        total -= 20 * (one == three == "none") + 3 * (one == two)
        cell = f"|{one}~0|+|{two}~0|{three}~1|"
        lines.append(f"{cell},{total:.2f},{total + 10:.2f}")
    path.write_text("\n".join([*lines, ""]))
    return path


@pytest.fixture
def small_table(tmp_path):
    return write_small_table(tmp_path / "small.csv")


@pytest.fixture
def small_space():
    """That of the cells of the small table."""
    return NASBench201Space(3, ("nor_conv_3x3", "none", "skip_connect"))


@pytest.fixture
def search_tests() -> Path:
    return Path(__file__).parent
