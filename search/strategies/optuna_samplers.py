"""Samplers of Optuna as strategies: `OptunaTPE`, `OptunaGP` (extra `optuna`).

Optuna keeps no state of a sampler, and a seeded one begins again when it is
made again. Here a sampler is made for each proposal, seeded by the search's
seed and the proposal's number, and is given all that is known: so a resumed
search proposes what one that never stopped would.
"""

import abc
import contextlib
import importlib
import warnings
from collections.abc import Iterator
from typing import Any, ClassVar

from search.spaces.base import Decision, SearchSpace
from search.strategies.argument_checks import check_number
from search.strategies.base import Strategy
from search.trial import Decisions, Trial


class _OptunaStrategy(Strategy):
    """What a sampler of Optuna proposes.

    Ordered decisions are integers to it, the positions of their choices, and
    others categories. What is under way it is told as such.
    """

    packages: ClassVar[tuple[str, ...]] = ("optuna",)

    def __init__(
        self, space: SearchSpace, seed: int, initial: int = 10
    ) -> None:
        super().__init__(space, seed)
        check_number("initial", initial, least=1, integer=True)
        self.initial = initial
        self._optuna = [_import(self.name, each) for each in self.packages][0]
        self._proposed: list[Decisions] = []
        self._told: list[Trial] = []
        self._distributions = {
            decision.name: self._distribution(decision)
            for decision in space.decisions
        }

    def ask(self, number: int) -> Decisions:
        seed = int(self.rng(number).integers(2**32))
        with _quiet(self._optuna):
            study = self._optuna.create_study(
                direction="maximize", sampler=self._sampler(seed)
            )
            study.add_trials(self._known())
            params = study.ask(self._distributions).params
        return tuple(int(params[each.name]) for each in self.space.decisions)

    def proposed(self, decisions: Decisions) -> None:
        self._proposed.append(decisions)

    def tell(self, trial: Trial) -> None:
        self._told.append(trial)

    @abc.abstractmethod
    def _sampler(self, seed: int) -> Any:
        """The sampler of one proposal."""

    def _known(self) -> list[Any]:
        """The trials so far as Optuna has them, but for duplicates."""
        states = self._optuna.trial.TrialState
        known = [
            (
                trial.decisions,
                states.FAIL if trial.reward is None else states.COMPLETE,
                trial.reward,
            )
            for trial in self._told
            if trial.duplicate_of is None
        ]
        known += [
            (decisions, states.RUNNING, None)
            for decisions in self._proposed[len(self._told) :]
        ]
        return [
            self._optuna.trial.create_trial(
                state=state,
                value=reward,
                params=dict(zip(self._distributions, decisions, strict=True)),
                distributions=self._distributions,
            )
            for decisions, state, reward in known
        ]

    def _distribution(self, decision: Decision) -> Any:
        count, made = len(decision.choices), self._optuna.distributions
        if decision.kind == "ordered":
            return made.IntDistribution(0, count - 1)
        return made.CategoricalDistribution(range(count))


class OptunaTPE(_OptunaStrategy):
    """Optuna's tree-structured Parzen estimator, of all decisions together.

    Reference:
        [Watanabe 2023](https://arxiv.org/abs/2304.11127).

    Args:
        space: The space to search.
        seed: Fixes all proposals, given the outcomes.
        initial: How many random trials come first. Optuna's and default: 10.

    Raises:
        ValueError: Optuna is not installed, or the setting is out of range.
    """

    name = "optuna-tpe"

    def _sampler(self, seed: int) -> Any:
        return self._optuna.samplers.TPESampler(
            n_startup_trials=self.initial,
            multivariate=True,
            constant_liar=True,
            seed=seed,
        )


class OptunaGP(_OptunaStrategy):
    """Optuna's Gaussian process, which needs PyTorch too.

    Args:
        space: The space to search.
        seed: Fixes all proposals, given the outcomes.
        initial: How many random trials come first. Optuna's and default: 10.

    Raises:
        ValueError: A package is not installed, or the setting is out of
            range.
    """

    name = "optuna-gp"
    packages = ("optuna", "torch")

    def _sampler(self, seed: int) -> Any:
        return self._optuna.samplers.GPSampler(
            n_startup_trials=self.initial, seed=seed
        )


def _import(strategy: str, package: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError:
        raise ValueError(
            f"The strategy {strategy} needs the package {package}. Install it "
            "by `pip install 'nasnet-keras[optuna]'`, or choose another "
            "strategy."
        ) from None


@contextlib.contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    """Without Optuna's lines on studies and on what may change in it."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", optuna.exceptions.ExperimentalWarning
            )
            yield
    finally:
        optuna.logging.set_verbosity(level)
