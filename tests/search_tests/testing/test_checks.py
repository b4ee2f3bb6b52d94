"""The checks that users run: each notices what it is there for."""

import random

import numpy as np
import pytest

from search.evaluation.base import Evaluator
from search.spaces.base import Decision
from search.spaces.nasnet import NASNetSpace
from search.strategies.random import RandomSearch
from search.testing import (
    ContractError,
    check_evaluator,
    check_space,
    check_strategy,
)
from search.testing.letter_space import LetterSpace
from search.trial import Evaluation


class TwoVectors(LetterSpace):
    """An architecture of which `encode` forgets the last letter."""

    def encode(self, architecture):
        return (*super().encode(architecture)[:-1], 0)


class Unchecked(LetterSpace):
    def decode(self, decisions):
        return "".join("abcde"[choice % 5] for choice in decisions)


class Moving(LetterSpace):
    """What is canonical is not its own canonical vector."""

    def canonical(self, decisions):
        self.check(decisions)
        return tuple(
            (choice + 1) % len(decision.choices)
            for choice, decision in zip(decisions, self.decisions, strict=True)
        )


class Nameless(LetterSpace):
    def describe(self):
        return {"name": self.name, "counts": list(self.counts)}


class SameText(LetterSpace):
    def text(self, architecture):
        return "a word"


class OneKey(LetterSpace):
    def to_key(self, decisions):
        return "a,a,a"


class Cheapened(NASNetSpace):
    """What is canonical is one network of another cost."""

    def canonical(self, decisions):
        self.check(decisions)
        return (0,) * len(decisions)

    def features(self, decisions):
        return np.zeros(1)


class Twice(LetterSpace):
    def __init__(self, counts=(2, 1, 5)):
        super().__init__(counts)
        self.decisions = (Decision("decision/1", ("a", "b")),) * 2


class Uncounted(NASNetSpace):
    """Is made again with other blocks."""

    def describe(self):
        return {**super().describe(), "blocks": 2}


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (TwoVectors, "`encode` should be the inverse"),
        (Unchecked, "begin it with `self.check"),
        (Moving, "`canonical` of a canonical vector"),
        (Nameless, "`name` and `version`"),
        (OneKey, "`from_key` should be the inverse of `to_key`"),
        (lambda: Cheapened(1), "a network of the same cost"),
        (SameText, "`text` should say"),
        (Twice, "names of decisions should be unique"),
        (lambda: Uncounted(blocks=1), "can be made again"),
    ],
)
def test_a_space_that_breaks_its_contract(broken, sentence):
    with pytest.raises(ContractError, match=sentence):
        check_space(broken())


def test_a_space_without_networks_keeps_it():
    class Words(LetterSpace):
        """Is of no module, so cannot be made again."""

    with pytest.raises(ContractError, match="made again"):
        check_space(Words())
    check_space(LetterSpace())


class Careless(RandomSearch):
    """Draws from a global generator."""

    def ask(self, number):
        np.random.seed(random.randrange(2**16))
        return super().ask(number)


class Forgetful(RandomSearch):
    """Proposes by what it was told, and does not say so."""

    told = 0

    def tell(self, trial):
        self.told += 1

    @property
    def learned(self):
        return self.told

    def ask(self, number):
        return self.space.sample(np.random.default_rng((self.seed, self.told)))


class Arrays(RandomSearch):
    def ask(self, number):
        return np.array(super().ask(number))


class Ever(RandomSearch):
    def ask(self, number):
        return super().ask(0)


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Careless, "no global generator"),
        (Forgetful, "`learned` should be"),
        (Arrays, "a tuple of plain integers"),
        (Ever, "should keep trying others"),
        (RandomSearch, "should give other proposals"),
    ],
)
def test_a_strategy_that_breaks_its_contract(broken, sentence):
    learns = broken is RandomSearch
    with pytest.raises(ContractError, match=sentence):
        check_strategy(broken, learns=learns)


class Length(Evaluator):
    """Rewards long words."""

    seconds = 0

    def evaluate(self, child):
        return Evaluation(float(len(child.architecture)))

    def describe(self):
        return {"data": "none"}


class Clock(Length):
    def evaluate(self, child):
        self.seconds += 1
        return Evaluation(float(self.seconds))


class Tuples(Length):
    def describe(self):
        return {"sizes": (1, 2)}


class Priced(Length):
    def costs(self, architecture):
        return {"parameters": float("nan")}


class Builds(Length):
    """Makes networks, and leaves no weights."""

    def build(self, architecture):
        return object()

    def costs(self, architecture):
        return {"parameters": 1}

    def describe(self):
        return {"network": {"filters": 2}}


class Undescribed(Builds):
    def describe(self):
        return {}


class Sharing(Length):
    def __init__(self):
        self.shared_weights = self

    def watch(self, trained):
        pass


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Clock, "come to the same"),
        (Tuples, "lists, no tuples"),
        (Priced, "`costs` should be finite"),
        (Builds, "leave the trained weights"),
        (Undescribed, "`network`"),
        (Sharing, "suggest, accuracy, extract_child"),
    ],
)
def test_an_evaluator_that_breaks_its_contract(broken, sentence):
    check_evaluator(Length(), "abc")
    with pytest.raises(ContractError, match=sentence):
        check_evaluator(broken(), "abc")
