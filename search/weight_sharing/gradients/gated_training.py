"""Trains a network of paths and how likely each path is, as ProxylessNAS does:
`GatedTraining`."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from nasnet_keras.training.recipes import Recipe
from search.trial import Decisions
from search.weight_sharing.gradients.architecture_parameters import (
    strongest_choices,
)
from search.weight_sharing.gradients.gated_network import GatedNetwork
from search.weight_sharing.layer_function import is_kernel
from search.weight_sharing.training import SharedTraining, cross_entropy

# Of Adam for the architecture parameters, and their first values' standard
# deviation: authors' code, `search/imagenet_arch_search.py`.
BETA, EPSILON, DEVIATION = 0.999, 1e-8, 1e-3

# Sets the draws of paths apart from those of strategies and evaluators.
GATE_STREAM = 3


class NesterovMomentum:
    """SGD with Nesterov's momentum on the weights that were used in a step,
    and nothing else: the others stay as they are, and are not regularised.

    Args:
        network: With `variables`.
        momentum: Of the updates.
        l2: Of kernels.
        clip_norm: The largest global norm of the gradients; None for any.

    Attributes:
        velocities: A variable for each weight, by its path.
    """

    def __init__(
        self, network: Any, momentum: float, l2: float, clip_norm: float | None
    ) -> None:
        self.velocities = {
            each.path: tf.Variable(tf.zeros(each.shape))
            for each in network.variables
        }
        self._momentum = momentum
        self._l2 = l2
        self._clip_norm = clip_norm

    def apply(
        self, variables: Sequence[Any], gradients: Sequence[Any], rate: float
    ) -> None:
        """One step.

        Args:
            variables: The weights that were used.
            gradients: Of each of them.
            rate: The learning rate.
        """
        steps = [
            gradient + self._l2 * each.value if is_kernel(each) else gradient
            for each, gradient in zip(variables, gradients, strict=True)
        ]
        if self._clip_norm is not None:
            steps, _ = tf.clip_by_global_norm(steps, self._clip_norm)
        for each, step in zip(variables, steps, strict=True):
            tf.raw_ops.ResourceApplyKerasMomentum(
                var=each.value.handle,
                accum=self.velocities[each.path].handle,
                lr=rate,
                grad=step,
                momentum=self._momentum,
                use_nesterov=True,
            )


class GatedTraining(SharedTraining):
    """Trains the weights of the paths that are drawn, on training images, and
    the shares by which they are drawn, on validation images. The batches are
    a pair of both, images and labels each.

    First the weights alone, on paths drawn evenly. Then each few steps one of
    the architecture parameters: of each decision two paths are drawn by their
    shares, without a path twice; one of them is taken, by the share of the
    two. The gradient of a gate g, 1 for what is taken and 0 for the other,
    stands for that of its share, dL/da_i = sum_j dL/dg_j p_j (d_ij - p_i), p
    the shares among the two. Both parameters are then moved alike, so that
    the other paths keep their shares. No more than two paths are computed,
    and the second one keeps no more than its output.

    The loss is the cross-entropy, and with a cost `weight * (E - target) /
    target`, E the expected cost of the paths.

    Departures: one cosine over both parts of the training, where the authors
    begin a second; shares are learnt on augmented images; a decision is
    updated also if an identity is drawn or taken, where the authors make no
    update if it is taken. The default of the authors' script is another mode:
    its backward pass computes all paths, without gradients.

    Reference:
        [Cai et al. 2019](https://arxiv.org/abs/1812.00332), section 3.2 and
        3.3; the authors' code (https://github.com/mit-han-lab/proxylessnas),
        whose gates are called `two`.

    Args:
        network, recipe, steps_per_epoch, batches: See `SharedTraining`. The
            recipe's drop path is left out.
        seed: Of all that is drawn.
        warmup: The share of the steps that train weights alone. Default 0.25
            (authors' code: 40 of 160 epochs).
        interval: At how many steps of the weights the architecture parameters
            take one. Default 5 (authors' code).
        learning_rate: Adam's, of the architecture parameters, without
            momentum. Default 1e-3 (authors' code).
        prices: What the cost of each choice of each decision, in units of the
            target and times the weight, adds to the loss. Default: nothing.

    Attributes:
        parameters: Of each decision a variable with a number for each path.
    """

    optimizer_class = NesterovMomentum

    def __init__(
        self,
        network: GatedNetwork,
        recipe: Recipe,
        steps_per_epoch: int,
        batches: Callable[[int], tf.data.Dataset],
        seed: int = 0,
        warmup: float = 0.25,
        interval: int = 5,
        learning_rate: float = 1e-3,
        prices: Sequence[np.ndarray] | None = None,
    ) -> None:
        super().__init__(network, recipe, steps_per_epoch, batches)
        self._seed = seed
        self._warmup = warmup
        self._interval = interval
        self._rate = learning_rate
        counts = [len(decision.choices) for decision in network.space.decisions]
        self._prices = prices or [np.zeros(count) for count in counts]
        rng = np.random.default_rng((seed, GATE_STREAM))
        self.parameters = [
            tf.Variable(rng.normal(0, DEVIATION, count), dtype="float32")
            for count in counts
        ]
        # The mean squares of Adam, and its number of steps.
        self._squares = [tf.Variable(tf.zeros(count)) for count in counts]
        self._updates = tf.Variable(0.0)

    def variables(self) -> list[tuple[str, tf.Variable]]:
        return [
            *super().variables(),
            *(
                (f"architecture/{name}_{number}", variable)
                for name, row in (
                    ("parameters", self.parameters),
                    ("squares", self._squares),
                    ("updates", [self._updates]),
                )
                for number, variable in enumerate(row)
            ),
        ]

    def update(self, *batch: Any) -> float:
        training, validation = batch
        rng = np.random.default_rng((self._seed, self.steps, GATE_STREAM))
        learns = self.share >= self._warmup
        if learns and self.steps % self._interval == 0:
            self._update_architecture(rng, *validation)
        paths = tuple(
            int(rng.choice(len(each), p=each if learns else None))
            for each in self.shares()
        )
        images, labels = training
        variables = [
            variable
            for layer in self.network.layers_of(paths)
            for variable in layer.trainable_variables
        ]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([each.value for each in variables])
            loss = cross_entropy(self.network(images, paths), labels)
        gradients = tape.gradient(loss, [each.value for each in variables])
        self.optimizer.apply(variables, gradients, self.learning_rate)
        return float(loss)

    def shares(self) -> list[np.ndarray]:
        """Of each decision how likely each of its paths is."""
        return [
            softmax(each.numpy().astype("float64")) for each in self.parameters
        ]

    def strongest(self) -> Iterator[Decisions]:
        """The likeliest paths, in order of the likelihood of all together."""
        return strongest_choices(
            [
                sorted(
                    (
                        (float(share), choice)
                        for choice, share in enumerate(np.log(each))
                    ),
                    key=lambda option: -option[0],
                )
                for each in self.shares()
            ]
        )

    def _update_architecture(
        self, rng: np.random.Generator, images: Any, labels: Any
    ) -> None:
        pairs = [draw_two(share, rng) for share in self.shares()]
        gates = [tf.constant([1.0, 0.0]) for _ in pairs]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(gates)
            logits = self.network(
                images,
                tuple(taken for taken, _ in pairs),
                tuple(other for _, other in pairs),
                gates,
            )
            loss = cross_entropy(logits, labels)
        if not math.isfinite(float(loss)):
            return  # The step of the weights says so, if it is lasting.
        self._updates.assign_add(1)
        for pair, by_gates, prices, parameters, squares in zip(
            pairs,
            tape.gradient(loss, gates),
            self._prices,
            self.parameters,
            self._squares,
            strict=True,
        ):
            chosen = list(pair)
            before = parameters.numpy().astype("float64")
            gradient = np.zeros_like(before)
            gradient[chosen] = gradient_of_two(
                before[chosen], by_gates.numpy() + prices[chosen]
            )
            mean = BETA * squares.numpy() + (1 - BETA) * gradient**2
            unbiased = mean / (1 - BETA ** float(self._updates.numpy()))
            after = before - self._rate * gradient / (
                np.sqrt(unbiased) + EPSILON
            )
            # The other paths keep their shares.
            after[chosen] += np.logaddexp.reduce(
                before[chosen]
            ) - np.logaddexp.reduce(after[chosen])
            squares.assign(mean)
            parameters.assign(after)


def draw_two(shares: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """Draws two different paths by their shares. The first is the path to take:
    it is drawn from the two, again by their shares."""
    pair = rng.choice(len(shares), 2, replace=False, p=shares)
    taken = int(rng.choice(2, p=shares[pair] / shares[pair].sum()))
    return int(pair[taken]), int(pair[1 - taken])


def gradient_of_two(parameters: np.ndarray, by_gates: np.ndarray) -> np.ndarray:
    """The gradient by the parameters of two paths, `[2]`, from the gradient by
    their gates: dL/da_i = sum_j dL/dg_j p_j (d_ij - p_i).

    Example:

    >>> gradient_of_two(np.zeros(2), np.array([1.0, 0.0]))
    array([ 0.25, -0.25])
    """
    shares = softmax(parameters)
    return shares * (by_gates - shares @ by_gates)


def softmax(values: np.ndarray) -> np.ndarray:
    """Shares that sum to 1."""
    powers = np.exp(values - values.max())
    return powers / powers.sum()
