"""Evaluation with the weights of a network of paths, whose gates are learnt by
gradients."""

import itertools
import math
from typing import Any, cast

import keras
import numpy as np

from nasnet_keras.architectures import without_recipe
from search.evaluation.base import ChildSettings
from search.evaluation.one_network import OneNetworkEvaluator, no_more
from search.spaces.base import lacks
from search.spaces.paths import PathSpace
from search.strategies.argument_checks import check_number
from search.trial import Decisions
from search.weight_sharing.gradients.expected_cost import (
    COST_WEIGHT,
    choice_costs,
)
from search.weight_sharing.gradients.gated_network import (
    GatedNetwork,
    calibrate,
)
from search.weight_sharing.gradients.gated_training import GatedTraining
from search.weight_sharing.training import SharedTraining


class GatedEvaluator(OneNetworkEvaluator):
    """A child's reward is its validation accuracy with the weights of a
    network that holds all paths of a space, which is trained before the first
    child: its weights on training images, and how likely each path is on
    validation images. `suggest` then says which paths are the likeliest.

    Where the reward is MnasNet's, its cost is a term of the loss: `cost_weight
    * (E - target) / target`, E the expected cost.

    Reference:
        [Cai et al. 2019](https://arxiv.org/abs/1812.00332); see
        `GatedTraining` for the settings and their sources.

    Args:
        settings: How the children are made; the recipe is that of the network
            of all paths, without drop path.
        warmup: The share of the steps that train weights alone. Default 0.25
            (authors' code).
        interval: At how many steps of the weights the gates take one. Default
            5 (authors' code).
        gate_rate: The learning rate of the gates. Default 1e-3 (authors'
            code, for 120 epochs of ImageNet: shorter trainings want more).
        cost_weight: By how much the loss weighs the cost. Default 0.1
            (authors' code, loss `add#linear`).
        calibration_batches: How many training batches give a child its
            statistics. Default 16.

    Raises:
        ValueError: See `TrainingEvaluator`; or an option is out of range,
            or no step of the gates is left behind the warm-up.
    """

    def __init__(
        self,
        settings: ChildSettings,
        warmup: float = 0.25,
        interval: int = 5,
        gate_rate: float = 1e-3,
        cost_weight: float = COST_WEIGHT,
        calibration_batches: int = 16,
    ) -> None:
        if "paths" not in settings.space.capabilities:
            raise ValueError(lacks(settings.space, "paths"))
        check_number("warmup", warmup, least=0, most=1)
        check_number("interval", interval, least=1, integer=True)
        check_number("gate_rate", gate_rate, least=0)
        super().__init__(settings, calibration_batches, cost_weight)
        self._check_gradients()
        steps = self.end(0)
        if math.ceil(warmup * steps / interval) * interval >= steps:
            raise ValueError(
                "Invalid value for argument `interval` or `warmup`. Expected a "
                "step of the gates behind the warm-up. Received: interval="
                f"{interval}, warmup={warmup}, with {steps} steps; train for "
                "more epochs."
            )
        # What the capability promises.
        self._paths = cast(PathSpace, settings.space)
        self._options: dict[str, Any] = {
            "warmup": warmup,
            "interval": interval,
            "learning_rate": gate_rate,
        }

    def describe(self) -> dict[str, Any]:
        return {
            **super().describe(),
            "gated": {
                "space": self.space.describe(),
                **self._options,
                "calibration_batches": self.calibration_batches,
                **self.described_cost(),
            },
        }

    def create_training(self) -> GatedTraining:
        network = GatedNetwork(
            self._paths,
            self.network["input_shape"],
            self.network["classes"],
            {
                name: value
                for name, value in without_recipe(self.network).items()
                if name not in ("input_shape", "classes")
            },
            self.seed,
        )
        return GatedTraining(
            network,
            self.recipe,
            self.steps_per_epoch,
            self._batch_pairs,
            self.seed,
            prices=self._prices(),
            **self._options,
        )

    def _prices(self) -> list[np.ndarray] | None:
        """What each choice adds to the loss."""
        weighed = self._weighed
        if weighed is None:
            return None
        return [
            weighed.factor * costs
            for costs in choice_costs(self.space, weighed.cost)
        ]

    def bound(
        self, training: SharedTraining, architecture: Any
    ) -> "BoundPaths":
        model = self.kind.build(
            architecture,
            **{
                **without_recipe(self.network),
                "classifier_activation": None,
            },
        )
        decisions = self.space.encode(architecture)
        training.network.copy_to(model, decisions)
        return BoundPaths(model)

    def learnt(self, training: SharedTraining, number: int) -> Any:
        strongest = cast(GatedTraining, training).strongest()
        found: Decisions | None = next(
            itertools.islice(strongest, number, None), None
        )
        if found is None:
            raise no_more("networks", number)
        return self.space.decode(found)


class BoundPaths:
    """A child of a network of paths, as an ordinary model.

    Args:
        model: With the weights of the paths, its outputs logits.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model

    def __call__(self, images: Any) -> Any:
        """The logits, `[B, classes]`."""
        return self.model(images, training=False)

    def calibrate(self, batches: list[Any]) -> None:
        """Gives the batch norms the mean statistics of some batches."""
        calibrate(self.model, batches)

    def copy_to(self, model: keras.Model) -> None:
        """Gives an ordinary model of the child these weights."""
        values = {each.path: each for each in self.model.weights}
        for variable in model.weights:
            # The others count for dropped paths.
            if variable.path in values:
                variable.assign(values[variable.path])
