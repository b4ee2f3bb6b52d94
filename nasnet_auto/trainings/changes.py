"""What the tuning changes in a training, one value at a time: `CHANGES`."""

from collections.abc import Callable
from typing import Any, NamedTuple

from nasnet_auto.survey import Survey
from nasnet_auto.trainings.candidates import Candidate
from search.spaces.recipe import VALUES

# Times the epochs, where there is time, and the least that is tried. A guess.
LONGER, LEAST_LONGER = 4, 1.5


def _larger_images(candidate: Candidate, survey: Survey) -> dict[str, Any]:
    size = min(2 * candidate.image_size, survey.largest_size)
    return {"image_size": size} if size >= 1.25 * candidate.image_size else {}


def _next(name: str, up: bool) -> "Values":
    """The nearest value of the table that is another by half at the least."""

    def change(candidate: Candidate, survey: Survey) -> dict[str, Any]:
        recipe, changed = candidate.recipe, name
        if name == "learning_rate" and candidate.is_probe:
            changed = "frozen_learning_rate"
        value, table = getattr(recipe, changed), VALUES[name]
        if up:
            others = [each for each in table if float(each) > 1.5 * value]
        else:
            others = [each for each in table if float(each) < value / 1.5]
        return {changed: others[0 if up else -1]} if others else {}

    return change


def _longer(candidate: Candidate, survey: Survey) -> dict[str, Any]:
    epochs = LONGER * candidate.recipe.epochs
    values = {"epochs": epochs}
    if candidate.is_probe:
        values["frozen_epochs"] = epochs
    return values


def _another_seed(candidate: Candidate, survey: Survey) -> dict[str, Any]:
    return {"seed": (candidate.settings["seed"] + 1) % 2**32}


Values = Callable[[Candidate, Survey], dict[str, Any]]


class Change(NamedTuple):
    """A change of a training.

    Attributes:
        values: Returns the values that `Candidate.changed` takes; none where
            there is nothing to change.
        least: The share of the epochs asked for that has to fit in the time.
    """

    values: Values
    least: float = 0.5


CHANGES: dict[str, Change] = {
    "higher rate": Change(_next("learning_rate", up=True)),
    "mixup": Change(_next("mixup", up=True)),
    "larger images": Change(_larger_images),
    "labels smoothed": Change(_next("label_smoothing", up=True)),
    "lower rate": Change(_next("learning_rate", up=False)),
    "longer": Change(_longer, LEAST_LONGER / LONGER),
    # All of them: it says how much two equal trainings differ by chance.
    "another seed": Change(_another_seed, 1.0),
}
