"""The interface of every evaluator."""

import abc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from search.trial import Evaluation


class EvaluationError(Exception):
    """A child that could not be evaluated: the search goes on without it.

    The text is one sentence: the trial's reason.
    """


class Refusal(EvaluationError):
    """An architecture that a constraint refuses, before it is trained."""


class Evaluator(abc.ABC):
    """Says how good an architecture is.

    The outcome is a function of the architecture, the seed, the budget and
    what `describe` returns. An evaluator may be used from one process only,
    but for many architectures.
    """

    @abc.abstractmethod
    def evaluate(
        self,
        architecture: Any,
        seed: int,
        budget: float | None = None,
        weights: Path | None = None,
    ) -> Evaluation:
        """Evaluates one architecture.

        Args:
            architecture: What the space's `decode` returns.
            seed: Fixes the outcome.
            budget: To which epoch to train; None for the evaluator's own
                last. A training to its end in several evaluations, at rising
                budgets and with the same file of weights, comes to what it
                comes to in one.
            weights: Where to leave the trained weights, a file that ends in
                `.weights.h5`; None to leave none. If the file is there, an
                earlier evaluation of the child has left it, and the training
                goes on from it. Evaluators without weights ignore it.

        Raises:
            EvaluationError: The child failed: it diverged, ran out of memory,
                or could not be built; or, a `Refusal`, it was not to be
                trained.
        """

    def costs(self, architecture: Any) -> Mapping[str, float]:
        """What can be told of an architecture without training it, such as
        `parameters` and `multiply_adds`; by default nothing."""
        return {}

    def watch(  # noqa: B027
        self, trained: Callable[[int, int, float], object]
    ) -> None:
        """Has a function told of a training that is of no child alone: the
        number of the step, that of the last one, and the loss. By default
        there is none."""

    def suggest(self, number: int, folder: Path) -> Any:
        """An architecture that the evaluator itself has learnt to be good,
        for strategies that leave it to learn by gradients.

        Args:
            number: 0 for the best, 1 for the next, ...
            folder: That of the children's weights, where it leaves what it
                has learnt and goes on from there.

        Raises:
            ValueError: The evaluator learns nothing of the kind, as here by
                default, or has no more architectures.
        """
        raise ValueError(
            "Expected an evaluator that learns architectures by gradients. "
            f"Received: {type(self).__name__}, which does not."
        )

    @abc.abstractmethod
    def describe(self) -> dict[str, Any]:
        """What the outcome depends on, as JSON data: the settings, and a
        fingerprint of the data."""

    def lift(self, architecture: Any, folder: Path, budget: float) -> Any:
        """The trained network of a child that has left no weights of its own,
        a `keras.Model`.

        Args:
            architecture: The child's.
            folder: That of the children's weights.
            budget: Of its evaluation.

        Raises:
            ValueError: Children share no weights, as here by default, or
                those of then are gone.
        """
        raise ValueError(
            "Expected an evaluator whose children share their weights. "
            f"Received: {type(self).__name__}."
        )

    def build(self, architecture: Any) -> Any:
        """The untrained network that `evaluate` trains for an architecture,
        a `keras.Model` that loads the weights which `evaluate` leaves.

        Raises:
            ValueError: The evaluator trains no networks, as here by default.
        """
        raise ValueError(
            "Expected an evaluator that trains networks. Received: "
            f"{type(self).__name__}, which does not."
        )
