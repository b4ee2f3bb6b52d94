"""How busy workers are with a lag: a simulation.

    python benchmarks/lag.py

A proposal waits until all trials but the last L, the lag, have ended. The
seconds of children are log-normal. Prints, for numbers of workers, the lag of a
new run and for each sigma the share of the workers' time in which a child
trains. For measured workers see executor_scaling.py.
"""

import argparse
import heapq

import numpy as np

from search.executors.configuration import ExecutionConfig

WORKERS = (2, 4, 8, 16, 32, 64)
SIGMAS = (0.15, 0.3, 0.5)


def busy(workers: int, lag: int, sigma: float, children: int) -> float:
    seconds = np.random.default_rng(0).lognormal(0, sigma, children)
    free = [0.0] * workers
    all_ended = [0.0]  # the first so many trials
    for number, each in enumerate(seconds):
        told = all_ended[max(0, number - lag)]
        ends = max(heapq.heappop(free), told) + each
        heapq.heappush(free, ends)
        all_ended.append(max(all_ended[-1], ends))
    return float(seconds.sum() / (workers * all_ended[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--children", type=int, default=6_000)
    args = parser.parse_args()
    print("| workers | lag |", *(f"sigma {each} |" for each in SIGMAS))
    print("|---|---|" + "---|" * len(SIGMAS))
    for workers in WORKERS:
        lag = ExecutionConfig(workers=workers).lag
        shares = [busy(workers, lag, each, args.children) for each in SIGMAS]
        print(f"| {workers} | {lag} |", *(f"{each:.1%} |" for each in shares))


if __name__ == "__main__":
    main()
