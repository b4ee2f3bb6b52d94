"""The best children of a search, ranked again: `Retrained`, `Ranking`.

Neither Keras nor TensorFlow is imported here.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pydantic
from pydantic import FiniteFloat

from nasnet_keras.console.accuracy import accuracy_text
from nasnet_keras.console.command_line import InputError
from nasnet_keras.strict_json import read_json


@dataclass(frozen=True)
class Retrained:
    """A child of a search after a longer training.

    Attributes:
        trial: The number of its trial.
        reward: Its reward in the search.
        rank: Its rank by this reward among the children that were trained
            longer, from 1. Children with equal rewards have the same rank.
        accuracy: Its accuracy on the test images, 0 to 1. With several seeds,
            the mean over them. None if every training failed.
        test_images: The number of test images; 0 if every training failed.
        parameters: The parameters of its network, with moving statistics.
        seconds: The seconds of all its trainings.
        reason: Why a training failed, in one sentence.
        accuracies: The accuracy of each seed whose training did not fail.
    """

    trial: int
    reward: FiniteFloat
    rank: int
    accuracy: FiniteFloat | None
    test_images: int
    parameters: int
    seconds: FiniteFloat
    reason: str | None = None
    accuracies: tuple[FiniteFloat, ...] = ()

    @property
    def spread(self) -> float | None:
        """The standard deviation over the seeds; None if there are fewer than
        two."""
        if len(self.accuracies) < 2:
            return None
        return statistics.stdev(self.accuracies)

    @property
    def accuracy_text(self) -> str:
        """The accuracy as text, with its standard error. With several seeds,
        the mean with the standard deviation. Empty if there is no accuracy."""
        if self.accuracy is None:
            return ""
        if self.spread is None:
            return accuracy_text(self.accuracy, self.test_images)
        return f"{self.accuracy:.4f} ± {self.spread:.4f}"


_CHILDREN = pydantic.TypeAdapter(list[Retrained])


@dataclass(frozen=True)
class Ranking:
    """Children that were trained longer.

    Attributes:
        children: The most accurate first, those that failed last.
    """

    children: Sequence[Retrained]

    @classmethod
    def of(cls, children: Iterable[Retrained]) -> "Ranking":
        """The ranking of children in any order."""
        return cls(sorted(children, key=_order))

    @classmethod
    def read(cls, path: Path) -> "Ranking | None":
        """The ranking in a file, or None where there is no such file.

        Raises:
            InputError: It is not one of `to_dict`.
        """
        if not path.is_file():
            return None
        try:
            children = read_json(path)["children"]
            return cls.of(_CHILDREN.validate_python(children))
        except (OSError, LookupError, TypeError, ValueError):
            raise InputError(
                f"{path} is no ranking of `nasnet-search retrain`. Delete it, "
                "or run that command again."
            ) from None

    @property
    def best(self) -> Retrained | None:
        """The most accurate child; None where all have failed."""
        best = next(iter(self.children), None)
        return best if best and best.accuracy is not None else None

    @property
    def ranks(self) -> list[int | None]:
        """The rank of each child by its accuracy, from 1; equal ones share
        one, and those that failed have none."""
        accuracies = [
            child.accuracy
            for child in self.children
            if child.accuracy is not None
        ]
        failed = len(self.children) - len(accuracies)
        return [*ranks_of(accuracies), *[None] * failed]

    @property
    def tau(self) -> float | None:
        """Kendall's tau-b between the ranks before and now, of the children
        that did not fail: 1 for the same order, -1 for the reverse; None
        where there are too few of them, or all are equal."""
        from scipy.stats import kendalltau

        now = [rank for rank in self.ranks if rank is not None]
        if len(now) < 2:
            return None
        before = [child.rank for child in self.children[: len(now)]]
        tau = float(kendalltau(before, now).statistic)
        return None if math.isnan(tau) else tau

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON data."""
        return {
            "tau": self.tau,
            "children": [
                {"rank_now": rank, **asdict(child)}
                for rank, child in zip(self.ranks, self.children, strict=True)
            ],
        }


def ranks_of(values: Sequence[Any]) -> list[int]:
    """The rank of each value among all, from 1 for the largest; equal ones
    share one."""
    return [1 + sum(other > value for other in values) for value in values]


def _order(child: Retrained) -> tuple[bool, float, int]:
    return child.accuracy is None, -(child.accuracy or 0.0), child.rank
