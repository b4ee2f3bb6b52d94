"""Strategies against each other on a table of known results.

    nasnet-search benchmark --space NAME --table FILE --search-column C
        --report-column R --strategies a,b,c --trials 500 --seeds 20
        --output DIR

Every strategy searches with the numbers of the one column; what it has found
is reported by the other, which it never sees. Every proposal counts as a
trial, repeated ones too.
"""

import collections
import functools
import json
import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from nasnet_keras.console.command_line import RunError, named, quiet_import
from nasnet_keras.quotation import quoted
from search.evaluation.base import Child, EvaluationError
from search.evaluation.tabular import ArchitectureTable, TabularEvaluator
from search.runs.arguments import checked_arguments
from search.spaces import create_space
from search.spaces.base import CAPABILITIES
from search.strategies import STRATEGIES, create_strategy, strategy_class
from search.trial import Decisions, Trial, TrialState

MILESTONES = (25, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
COMPARED_WITH = "random"
SPACE = "nasbench201"


@dataclass(frozen=True)
class Search:
    """What one strategy came to with one seed: arrays over its trials.

    Attributes:
        search: The best value of the search column so far; NaN before any.
        report: The report value of the architecture chosen by it.
        seconds: The time spent in the strategy itself so far.
    """

    search: np.ndarray
    report: np.ndarray
    seconds: np.ndarray


@dataclass(frozen=True)
class Result:
    """A row of the summary: a strategy after so many trials.

    Attributes:
        strategy: The strategy's name.
        trials: How many proposals were evaluated.
        mean: Of the report value of the architecture with the best search
            value, over the seeds.
        sd: Its standard deviation over the seeds; None of one seed.
        search_mean: Of the best search value, over the seeds.
        search_sd: Its standard deviation.
        gain: The mean difference to random search with the same seed, in
            the report value; None for random search itself.
        gain_low: The lower end of its 95 % interval, by Student's t.
        gain_high: The upper end.
        seconds: The mean time spent in the strategy itself.
    """

    strategy: str
    trials: int
    mean: float
    sd: float | None
    search_mean: float
    search_sd: float | None
    gain: float | None
    gain_low: float | None
    gain_high: float | None
    seconds: float


def run_search(
    path: str | Path,
    search_column: str,
    report_column: str,
    trials: int,
    strategy: str,
    seed: int,
    space: str = SPACE,
    space_options: str = "{}",
    lag: int = 0,
) -> Search:
    """Runs one strategy with one seed: a plain loop of ask and tell.

    Args:
        path: The table's file.
        search_column: The rewards.
        report_column: What is reported of the architectures found.
        trials: How many proposals are evaluated.
        strategy: The strategy's name, with its default options, or with those
            of `strategy_of`.
        seed: The strategy's seed.
        space: The name of the space of the table's architectures. Default
            that of NAS-Bench-201.
        space_options: The arguments of the space, as JSON. Default none.
        lag: How many trials are under way when another is proposed. Default
            0.

    Raises:
        ValueError: The table, a column, the space or the strategy is not as
            expected.
    """
    table = load_table(path, space, space_options)
    evaluator = TabularEvaluator(table, search_column)
    report = table.values(report_column)
    curves = np.full((3, trials), np.nan)
    best = -np.inf
    began = time.perf_counter()
    with quiet_import():
        name, options = strategy_of(strategy)
        searcher = create_strategy(name, table.space, seed, **options)
        searcher.lag = lag
    spent = time.perf_counter() - began
    under_way: collections.deque[Trial] = collections.deque()
    for number in range(trials):
        began = time.perf_counter()
        decisions = searcher.ask(number)
        searcher.proposed(decisions)
        spent += time.perf_counter() - began
        trial = _evaluated(evaluator, number, decisions)
        if trial.reward is not None and trial.reward > best:
            best = trial.reward
            row = evaluator.find(decisions)
            found = np.nan if row is None else report.get(row, np.nan)
            curves[:2, number:] = [[best], [found]]
        under_way.append(trial)
        began = time.perf_counter()
        if len(under_way) > lag:
            searcher.tell(under_way.popleft())
        spent += time.perf_counter() - began
        curves[2, number] = spent
    return Search(*curves)


def strategy_of(text: str) -> tuple[str, dict[str, Any]]:
    """The name of a strategy, and its options.

    Args:
        text: NAME, or NAME:OPTION=VALUE:...; a value is JSON, or else a text.

    Example:

    >>> strategy_of("ppo:screen=100:config=paper")
    ('ppo', {'screen': 100, 'config': 'paper'})
    """
    name, *options = text.split(":")
    return name, named(options)


@functools.cache
def load_table(
    path: str | Path, space: str, space_options: str
) -> ArchitectureTable:
    """A table of a space, read only once; see `run_search` for the
    arguments."""
    options = json.loads(space_options)
    return ArchitectureTable(path, create_space(space, options))


def _evaluated(
    evaluator: TabularEvaluator, number: int, decisions: Decisions
) -> Trial:
    architecture = evaluator.table.space.decode(decisions)
    try:
        evaluation = evaluator.evaluate(Child(0, architecture))
    except EvaluationError as error:
        return Trial(number, decisions, TrialState.FAILED, reason=str(error))
    return Trial(number, decisions, TrialState.COMPLETE, (evaluation,))


def run_searches(
    job: Callable[[str, int], Search],
    strategies: Sequence[str],
    seeds: int,
    workers: int = 0,
) -> Iterator[tuple[str, int, Search]]:
    """Runs every strategy with every seed, and yields what is ready.

    Args:
        job: Runs one strategy with one seed.
        strategies: The strategies' names.
        seeds: How many seeds: 0 .. seeds - 1.
        workers: How many processes share the work; 0: this one does it. New
            ones heed the number of threads that the environment sets.

    Raises:
        RunError: One of these processes was ended.
    """
    pairs = [(name, seed) for name in strategies for seed in range(seeds)]
    if not workers:
        for name, seed in pairs:
            yield name, seed, job(name, seed)
        return
    # TensorFlow does not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        running = {pool.submit(job, *pair): pair for pair in pairs}
        try:
            for future in as_completed(running):
                yield *running[future], future.result()
        except BrokenProcessPool:
            raise RunError(
                "A process that shared the work was ended by something else, "
                "such as a lack of memory, or imports a script that begins "
                'the benchmark outside `if __name__ == "__main__":`. Begin '
                "again."
            ) from None


def summarize(searches: dict[str, list[Search]], trials: int) -> list[Result]:
    """The rows of the summary.

    Args:
        searches: Of each strategy, the searches by seed.
        trials: How many trials each has.
    """
    counts = [count for count in MILESTONES if count < trials] + [trials]
    return [
        _result(name, count, searches) for name in searches for count in counts
    ]


def _result(name: str, count: int, searches: dict[str, list[Search]]) -> Result:
    search, report, seconds = (
        np.array([getattr(each, part)[count - 1] for each in searches[name]])
        for part in ("search", "report", "seconds")
    )
    gain = low = high = None
    if name != COMPARED_WITH and COMPARED_WITH in searches:
        others = [each.report[count - 1] for each in searches[COMPARED_WITH]]
        gain, low, high = paired_gain(report - np.array(others))
    return Result(
        name,
        count,
        float(report.mean()),
        _deviation(report),
        float(search.mean()),
        _deviation(search),
        gain,
        low,
        high,
        float(seconds.mean()),
    )


def paired_gain(
    differences: np.ndarray,
) -> tuple[float, float | None, float | None]:
    """The mean of paired differences, and the ends of its 95 % interval by
    Student's t; None of a single pair."""
    mean, deviation = float(differences.mean()), _deviation(differences)
    if deviation is None:
        return mean, None, None
    count = len(differences)
    half = float(stats.t.ppf(0.975, count - 1)) * deviation / count**0.5
    return mean, mean - half, mean + half


def _deviation(values: np.ndarray) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None


def check_benchmark(
    table: str | Path,
    search_column: str,
    report_column: str,
    strategies: Iterable[str],
    space: str = SPACE,
    space_options: Mapping[str, Any] = {},
) -> None:
    """Raises:
    ValueError: The space or the table is none, a column is missing or does
        not hold numbers, an architecture has one to search with and none
        to report, or there is no such strategy, or one that needs more
        than a table.
    """
    load_table.cache_clear()  # The file may have changed since.
    data = load_table(table, space, json.dumps(dict(space_options)))
    searched, reported = map(data.values, (search_column, report_column))
    missing = [row for row in searched if row not in reported]
    if missing:
        raise ValueError(
            f"Invalid table {str(table)!r}. Expected a number in the column "
            f"{report_column!r} wherever {search_column!r} has one. Received: "
            f"none for {quoted(data.space.to_key(missing[0]))}."
        )
    for strategy in strategies:
        name, options = strategy_of(strategy)
        if name not in STRATEGIES:
            raise ValueError(
                "Invalid value for argument `strategies` (--strategies). "
                f"Expected some of {', '.join(STRATEGIES)}. Received: "
                f"{quoted(name)}."
            )
        for need in sorted(strategy_class(name).needs):
            raise ValueError(
                "Invalid value for argument `strategies`. Expected strategies "
                "that learn from rewards, which are all that a table has. "
                f"Received: {name!r}, which needs {CAPABILITIES[need]}."
            )
        if options.get("scores"):
            raise ValueError(
                "Invalid value for argument `strategies`. Expected none with "
                "`scores`, which are of networks, and a table has none. "
                f"Received: {quoted(strategy)}."
            )
        create_strategy(name, data.space, 0, **options)
        for cost in strategy_class(name).weighed(options):
            raise ValueError(
                "Invalid value for argument `strategies`. Expected strategies "
                "that learn from rewards, which are all that a table has. "
                f"Received: {name!r}, which weighs the {cost}."
            )


def compared(strategies: Iterable[str]) -> list[str]:
    """The strategies of a benchmark, each once, random search first."""
    return list(dict.fromkeys([COMPARED_WITH, *strategies]))


@checked_arguments
def benchmark(
    table: str | Path,
    search_column: str,
    report_column: str,
    strategies: Sequence[str],
    trials: int,
    seeds: int,
    workers: int = 0,
    progress: Callable[[str, int], None] = lambda name, seed: None,
    space: str = SPACE,
    space_options: Mapping[str, Any] = {},
    lag: int = 0,
) -> tuple[list[Result], dict[str, list[Search]]]:
    """Runs the strategies, and random search if it is not among them.

    Args:
        table: The table's file, as `ArchitectureTable` reads it.
        search_column: The rewards.
        report_column: What is reported of the architectures found.
        strategies: Names of strategies; they have their default options.
        trials: How many proposals of each search are evaluated.
        seeds: How many searches each strategy makes.
        workers: As `run_searches`.
        progress: Is told the strategy and the seed of each search that is
            done.
        space: The name of the space of the table's architectures. Default
            that of NAS-Bench-201.
        space_options: The arguments of the space. Default none.
        lag: How many trials are under way when another is proposed, as with
            several workers. Default 0.

    Returns:
        The rows of the summary, and the searches of each strategy by seed.

    Raises:
        InputError: An argument is none of what it may be.
        ValueError: As `check_benchmark`.
    """
    check_benchmark(
        table, search_column, report_column, strategies, space, space_options
    )
    names = compared(strategies)
    job = functools.partial(
        run_search,
        table,
        search_column,
        report_column,
        trials,
        space=space,
        space_options=json.dumps(dict(space_options)),
        lag=lag,
    )
    done: dict[str, dict[int, Search]] = {name: {} for name in names}
    for name, seed, search in run_searches(job, names, seeds, workers):
        done[name][seed] = search
        progress(name, seed)
    searches = {
        name: [by_seed[seed] for seed in range(seeds)]
        for name, by_seed in done.items()
    }
    return summarize(searches, trials), searches
