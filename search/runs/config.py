"""What a run is made of: `RunConfig`, checked at the edge where it comes in
from the command line, from Python or from a run's config.json.

Neither Keras nor TensorFlow is imported here.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Self

import pydantic
from pydantic import Field

from nasnet_keras.console.command_line import (
    LARGEST,
    InputError,
    sentence,
    setting_name,
)
from nasnet_keras.quotation import quoted
from nasnet_keras.strict_json import is_json
from nasnet_keras.training.recipes import Recipe, check_supported
from search.evaluation import EVALUATORS, find_evaluator
from search.runs.child_config import ChildConfig
from search.runs.child_recipe import (
    DEFAULT_RECIPE,
    SEARCH_EPOCHS,
    complete_recipe,
    unsupported_values,
)
from search.runs.objective_config import ObjectiveConfig, Settings
from search.spaces import SPACES, create_space
from search.spaces.base import CAPABILITIES, SearchSpace
from search.strategies import STRATEGIES, strategy_class
from search.strategies.base import Strategy

# What may change while a run goes on: how long it goes on, and how many of
# its children it keeps.
FREE_SETTINGS = ("trials", "keep")

STRATEGY, PLANNED_STRATEGY, TRIALS = "ppo", "auto", 60

TO_LOOK = {"to_look": True}  # the context of a validation


class RunConfig(Settings):
    """The configuration of a run.

    The fields are described where they are declared; the command line offers
    each as an option.

    Example:

    >>> config = RunConfig(dataset="digits", recipe={"epochs": 2})
    >>> config.strategy, config.recipe.epochs, config.recipe.batch_size
    ('ppo', 2, 64)
    """

    dataset: Annotated[
        str | None,
        Field(
            description="Images to search on: a name such as digits or "
            "cifar10, a folder with a sub-folder a class, or an .npz file."
        ),
    ] = None
    space: Annotated[
        str,
        Field(
            description=f"The space to search: {', '.join(SPACES)}, or "
            "module:attribute for a space of your own."
        ),
    ] = "nasnet"
    space_options: dict[str, Any] = {}
    strategy: Annotated[
        str | None,
        Field(
            description="The strategy, which proposes architectures: "
            f"{', '.join(STRATEGIES)}. Default: {STRATEGY}, with `hours` "
            f"{PLANNED_STRATEGY}."
        ),
    ] = None
    strategy_options: dict[str, Any] = {}
    evaluator: Annotated[
        str | None,
        Field(
            description="The evaluator, which gives the rewards: "
            f"{', '.join(EVALUATORS)}, or module:attribute for a class of "
            "your own. training and int8 train each child alone; shared and "
            "gated train one network, whose weights all children share; the "
            "others train nothing. Default: set by the strategy."
        ),
    ] = None
    evaluator_options: dict[str, Any] = {}
    trials: Annotated[
        int | None,
        Field(
            ge=1,
            le=LARGEST,
            description=f"Children to evaluate in all. Default: {TRIALS}.",
        ),
    ] = None
    hours: Annotated[
        float | None,
        Field(
            gt=0,
            le=10**5,
            description="How many hours the search takes, instead of "
            "`trials`. Many children train for seconds, and the best of them "
            "again for longer. Default: `trials` counts.",
        ),
    ] = None
    seed: Annotated[
        int,
        # NumPy takes no larger one.
        Field(
            ge=0,
            le=2**32 - 1,
            description="Seed of the proposals, the data and the children.",
        ),
    ] = 0
    keep: Annotated[
        int,
        Field(
            ge=1,
            le=LARGEST,
            description="How many of the best children keep their weights.",
        ),
    ] = 5
    lag: Annotated[
        int | None,
        Field(
            ge=0,
            le=LARGEST,
            description="How many of the last trials a proposal does not wait "
            "for. At most so many workers and one more are used. Default: 0 in "
            "process, otherwise from the workers at the start: 3 for 2 "
            "workers, 8 for 4, 20 for 8.",
        ),
    ] = None
    halving: Annotated[
        int | None,
        Field(
            ge=2,
            le=LARGEST,
            description="Successive halving by N: the best of N children "
            "trains for N times as long, and so on to the last epoch. Default: "
            "no halving.",
        ),
    ] = None
    brackets: Annotated[
        bool,
        Field(
            description="With `halving`: the brackets of Hyperband. In each "
            "further bracket fewer children begin, with more epochs."
        ),
    ] = False
    first_epochs: Annotated[
        float | None,
        Field(
            gt=0,
            le=LARGEST,
            description="Epochs of the first trainings, with `halving` "
            "(default: 1) or with `hours` (default: as planned).",
        ),
    ] = None
    child: ChildConfig = ChildConfig()
    recipe: Annotated[Recipe, Field(validate_default=True)] = DEFAULT_RECIPE
    objective: ObjectiveConfig = ObjectiveConfig()

    @pydantic.field_validator("recipe", mode="wrap")
    @classmethod
    def _complete_recipe(
        cls,
        recipe: Any,
        validate: pydantic.ValidatorFunctionWrapHandler,
        info: pydantic.ValidationInfo,
    ) -> Recipe:
        unsupported = unsupported_values(info.data, info.context == TO_LOOK)
        chosen = validate(complete_recipe(recipe, unsupported))
        check_supported(chosen, unsupported)
        return chosen

    @pydantic.model_validator(mode="before")
    @classmethod
    def _settle(cls, settings: Any) -> Any:
        """What follows from whether the time or the children are given."""
        if not isinstance(settings, Mapping):
            return settings
        planned = settings.get("hours") is not None
        default = PLANNED_STRATEGY if planned else STRATEGY
        settled = {**settings, "strategy": settings.get("strategy") or default}
        if not planned and settings.get("trials") is None:
            settled["trials"] = TRIALS
        return settled

    @pydantic.field_validator("strategy")
    @classmethod
    def _check_strategy(cls, name: str) -> str:
        if name not in STRATEGIES:
            raise ValueError(f"Expected one of {', '.join(STRATEGIES)}")
        return name

    @pydantic.field_validator(
        "space_options", "strategy_options", "evaluator_options"
    )
    @classmethod
    def _check_json(cls, options: dict[str, Any]) -> dict[str, Any]:
        """The run could not be resumed with others."""
        if not is_json(options):
            raise ValueError(
                "Expected what JSON has: texts, numbers, lists and dicts"
            )
        return options

    @pydantic.field_validator("evaluator")
    @classmethod
    def _check_evaluator(cls, name: str | None) -> str | None:
        if name is not None:
            find_evaluator(name)
        return name

    @pydantic.model_validator(mode="after")
    def _check_hours(self) -> Self:
        if self.hours is None:
            return self
        for name in ("trials", "halving"):
            if getattr(self, name) is not None:
                raise ValueError(
                    f"Expected `{name}` or `hours`, not both, since `hours` "
                    "makes a plan of its own"
                )
        if self.recipe.epochs != SEARCH_EPOCHS:
            raise ValueError(
                "Expected `first_epochs` in place of `epochs` with `hours`, "
                "since the plan trains children several times"
            )
        if not self.trains_further:
            raise ValueError(
                "Expected `trials` in place of `hours` with the evaluator "
                f"{self.evaluator_name}, whose children cannot train further"
            )
        return self

    @pydantic.model_validator(mode="after")
    def _check_halving(self) -> Self:
        if self.halving is None:
            if self.brackets:
                raise ValueError("Expected `brackets` with `halving` only")
            if self.hours is None and self.first_epochs is not None:
                raise ValueError(
                    "Expected `first_epochs` with `halving` or `hours` only"
                )
            return self
        if self.brackets and not self.strategy_class.compares_budgets:
            able = [
                name
                for name in STRATEGIES
                if strategy_class(name).compares_budgets
            ]
            raise ValueError(
                f"Expected one of the strategies {', '.join(able)} with "
                "`brackets`, in which children begin with different epochs"
            )
        if self.first_epochs and not self.first_epochs.is_integer():
            raise ValueError("Expected whole `first_epochs` with `halving`")
        if (self.first_epochs or 1) >= self.recipe.epochs:
            raise ValueError(
                "Expected fewer `first_epochs` (default 1) than `epochs`, "
                f"{self.recipe.epochs}, with `halving`"
            )
        if not self.trains_further:
            raise ValueError(
                "Expected no `halving` with the evaluator "
                f"{self.evaluator_name}, whose children cannot train further"
            )
        return self

    @pydantic.model_validator(mode="after")
    def _check_stages(self, info: pydantic.ValidationInfo) -> Self:
        """What stages of trainings cannot serve."""
        if info.context == TO_LOOK or self.hours is self.halving is None:
            return self
        stages = "halving" if self.hours is None else "hours"
        if self.strategy_class.weighed(self.strategy_options):
            raise ValueError(
                f"Expected no `{stages}` with the strategy {self.strategy}, "
                "since later stages train the most accurate children alone"
            )
        if self.hours is not None and self.strategy_options.get("scores"):
            raise ValueError(
                "Expected `trials` in place of `hours` with `scores`, whose "
                "seconds no plan counts"
            )
        return self

    @pydantic.model_validator(mode="after")
    def _check_scores(self) -> Self:
        scores = self.strategy_options.get("scores")
        known = [name for name, row in EVALUATORS.items() if not row.trains]
        if isinstance(scores, list | tuple) and not all(
            name in known for name in scores
        ):
            raise ValueError(
                f"Expected some of {', '.join(known)} as `scores` of a "
                f"strategy, received {quoted(scores)}"
            )
        return self

    @pydantic.model_validator(mode="after")
    def _check_needs(self, info: pydantic.ValidationInfo) -> Self:
        strategy = self.strategy_class
        if strategy.evaluator_is_fixed and (
            self.evaluator_name != strategy.evaluator
        ):
            raise ValueError(
                f"Expected the evaluator {strategy.evaluator} with the "
                f"strategy {self.strategy}"
            )
        learns = find_evaluator(self.evaluator_name).learns_by_gradients
        # Older runs, which were not checked, are still read.
        if info.context != TO_LOOK and learns(self.all_evaluator_options):
            self.objective.check_gradients(self.evaluator_name)
        if "latency" in self.weighed and not self.objective.latency:
            raise ValueError(
                "Expected latency as the `cost`, since the strategy weighs it"
            )
        if info.context == TO_LOOK and self.space not in SPACES:
            return self
        for need in sorted(strategy.needs - self.create_space().capabilities):
            raise ValueError(
                f"Expected for the strategy {self.strategy} a space of "
                f"{CAPABILITIES[need]}"
            )
        return self

    @property
    def strategy_class(self) -> type[Strategy]:
        """What proposes."""
        return strategy_class(str(self.strategy))

    @property
    def evaluator_name(self) -> str:
        """The key of `EVALUATORS`."""
        return self.evaluator or self.strategy_class.evaluator

    @property
    def all_evaluator_options(self) -> dict[str, Any]:
        """Those given, and before them those that the strategy sets."""
        strategy = self.strategy_class
        own = self.evaluator_name == strategy.evaluator
        options = strategy.evaluator_options if own else {}
        return {**options, **self.evaluator_options}

    @property
    def weighed(self) -> tuple[str, ...]:
        """The costs that the strategy or the reward weighs with the
        accuracy."""
        strategy = self.strategy_class.weighed(self.strategy_options)
        return tuple(dict.fromkeys([*strategy, *self.objective.weighed]))

    @property
    def shares_weights(self) -> bool:
        """Whether children have the weights of one shared network."""
        return find_evaluator(self.evaluator_name).shares_weights

    @property
    def trains_further(self) -> bool:
        """Whether a child that was trained for few epochs can train further."""
        row = find_evaluator(self.evaluator_name)
        return row.trains and not row.shares_weights

    @property
    def identity(self) -> dict[str, Any]:
        """The settings, as JSON data, that make the run what it is."""
        return self.model_dump(mode="json", exclude=set(FREE_SETTINGS))

    def create_space(self) -> SearchSpace:
        """The search space of the run.

        Raises:
            ValueError: There is no such space, or an option is out of range.
        """
        return create_space(self.space, self.space_options)


# The settings that lie in a part of the configuration.
PARTS: dict[Any, type[Settings]] = {
    "child": ChildConfig,
    "objective": ObjectiveConfig,
}


def create_configuration(
    settings: Mapping[str, Any], to_look: bool = False
) -> RunConfig:
    """The configuration of these settings.

    Args:
        settings: The settings.
        to_look: Whether a run is only looked at: then a space of one's own is
            not imported, and what depends on it not checked. Default False.

    Raises:
        InputError: A setting is unknown, or a value is invalid.
    """
    if not isinstance(settings, Mapping):
        raise InputError(
            "Invalid settings. Expected an object of names and values. "
            f"Received: {quoted(settings)}."
        )
    try:
        return RunConfig.model_validate(
            settings, context=TO_LOOK if to_look else None
        )
    except pydantic.ValidationError as error:
        raise InputError(
            " ".join(_sentence(details) for details in error.errors())
        ) from None


def _sentence(details: Any) -> str:
    """One sentence for one of pydantic's errors."""
    said = details["msg"].removeprefix("Value error, ")
    if said.startswith(("Invalid ", "Unknown ")):
        return f"{said.rstrip('.')}."
    if details["type"] != "extra_forbidden":
        return sentence(details, PARTS)
    *part, _ = details["loc"]
    model = PARTS[part[0]] if part else RunConfig
    return (
        f"Unknown setting `{setting_name(details)}`. Expected one of "
        f"{', '.join(model.model_fields)}."
    )
