"""The interface of every evaluator, and the children that it evaluates."""

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from nasnet_keras.training.data.datasets import DataSource
from nasnet_keras.training.recipes import Recipe
from search.spaces.base import SearchSpace
from search.storage.run_folder import weights_file
from search.trial import Evaluation

# What the training of a child does not follow of a recipe, and why.
CHILD_UNSUPPORTED = {
    "frozen_epochs": "a child of a search begins with random weights",
    "average_weights": "a child of a search is trained for a short time",
    "auxiliary_weight": "a child of a search has no auxiliary head",
}
# And what the training of a shared network does not follow besides.
SHARED_UNSUPPORTED = {
    **CHILD_UNSUPPORTED,
    "label_smoothing": "a shared network learns from the labels as they are",
    "dropout": "a shared network has none",
    "mixup": "a shared network learns from the labels as they are",
    "cutmix": "a shared network learns from the labels as they are",
    "bn_momentum": "its batch norms have no moving statistics",
}
# And what one that learns the architecture by gradients does not either.
GRADIENT_UNSUPPORTED = {
    "drop_path_rate": "a network of all paths drops none",
}


class EvaluationError(Exception):
    """A child that could not be evaluated: the search continues without it.

    The text is one sentence: the trial's reason.
    """


class NoNetworkError(ValueError):
    """An evaluator that builds no networks is to build one."""


class Refusal(EvaluationError):
    """An architecture that a constraint refuses, before it is trained."""


@dataclass(frozen=True, kw_only=True)
class ChildSettings:
    """How the children of a run are made: what an evaluator that is named is
    created with.

    Attributes:
        space: The space of the architectures.
        dataset: A name, a folder, an `.npz` file or a pair of arrays, for
            `load_dataset`.
        recipe: How a child is trained.
        seed: Divides the training images into those to train on and those to
            validate on, and fixes what children share. Default 0.
        scale: The arguments of a network that set its size; default: those of
            the space's kind.
        image_size: Height and width to bring the images to, in pixels; None,
            the default, for the data's own.
        train_images: How many images to train on; None, the default, for all
            left.
        validation_images: How many to validate on; None, the default, for a
            tenth.
        threads: How many threads a child trains on; None, the default, for
            all.
        skip_broken: Whether to leave out files of a folder that are no whole
            images. Default: they are an error that names them all.
    """

    space: SearchSpace
    dataset: DataSource
    recipe: Recipe
    seed: int = 0
    scale: Mapping[str, int] = field(default_factory=dict)
    image_size: int | None = None
    train_images: int | None = None
    validation_images: int | None = None
    threads: int | None = None
    skip_broken: bool = False


@dataclass(frozen=True)
class Child:
    """An architecture to evaluate, and where its evaluation may leave files.

    Attributes:
        number: The number of its trial.
        architecture: What the space's `decode` returns.
        seed: Fixes the outcome. Default 0.
        budget: To which epoch to train; None, the default, for the
            evaluator's own last.
        folder: The folder of the run's children; None, the default, where
            nothing is to be left.
        anew: Whether it is trained from the beginning, along a schedule that
            ends with the budget, which then may be part of an epoch, rather
            than trained on along the evaluator's own. Default False.
        goes_on: Whether it was evaluated before, at a lower budget. Default
            False.

    Example:

    >>> Child(3, "an architecture", folder=Path("children")).weights.name
    '00003.weights.h5'
    """

    number: int
    architecture: Any
    seed: int = 0
    budget: float | None = None
    folder: Path | None = None
    anew: bool = False
    goes_on: bool = False

    @property
    def weights(self) -> Path | None:
        """The file of its trained weights, None without a folder."""
        if self.folder is None:
            return None
        return weights_file(self.folder, self.number)

    @property
    def is_begun(self) -> bool:
        """Whether an earlier evaluation has left weights, from which this
        one continues."""
        return self.weights is not None and self.weights.is_file()


class SharedWeights(Protocol):
    """What an evaluator can do besides whose children share one network."""

    def watch(self, trained: Callable[[int, int, float], object]) -> None:
        """Registers a callback for the steps of the shared network. It gets the
        number of the step, the number of the last step, and the loss."""

    def suggest(self, number: int, folder: Path) -> Any:
        """An architecture that gradients have found to be good.

        Args:
            number: 0 for the best, 1 for the next, ...
            folder: The folder of the run's children, where the training
                saves what it has learnt, and from which it resumes.

        Raises:
            ValueError: The evaluator learns no architectures, or has no
                more.
        """

    def accuracy(self, architecture: Any, folder: Path) -> float:
        """The validation accuracy of an architecture with the weights of the
        shared network in a folder of children, as far as that is trained.

        Raises:
            RunError: There is none, or it is damaged.
        """

    def extract_child(self, child: Child) -> Any:
        """The trained network, a `keras.Model`, of a child that has left no
        weights of its own; `budget` is that of its evaluation.

        Raises:
            ValueError: The weights of then are gone.
        """


