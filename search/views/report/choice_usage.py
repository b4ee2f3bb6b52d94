"""How often a search takes each choice, part by part: `usage_of`.

Neither Keras nor TensorFlow is imported here.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from search.spaces.base import Decision, DecisionKind
from search.trial import Trial

PARTS = 4  # of a search
STRONG = 2.0  # doublings of a choice's share at which its colour is full


@dataclass(frozen=True)
class Usage:
    """How often each choice of one kind of decision is taken.

    Attributes:
        parts: The numbers of the first and the last trial of each part.
        shares: By choice, its share if every decision takes all its choices
            alike, and its share in each part.
    """

    parts: Sequence[tuple[int, int]]
    shares: Mapping[str, tuple[float, Sequence[float]]]


def alike(
    decisions: Sequence[Decision], kind: DecisionKind
) -> dict[str, list[int]]:
    """Groups the positions of the decisions of a kind by the meaning of their
    choices. Ordered decisions with equal choices are a group, named by the
    last parts of their names. A free decision that is no part of a cell is a
    group of its own, for its choices may be called as those of another. All
    others are one group without a name."""
    groups: dict[Any, list[int]] = {}
    for position, decision in enumerate(decisions):
        if decision.kind == kind:
            alone = kind == "free" and "/" not in decision.name
            key = (
                decision.choices if kind == "ordered" else (),
                decision.name if alone else "",
            )
            groups.setdefault(key, []).append(position)
    named: dict[str, list[int]] = {}
    for (choices, alone), positions in groups.items():
        names = dict.fromkeys(
            decisions[position].name.rpartition("/")[2]
            for position in positions
            if choices or alone
        )
        name = ", ".join(names)
        if name in named:  # of other choices elsewhere
            name += f" ({', '.join(choices)})"
        named[name] = positions
    return named


def usage_of(
    decisions: Sequence[Decision],
    trials: Sequence[Trial],
    positions: Sequence[int],
) -> Usage | None:
    """Counts the choices that a strategy proposes, whatever became of the
    proposals.

    Args:
        decisions: Those of the space of the trials.
        trials: The trials of a search, by number.
        positions: Which of the decisions.

    Returns:
        The usage, or None if there is no trial, or nothing to choose.
    """
    chosen = [
        (position, decisions[position].choices)
        for position in positions
        if len(decisions[position].choices) > 1
    ]
    if not (chosen and trials):
        return None
    table = np.array([trial.decisions for trial in trials])
    parts = [part for part in np.array_split(table, PARTS) if len(part)]
    even: dict[str, float] = defaultdict(float)
    taken = [defaultdict[str, float](float) for _ in parts]
    for position, choices in chosen:
        for choice in choices:
            even[choice] += 1 / len(choices) / len(chosen)
        for part, shares in zip(parts, taken, strict=True):
            counts = np.bincount(part[:, position], minlength=len(choices))
            for choice, count in zip(choices, counts, strict=True):
                shares[choice] += count / len(part) / len(chosen)
    ends = np.cumsum([len(part) for part in parts])
    return Usage(
        [
            (trials[end - len(part)].number, trials[end - 1].number)
            for part, end in zip(parts, ends, strict=True)
        ],
        {
            choice: (share, [float(shares[choice]) for shares in taken])
            for choice, share in even.items()
        },
    )


def heat(share: float, even: float) -> float:
    """The colour of a share: 1 at four times the even share and more, -1 at
    a quarter of it and less."""
    if share == 0.0:
        return -1.0
    return max(-1.0, min(1.0, math.log2(share / even) / STRONG))
