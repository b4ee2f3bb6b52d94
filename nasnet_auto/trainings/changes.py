"""What the tuning changes in a training, one value at a time: `CHANGES`."""

from collections.abc import Callable
from typing import Any

from nasnet_auto.survey import Survey
from nasnet_auto.trainings.candidates import Candidate
from search.spaces.recipe import VALUES

LONGER = 4  # times the epochs, where there is time


def _larger_images(candidate: Candidate, survey: Survey) -> dict[str, Any]:
    size = min(2 * candidate.image_size, survey.largest_size)
    return {"image_size": size} if size >= 1.25 * candidate.image_size else {}


def _next(name: str, up: bool) -> "Change":
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


Change = Callable[[Candidate, Survey], dict[str, Any]]
CHANGES: dict[str, Change] = {
    "higher rate": _next("learning_rate", up=True),
    "mixup": _next("mixup", up=True),
    "larger images": _larger_images,
    "labels smoothed": _next("label_smoothing", up=True),
    "lower rate": _next("learning_rate", up=False),
    "longer": _longer,
}
