"""What evaluators have in common that train nothing: `ScoreEvaluator`, and the
untrained network whose first batch some of them look at."""

import abc
import math
import time
from typing import Any, ClassVar

import keras
import tensorflow as tf

from nasnet_keras.architectures import without_recipe
from nasnet_keras.console.activity import tell_activity
from nasnet_keras.training.data.pipeline import evaluation_pipeline
from nasnet_keras.training.data.sampling import stratified
from search.evaluation.base import (
    Child,
    ChildSettings,
    EvaluationError,
    NoNetworkError,
)
from search.evaluation.child_data import short_trainings
from search.evaluation.training import TrainingEvaluator, buildable
from search.strategies.argument_checks import check_number
from search.trial import Evaluation


class ScoreEvaluator(TrainingEvaluator):
    """Rewards a child by a score of its untrained network. This takes seconds.
    A score is a number of at least 0; a higher score is better.

    The network is the same as that of `TrainingEvaluator`, and so are its
    costs. So scores can be compared with rewards. Nothing is trained, and no
    weights are kept.

    Args:
        settings: How the children are made.

    Attributes:
        name: The key in `EVALUATORS`, and the name of the metric.
    """

    name: ClassVar[str]

    @abc.abstractmethod
    def score(self, architecture: Any, seed: int) -> float:
        """The score of an architecture.

        Args:
            architecture: What the space's `decode` returns.
            seed: Fixes the kernels that are drawn, if any are.

        Raises:
            EvaluationError: Its network cannot be built, or has no score.
        """

    def checked_score(self, architecture: Any, seed: int) -> float:
        """`score`, which is finite.

        Raises:
            EvaluationError: There is none, or no memory for it.
        """
        try:
            score = self.score(architecture, seed)
        except tf.errors.ResourceExhaustedError as error:
            raise EvaluationError(
                "The child ran out of memory: take fewer filters, or smaller "
                "images or batches."
            ) from error
        if not math.isfinite(score):
            raise EvaluationError(f"The child's {self.name} is not finite.")
        return score

    def evaluate(self, child: Child) -> Evaluation:
        began = time.perf_counter()
        score = self.checked_score(child.architecture, child.seed)
        return Evaluation(
            reward=score,
            metrics={self.name: score, **self.costs(child.architecture)},
            seconds={"score": time.perf_counter() - began},
        )

    def build(self, architecture: Any) -> keras.Model:
        raise NoNetworkError(
            "Expected an evaluator that trains networks. Received: "
            f"{self.name}, which does not."
        )


class FirstBatchEvaluator(ScoreEvaluator):
    """Scores an untrained network by what it makes of one batch of training
    images, of each class its share.

    The network has kernels drawn by its own initialiser, no drop path and no
    dropout, and gives logits. It is called once, eagerly, so that nothing is
    traced; batch norms normalise by the batch. It is thrown away.

    Args:
        settings: How the children are made.
        images: How many images the batch has, 2 or more; all there are, where
            there are fewer. Default 64, as in the authors' code.

    Raises:
        ValueError: See `TrainingEvaluator`, or `images` is out of range.
    """

    def __init__(self, settings: ChildSettings, images: int = 64) -> None:
        check_number("images", images, least=2, integer=True)
        super().__init__(settings)
        self.images = min(images, len(self.data.train_images))
        # Files are in the order of their classes.
        labels = self.data.train_labels
        rows = stratified(labels, self.images, seed=0)
        batches = evaluation_pipeline(
            self.data.train_images[rows], labels[rows], self.images
        )
        (self.batch,) = (batch for batch, _ in batches.take(1))

    def describe(self) -> dict[str, Any]:
        batch = {"images": self.images, "of": "each class its share"}
        return {**super().describe(), self.name: batch}

    @short_trainings()
    def score(self, architecture: Any, seed: int) -> float:
        tell_activity("scoring a network")
        return self.look(self.untrained(architecture, seed), self.batch)

    def untrained(self, architecture: Any, seed: int) -> keras.Model:
        """The network to look at, whose outputs are logits."""
        keras.backend.clear_session()
        keras.utils.set_random_seed(seed)
        with buildable():
            model = self.kind.build(
                architecture, **without_recipe(self.network)
            )
        return _with_logits(model)

    @abc.abstractmethod
    def look(self, model: keras.Model, images: Any) -> float:
        """The score of an untrained network.

        Args:
            model: The network, whose outputs are logits.
            images: `[n, H, W, C]`, as it is trained on them.
        """


def _with_logits(model: keras.Model) -> keras.Model:
    """A network that is thrown away, without the softmax at its end, whose
    sum is 1 for any image."""
    last = model.layers[-1]
    if isinstance(last, keras.layers.Softmax):
        return keras.Model(model.inputs, last.input)
    if hasattr(last, "activation"):
        last.activation = keras.activations.linear
    return model
