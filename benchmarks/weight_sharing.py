"""Candidates with shared weights beside children trained alone: how many a
minute, on the same images.

    python benchmarks/weight_sharing.py
    python benchmarks/weight_sharing.py --dataset digits --cells 5

Shared: random cells are evaluated with a network whose weights are as they
begin, first while their layers are traced, then again. Alone: a random cell is
trained for an epoch by the `search-proxy` recipe; its seconds for all the
epochs of the recipe follow from those. Also a step of the training
of the shared network, once all is traced, and what it takes of the memory; and
a step of DARTS, of both orders, with so many blocks.
"""

import argparse
import dataclasses
import os
import resource
import statistics
import time
from collections.abc import Sequence
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from modes import parse_arguments

from nasnet_keras.genotype import Genotype
from nasnet_keras.training.recipes import RECIPES
from search.evaluation.base import Child, ChildSettings
from search.evaluation.child_data import short_trainings
from search.evaluation.shared import SharedEvaluator
from search.evaluation.training import TrainingEvaluator
from search.spaces.nasnet import NASNetSpace
from search.weight_sharing.shared_network import SharedNetwork
from search.weight_sharing.subnetwork import Subnetwork
from search.weight_sharing.training import SharedTraining


def megabytes() -> float:
    """The most that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def made(shared: SharedEvaluator) -> SharedNetwork:
    """The shared network as it begins; prints what it takes."""
    before, began = megabytes(), time.perf_counter()
    network = shared.create_network()
    size = sum(int(np.prod(bank.shape)) for bank in network.variables)
    print(
        f"shared network: {size / 1e6:.1f} million weights in "
        f"{len(network.variables):,} variables, made in "
        f"{time.perf_counter() - began:.1f} s, {megabytes() - before:.0f} MiB",
        flush=True,
    )
    return network


def evaluated(
    shared: SharedEvaluator, network: SharedNetwork, cells: Sequence[Genotype]
) -> float:
    """The median seconds of an evaluation once all layers are traced."""
    rounds: list[list[float]] = [[], []]
    for seconds in rounds:
        for cell in cells:
            began = time.perf_counter()
            shared.measure(Subnetwork(network, cell))
            seconds.append(time.perf_counter() - began)
    once = statistics.median(rounds[1])
    traced = sum(rounds[0]) - sum(rounds[1])
    print(
        f"evaluation: {once:.2f} s a cell, {60 / once:.1f} a minute; tracing "
        f"{traced:.0f} s for the layers of {len(cells)} cells",
        flush=True,
    )
    return once


def trained(
    shared: SharedEvaluator,
    network: SharedNetwork,
    cells: Sequence[Genotype],
    steps: int,
) -> None:
    """Prints the median seconds of a training step."""
    training: Any = shared.create_training(network)
    training.draw = lambda step: cells[step % len(cells)]
    # The first trace the layers of the cells.
    seconds = stepped(training, len(cells) + steps)[len(cells) :]
    once = statistics.median(seconds)
    print(
        f"training: {once:.3f} s a step, "
        f"{shared.recipe.batch_size / once:.0f} images/s; {megabytes():.0f} "
        "MiB in all",
        flush=True,
    )


def stepped(training: SharedTraining, steps: int) -> list[float]:
    """The seconds of each step."""
    seconds = []
    for batch in training.batches(0).take(steps):
        began = time.perf_counter()
        training.step(*batch)
        seconds.append(time.perf_counter() - began)
    return seconds


def trained_by_gradients(
    blocks: int, steps: int, settings: ChildSettings
) -> None:
    """Prints the seconds of the first step of DARTS, which traces it, and the
    median of the others."""
    for order in (1, 2):
        shared = SharedEvaluator(
            dataclasses.replace(settings, space=NASNetSpace(blocks, ("add",))),
            order=order,
        )
        training = shared.create_training(shared.create_network())
        first, *others = stepped(training, 1 + steps)
        print(
            f"DARTS, {blocks} blocks, order {order}: "
            f"{statistics.median(others):.2f} s a step, the first {first:.0f} "
            f"s; {megabytes():.0f} MiB in all",
            flush=True,
        )


def trained_alone(cell: Genotype, settings: ChildSettings) -> float:
    """The seconds of a child by the recipe, as those of an epoch say."""
    recipe = dataclasses.replace(settings.recipe, epochs=1)
    alone = TrainingEvaluator(dataclasses.replace(settings, recipe=recipe))
    epochs = settings.recipe.epochs
    seconds = alone.evaluate(Child(0, cell)).seconds
    child = sum(seconds.values()) + seconds["train"] * (epochs - 1)
    images = alone.steps_per_epoch * alone.recipe.batch_size
    print(
        f"a child alone: {child:.0f} s for {epochs} epochs, "
        f"{images / seconds['train']:.0f} images/s"
    )
    return child


@short_trainings()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="cifar10")
    parser.add_argument("--filters", type=int, default=8)
    parser.add_argument("--cells", type=int, default=30)
    parser.add_argument("--validation-images", type=int, default=5000)
    parser.add_argument("--steps", type=int, default=60, help="of training")
    parser.add_argument("--image-size", type=int, help="the data's own if not")
    parser.add_argument("--darts-blocks", type=int, default=2, help="0: none")
    arguments = parse_arguments(parser)
    settings = ChildSettings(
        space=NASNetSpace(),
        dataset=arguments.dataset,
        recipe=RECIPES["search-proxy"],
        scale={"filters": arguments.filters},
        image_size=arguments.image_size,
        validation_images=arguments.validation_images,
    )
    shared = SharedEvaluator(settings)
    rng = np.random.default_rng(0)
    cells = [
        shared.space.decode(shared.space.sample(rng))
        for _ in range(arguments.cells)
    ]
    network = made(shared)
    once = evaluated(shared, network, cells)
    trained(shared, network, cells, arguments.steps)
    child = trained_alone(cells[0], settings)
    print(f"{child / once:.0f} cells with shared weights in that time")
    if arguments.darts_blocks:
        trained_by_gradients(arguments.darts_blocks, 10, settings)


if __name__ == "__main__":
    main()
