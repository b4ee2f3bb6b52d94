"""Evaluation with shared weights: children are not trained, but the network
that holds them all is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from nasnet_keras.genotype import Genotype
from nasnet_keras.quotation import quoted
from search.evaluation.base import Child, ChildSettings
from search.evaluation.one_network import OneNetworkEvaluator, no_more
from search.spaces.base import lacks
from search.storage.run_folder import SHARED_CHILDREN_FILE
from search.strategies.argument_checks import check_flag, check_number
from search.weight_sharing.child_log import ChildLog
from search.weight_sharing.gradients.architecture_parameters import (
    ArchitectureParameters,
    warn_of_collapse,
)
from search.weight_sharing.gradients.expected_cost import (
    COST_WEIGHT,
    edge_costs,
)
from search.weight_sharing.gradients.mixture_training import MixtureTraining
from search.weight_sharing.shared_network import SharedNetwork
from search.weight_sharing.subnetwork import Subnetwork
from search.weight_sharing.training import PathTraining, SharedTraining

ARCHITECTURE_RATE = 3e-4
# Sets the draws of the cells that are trained apart from those of strategies.
TRAINING_STREAM = 2


class SharedEvaluator(OneNetworkEvaluator):
    """A child's reward is its validation accuracy with the weights that it
    finds in a network which holds every cell of the space.

    One round, one-shot search: before the first child the network is trained,
    each step on a cell drawn at random. The outcome is a function of the
    genotype, the seed, the data and the number of threads, as with
    `TrainingEvaluator`.

    Several rounds, ENAS: the first part of the training comes before the first
    child, each further one when so many children were evaluated, each step on
    one of those of the round before. Then the outcome is also a function of
    the children before; its budget is the epochs that the network has been
    trained for, so that the best children are those of the last round.

    By gradients, DARTS: the mixture of all cells is trained before the first
    child, its weights on training images and what it learns of the
    architecture on validation images; `suggest` then says which cells these
    are.

    The batch norms of a child normalise by statistics of its own, those of
    some batches of training images: moving ones would be of all children
    together.

    References:
        [Bender et al. 2018](
        https://proceedings.mlr.press/v80/bender18a.html);
        [Pham et al. 2018](https://arxiv.org/abs/1802.03268);
        [Liu et al. 2019](https://arxiv.org/abs/1806.09055).

    Args:
        settings: How the children are made; the recipe is that of the shared
            network.
        in_turns: Whether the network is trained in as many rounds as the
            recipe has epochs, where `rounds` is not given. Default False.
        rounds: How many parts the training has. Default 1.
        round_cells: How many children are evaluated after each part but the
            last; in a run by default an even share of its trials. ENAS,
            authors' code: 300.
        calibration_batches: How many training batches give a child its
            statistics. Default 4.
        order: 1 or 2: train the mixture of all cells, by `MixtureTraining` of
            that order; 2 takes the next step of the weights into account, for
            some three times the work. None, the default: train one cell in
            each step.
        architecture_rate: The learning rate of the architecture parameters,
            with an `order` only. Default 3e-4 (authors' code of DARTS, for 50
            epochs of half of CIFAR-10 in batches of 64).
        cost_weight: By how much the loss of the architecture weighs a cost,
            with an `order` only and a reward that weighs one: `cost_weight *
            (E - target) / target`, E the expected cost. Default 0.1 (authors'
            code of ProxylessNAS, loss `add#linear`).

    Raises:
        ValueError: See `TrainingEvaluator`; or an option is out of range.
    """

    def __init__(
        self,
        settings: ChildSettings,
        in_turns: bool = False,
        rounds: int | None = None,
        round_cells: int | None = None,
        calibration_batches: int = 4,
        order: int | None = None,
        architecture_rate: float | None = None,
        cost_weight: float | None = None,
    ) -> None:
        if "shared-weights" not in settings.space.capabilities:
            raise ValueError(lacks(settings.space, "shared-weights"))
        rounds = _rounds(in_turns, rounds, settings.recipe.epochs)
        if round_cells is not None:
            check_number("round_cells", round_cells, least=1, integer=True)
            _check_used("round_cells", round_cells, rounds > 1, "rounds")
        mixed = type(order) is int and order in (1, 2) and rounds == 1
        if order is not None and not mixed:
            raise ValueError(
                "Invalid value for argument `order`. Expected 1, 2 or none, "
                f"and one round with it. Received: order={quoted(order)}, "
                f"rounds={rounds}."
            )
        if order is not None and "mixture" not in settings.space.capabilities:
            raise ValueError(lacks(settings.space, "mixture"))
        for name, value in (
            ("architecture_rate", architecture_rate),
            ("cost_weight", cost_weight),
        ):
            _check_used(name, value, order is not None, "an order")
        if architecture_rate is None:
            architecture_rate = ARCHITECTURE_RATE
        check_number("architecture_rate", architecture_rate, least=0)
        if cost_weight is None:
            cost_weight = COST_WEIGHT
        super().__init__(settings, calibration_batches, cost_weight)
        if order is not None:
            self._check_gradients()
        # What the capability promises: a `NASNetSpace`.
        self._cells = cast(Any, settings.space)
        self.rounds = rounds
        self.round_cells = round_cells or 1
        self.order = order
        self._architecture_rate = architecture_rate
        self._architecture = ArchitectureParameters(
            self._cells, architecture_rate
        )
        self._children = ChildLog(self._cells)

    @classmethod
    def settled(
        cls, options: Mapping[str, Any], trials: int, epochs: int
    ) -> Mapping[str, Any]:
        rounds = _rounds(
            options.get("in_turns", False), options.get("rounds"), epochs
        )
        if rounds == 1 or "round_cells" in options:
            return options
        # Else the training would end before its last round.
        fewer = min(rounds, max(1, trials))
        if fewer < rounds and options.get("rounds") is not None:
            raise ValueError(
                "Invalid value for argument `rounds`. Expected at most "
                f"{fewer}, the number of trials. Received: rounds={rounds}."
            )
        settled = {**options, "rounds": fewer} if fewer < rounds else options
        if fewer == 1:
            return settled
        return {**settled, "round_cells": trials // fewer}

    def describe(self) -> dict[str, Any]:
        return {
            **super().describe(),
            "shared": {
                "space": self.space.describe(),
                "rounds": self.rounds,
                "round_cells": self.round_cells,
                "calibration_batches": self.calibration_batches,
                "order": self.order,
                **({} if self.order is None else self._described_order()),
            },
        }

    def _described_order(self) -> dict[str, Any]:
        return {
            "architecture_rate": self._architecture_rate,
            **self.described_cost(),
        }

    def round_of(self, child: Child) -> int:
        return self._round(self._children.add(child.number, child.architecture))

    def outdated(self, number: int, folder: Path) -> bool:
        """In a later round the network was trained further."""
        if self.rounds == 1:
            return False
        self._children.open(folder / SHARED_CHILDREN_FILE)
        position = self._children.position(number)
        following = self._round(len(self._children))
        return position is not None and self._round(position) < following

    def _round(self, position: int) -> int:
        """That of the child that is evaluated at this position."""
        return min(position // self.round_cells, self.rounds - 1)

    def end(self, number: int) -> int:
        return super().end(number) * (number + 1) // self.rounds

    def learnt(self, training: SharedTraining, number: int) -> Genotype:
        genotypes = self._architecture.strongest(number + 1)
        if len(genotypes) <= number:
            raise no_more("cells", len(genotypes))
        if number == 0:
            warn_of_collapse(genotypes[0])
        return genotypes[number]

    def suggest(self, number: int, folder: Path) -> Genotype:
        if self.order is None:
            raise ValueError(
                "Expected an evaluator that learns architectures by "
                "gradients. Received: one of `order` None, which does not."
            )
        return super().suggest(number, folder)

    def _shared_training(self, folder: Path | None) -> SharedTraining:
        if self._training is None and folder is not None and self.rounds > 1:
            self._children.open(folder / SHARED_CHILDREN_FILE)
        return super()._shared_training(folder)

    def create_training(
        self, network: SharedNetwork | None = None
    ) -> SharedTraining:
        network = network or self.create_network()
        if self.order is None:
            return PathTraining(
                network,
                self.recipe,
                self.steps_per_epoch,
                self.batches,
                self.draw,
            )
        weighed = self._weighed
        return MixtureTraining(
            network,
            self.recipe,
            self.steps_per_epoch,
            self._batch_pairs,
            self._architecture,
            self.order,
            None
            if weighed is None
            else {
                cell: weighed.factor * table
                for cell, table in edge_costs(self._cells, weighed.cost).items()
            },
        )

    def bound(
        self, training: SharedTraining, architecture: Genotype
    ) -> Subnetwork:
        return Subnetwork(training.network, architecture)

    def create_network(self) -> SharedNetwork:
        """The shared network as it begins."""
        return SharedNetwork(
            self._cells,
            self.network["input_shape"],
            self.network["classes"],
            self.network["repeats"],
            self.network["filters"],
            self.seed,
        )

    def draw(self, step: int) -> Genotype:
        """The cell that the shared network is trained on in a step."""
        rng = np.random.default_rng((self.seed, step, TRAINING_STREAM))
        number = next(n for n in range(self.rounds) if step < self.end(n))
        if number == 0:
            return self.space.decode(self.space.sample(rng))
        first = (number - 1) * self.round_cells
        return self._children[first + int(rng.integers(self.round_cells))]


def _check_used(name: str, value: Any, used: bool, by: str) -> None:
    """Raises:
    ValueError: An option is given where nothing follows it.
    """
    if value is not None and not used:
        raise ValueError(
            f"Invalid value for argument `{name}`. Expected none without "
            f"{by}. Received: {name}={quoted(value)}."
        )


def _rounds(in_turns: bool, rounds: int | None, epochs: int) -> int:
    """Raises:
    ValueError: An argument is no flag, or no number of rounds.
    """
    check_flag("in_turns", in_turns)
    if rounds is None:
        return epochs if in_turns else 1
    check_number("rounds", rounds, least=1, most=epochs, integer=True)
    return rounds
