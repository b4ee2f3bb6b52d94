"""How to divide an hour among rungs of short and long trainings: a simulation.

    python benchmarks/allotment.py
    python benchmarks/allotment.py --taus 0.69 0.77

Draws cells whose true worth is normal, lets each rung see it with an error as
large as two rank correlations say, of trainings of 8,000 and of 80,000 images
(the error falls as a power of the training's length between them), and prints
what the best three at the end are worth, in standard deviations of random
cells, and the number of children of each rung. Proposals are random, so that
only the allotment differs.
"""

import argparse
import math
from collections.abc import Sequence

import numpy as np

# Of these images, Kendall's tau with a cell's worth. The first is near what
# reward_ranking.py measured, with a truth that is noisy itself; the second is
# a guess, which only longer trainings could replace.
FEW, MANY = 8_000, 80_000
TAUS = (0.67, 0.80)
FIXED, PER_IMAGE = 6.0, 0.9e-3  # seconds of one core
WORKERS, SECONDS = 2, 3600.0
# Images and share of the time of each rung.
ALLOTMENTS = [
    [(8_000, 1.0)],
    [(16_000, 1.0)],
    [(80_000, 1.0)],
    [(8_000, 0.6), (40_000, 0.4)],
    [(8_000, 0.6), (80_000, 0.4)],
    [(16_000, 0.6), (80_000, 0.4)],
    [(8_000, 1 / 3), (40_000, 1 / 3), (200_000, 1 / 3)],
    [(8_000, 0.5), (40_000, 0.3), (120_000, 0.2)],
    [(8_000, 0.6), (40_000, 0.25), (120_000, 0.15)],
    [(16_000, 0.5), (80_000, 0.3), (240_000, 0.2)],
    [(8_000, 0.25), (24_000, 0.25), (72_000, 0.25), (216_000, 0.25)],
]


def error_of(images: int, taus: Sequence[float]) -> float:
    """The deviation of a training's error, in those of the cells' worth."""
    # For normal scores, Pearson's correlation is sin(pi tau / 2).
    large, small = (1 / math.sin(math.pi * tau / 2) ** 2 - 1 for tau in taus)
    power = math.log(large / small) / math.log(MANY / FEW)
    return math.sqrt(large * (FEW / images) ** power)


def worth(
    rungs: list[tuple[int, int]],
    taus: Sequence[float],
    rng: np.random.Generator,
) -> float:
    true = rng.standard_normal(rungs[0][1])
    for images, count in rungs:
        true = true[:count]
        seen = true + error_of(images, taus) * rng.standard_normal(len(true))
        true = true[np.argsort(-seen)]
    return float(true[:3].mean())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=4000)
    parser.add_argument(
        "--taus", type=float, nargs=2, default=TAUS, help="of the two lengths"
    )
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    for allotment in ALLOTMENTS:
        rungs = [
            (
                images,
                int(SECONDS * WORKERS * share / (FIXED + PER_IMAGE * images)),
            )
            for images, share in allotment
        ]
        each = [worth(rungs, args.taus, rng) for _ in range(args.repeats)]
        text = ", ".join(f"{count} x {images:,}" for images, count in rungs)
        print(f"{np.mean(each):.2f}  {text}")


if __name__ == "__main__":
    main()
