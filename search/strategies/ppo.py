"""The controller of NASNet: https://arxiv.org/abs/1707.07012."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nasnet_keras.quotation import quoted
from search.spaces.base import SearchSpace
from search.strategies.argument_checks import check_number
from search.strategies.base import Strategy
from search.strategies.policy.config import PPOConfig
from search.strategies.screen import Screen
from search.trial import Decisions, Trial

if TYPE_CHECKING:
    from search.strategies.policy.controller import Controller


class PPO(Strategy):
    """An LSTM proposes; proximal policy optimisation improves it.

    A step is learnt when a minibatch of trials has been told: the trials of
    which `learned` is a multiple. A trial without a reward, failed or
    refused, is told to the policy with reward 0, or with the least of the
    minibatch if that is below; a duplicate with its original's.

    Proposals are sampled a minibatch at a time: proposal n with the minibatch
    that it belongs to and the weights at the time of `ask(n)`, so that it
    does not depend on which of the others are asked for.

    With a `screen`, proposal n is one of so many samples of its own: the one
    in which a surrogate, which learns from all trials, sees the largest
    expected improvement (`Screen`). The policy learns from what was trained,
    as without.

    Args:
        space: The space to search.
        seed: Fixes all proposals, given the outcomes.
        config: The settings. Default `PPOConfig()`, for hundreds of trials;
            `"paper"`, that is `PPOConfig.paper()`, is for thousands.
        screen: Of how many samples the surrogate chooses each proposal. Paper
            and default: 1, no surrogate.
        scores: Evaluators that train nothing, by which the first proposals are
            chosen, and from which the surrogate learns too. Default: none.
        **settings: Fields of `PPOConfig` that replace those of `config`.

    Raises:
        ValueError: A setting is unknown or out of range.

    Example:

    >>> from search.spaces.nasnet import NASNetSpace
    >>> strategy = PPO(NASNetSpace(), seed=0, learning_rate=0.005)
    >>> len(strategy.ask(0))
    50
    """

    name = "ppo"

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        config: PPOConfig | Literal["paper"] | None = None,
        screen: int = 1,
        scores: Sequence[str] = (),
        **settings: Any,
    ) -> None:
        super().__init__(space, seed)
        check_number("screen", screen, least=1, integer=True)
        if scores and screen == 1:
            raise ValueError(
                "The arguments `screen` and `scores` disagree. Expected with "
                "scores a number of samples, 2 or more, to choose among. "
                f"Received: screen=1, scores={quoted(scores)}."
            )
        known = [field.name for field in dataclasses.fields(PPOConfig)]
        if not settings.keys() <= set(known):
            raise ValueError(
                "Invalid value for argument `settings`. Expected some of "
                f"{', '.join(known)}. Received: {settings}."
            )
        if config == "paper":
            config = PPOConfig.paper()
        if not isinstance(config, PPOConfig | None):
            raise ValueError(
                "Invalid value for argument `config`. Expected 'paper' or a "
                f"`PPOConfig`. Received: config={quoted(config)}."
            )
        self.config = dataclasses.replace(config or PPOConfig(), **settings)
        # What a configuration asks of the class is answered without it.
        from search.strategies.policy.learner import PPOLearner

        self.learner = PPOLearner(self._create_controller(), self.config)
        self.samples = screen
        self.screen = Screen(space, scores) if screen > 1 else None
        self._learned = 0
        self._told: list[Trial] = []  # since the last step
        self._sampled: dict[int, Decisions] = {}  # by the present weights
        self._metrics: dict[str, float] = {}

    def _create_controller(self) -> "Controller":
        from search.strategies.policy.controller import Controller

        return Controller(self.space, self.seed)

    def prepare(
        self,
        suggest: Callable[[int], Any],
        score: Callable[[str, Any], float],
    ) -> None:
        if self.screen is not None:
            self.screen.prepare(score)

    def ask(self, number: int) -> Decisions:
        if self.screen is not None:
            shape = self.samples, len(self.space.decisions)
            noise = self.rng(number).random(shape, "float32")
            return self.screen.choose(self._sample(noise))
        if number not in self._sampled:
            self._sampled = self._sample_minibatch(number)
        return self._sampled[number]

    def _sample_minibatch(self, number: int) -> dict[int, Decisions]:
        size = self.config.minibatch
        numbers = range(number - number % size, number - number % size + size)
        noise = [
            self.rng(number).random(len(self.space.decisions), "float32")
            for number in numbers
        ]
        return dict(zip(numbers, self._sample(np.stack(noise)), strict=True))

    def _sample(self, noise: np.ndarray) -> list[Decisions]:
        decisions, _ = self.learner.controller.sample(noise)
        return [tuple(row) for row in decisions.numpy().tolist()]

    def proposed(self, decisions: Decisions) -> None:
        if self.screen is not None:
            self.screen.proposed(decisions)

    def tell(self, trial: Trial) -> None:
        expected = self._learned + len(self._told)
        if trial.number != expected:
            raise ValueError(
                "Invalid value for argument `trial`. Expected trial number "
                f"{expected}: trials are told in order, each once. Received: "
                f"trial number {trial.number}."
            )
        if self.screen is not None:
            self.screen.tell(trial)
        self._told.append(trial)
        if len(self._told) == self.config.minibatch:
            rewards = [trial.reward for trial in self._told]
            worst = min([0.0, *(each for each in rewards if each is not None)])
            self._metrics = self.learner.step(
                [trial.decisions for trial in self._told],
                [worst if each is None else each for each in rewards],
            )
            self._learned += len(self._told)
            self._told, self._sampled = [], {}

    @property
    def learned(self) -> int:
        return self._learned

    def state(self) -> dict[str, np.ndarray]:
        state = self.learner.state()
        if self.screen is None:
            return state
        return {**state, **self.screen.state(self._learned)}

    def restore(self, state: Mapping[str, np.ndarray], learned: int) -> None:
        state = dict(state)
        if self.screen is not None:
            self.screen.restore(state)
            for name in self.screen.state(0):
                del state[name]
        self.learner.restore(state)
        self._learned = learned
        self._told, self._sampled = [], {}

    def metrics(self) -> dict[str, float]:
        return dict(self._metrics)