class Evaluator(abc.ABC):
    """Measures how good an architecture is.

    The outcome is a function of the architecture, the seed, the budget and
    what `describe` returns. An evaluator may be used from one process only,
    but for many architectures.

    Attributes:
        shared_weights: More methods of an evaluator whose children share one
            network. Default None: they do not.
        notes: Sentences for the user: which data were read, which were not,
            and what may surprise. Default: none.

    Example: another metric than accuracy as the reward, one of Keras.

    >>> import keras, search, warnings
    >>> from nasnet_keras import build_network, load_dataset
    >>> digits = load_dataset("digits", train_images=600).train
    >>> x = digits.images / 127.5 - 1
    >>> y = keras.utils.to_categorical(digits.labels)
    >>> class MacroF1(search.Evaluator):
    ...     def build(self, architecture):
    ...         return build_network(architecture, (8, 8, 1), 10, 1, filters=4)
    ...
    ...     def evaluate(self, child):
    ...         keras.utils.set_random_seed(child.seed)
    ...         model = self.build(child.architecture)
    ...         model.compile("adam", "categorical_crossentropy")
    ...         with warnings.catch_warnings(action="ignore"):
    ...             # Keras warns of what a cell does not use.
    ...             model.fit(x[:500], y[:500], batch_size=50, verbose=0)
    ...         if child.weights is not None:
    ...             model.save_weights(child.weights)
    ...         f1 = keras.metrics.F1Score(average="macro")
    ...         f1.update_state(y[500:], model.predict(x[500:], verbose=0))
    ...         return search.Evaluation(reward=float(f1.result()))
    ...
    ...     def describe(self):
    ...         return {"data": "digits", "reward": "macro F1"}
    >>> run = search.run(
    ...     "runs/f1",
    ...     evaluator=MacroF1(),
    ...     space=search.NASNetSpace(1),
    ...     strategy="random",
    ...     trials=1,
    ... )

    After Ctrl-C or a kill, or for more trials, the evaluator is given again:

    >>> run = search.resume("runs/f1", trials=2, evaluator=MacroF1())
    >>> 0 < run.best.reward < 1
    True
    """

    shared_weights: SharedWeights | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def settled(
        cls, options: Mapping[str, Any], trials: int, epochs: int
    ) -> Mapping[str, Any]:
        """The options of a run that begins now, with what follows from its
        trials and epochs, since these may change when a run is resumed. By
        default: the options.

        Args:
            options: The evaluator's options.
            trials: Of the run.
            epochs: Of its recipe.
        """
        return options

    @abc.abstractmethod
    def evaluate(self, child: Child) -> Evaluation:
        """Evaluates a child.

        A training to its end in several evaluations, at rising budgets and in
        the same folder, comes to what it comes to in one. Trained weights are
        left in `child.weights`; evaluators without weights ignore it.

        Raises:
            EvaluationError: The child failed: it diverged, ran out of memory,
                or could not be built; or, a `Refusal`, it was not to be
                trained.
        """

    def outdated(self, number: int, folder: Path) -> bool:
        """Whether a child that was evaluated would come to something else now,
        since what its evaluation depends on changes in the course of a search.
        If it would, the architecture is evaluated again when it is proposed
        again. Asked only where the search is in the same process. By default
        it would not.

        Args:
            number: The number of its trial.
            folder: The folder of the run's children.
        """
        return False

    @abc.abstractmethod
    def describe(self) -> dict[str, Any]:
        """What the outcome depends on, as JSON data: the settings, and a
        fingerprint of the data."""

    def costs(self, architecture: Any) -> Mapping[str, float]:
        """What can be told of an architecture without training it, such as
        `parameters` and `multiply_adds`; by default nothing."""
        return {}

    def weigh(  # noqa: B027
        self, cost: Callable[[Any], float], target: float
    ) -> None:
        """Is told, before all else, what the reward weighs with the accuracy:
        for those that choose architectures by gradients. By default: nothing.

        Args:
            cost: The cost of an architecture.
            target: What it is wanted to be.
        """

    def build(self, architecture: Any) -> Any:
        """The untrained network that `evaluate` trains for an architecture,
        a `keras.Model` that loads the weights which `evaluate` leaves.

        Raises:
            NoNetworkError: The evaluator trains no networks, as here by
                default.
            ValueError: There is no such network.
        """
        raise NoNetworkError(
            "Expected an evaluator that trains networks. Received: "
            f"{type(self).__name__}, which does not."
        )
