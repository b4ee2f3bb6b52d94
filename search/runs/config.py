"""What a run is made of: `RunConfig`, checked at the edge where it comes in
from the command line, from Python or from a run's config.json.

Neither Keras nor TensorFlow is imported here before `create_evaluator`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pydantic
from pydantic import Field

from nasnet_keras.command_line import (
    InputError,
    import_tensorflow,
    sentence,
    setting_name,
)
from nasnet_keras.deployment.formats import FORMATS
from nasnet_keras.files import expanded
from nasnet_keras.genotype import MAX_BLOCKS, NASNET_COMBINERS
from search.evaluation.base import Evaluator
from search.evaluation.objective import HARD, SOFT, ObjectiveEvaluator
from search.loop.halving import SuccessiveHalving
from search.spaces.nasnet import NASNetSpace, SearchSpace
from search.strategies import STRATEGIES

# What may change while a run goes on: how long it goes on, and how many of
# its children it keeps.
FREE_SETTINGS = ("trials", "keep")

# The strategies that are meant for shared weights.
SHARING_STRATEGIES = ("one-shot", "enas", "darts")

# The parts of a run's identity, and what to say of one that differs.
IDENTITY = {
    "config": "its config.json was edited",
    "space": "its search space is of another version",
    "evaluator": "its data or the training of its children changed",
}


class _Settings(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class ProxyConfig(_Settings):
    """How a child is built and trained: the knobs that trade trust in the
    reward for time."""

    repeats: Annotated[
        int, Field(ge=1, description="N, the normal cells of each stage.")
    ] = 1
    filters: Annotated[
        int, Field(ge=1, description="F, the filters of the first cell.")
    ] = 8
    image_size: Annotated[
        int | None,
        Field(
            ge=8,
            description="Height and width to train at; the data's own if "
            "not given.",
        ),
    ] = None
    epochs: Annotated[int, Field(ge=1, description="Epochs to train.")] = 3
    train_images: Annotated[
        int | None,
        Field(ge=1, description="Images to train on; all if not given."),
    ] = None
    validation_images: Annotated[
        int | None,
        Field(ge=1, description="Images to validate on; a tenth if not given."),
    ] = None
    batch_size: Annotated[
        int, Field(ge=1, description="Images of a training step.")
    ] = 64
    learning_rate: Annotated[
        float, Field(gt=0, description="Learning rate at the first step.")
    ] = 0.05
    drop_path_rate: Annotated[
        float, Field(ge=0, lt=1, description="Final rate of drop path.")
    ] = 0.1
    l2: Annotated[
        float, Field(ge=0, description="Weight of the L2 penalty.")
    ] = 5e-4
    augmentation: Annotated[
        Literal["crop-flip", "crop", "none"] | None,
        Field(description="Changes to training images; by the data if not."),
    ] = None
    threads: Annotated[
        int | None,
        Field(
            ge=1,
            description="Threads, on which results depend; all if not given.",
        ),
    ] = None


class ObjectiveConfig(_Settings):
    """What a search maximises, and what it refuses to train."""

    reward: Annotated[
        Literal["accuracy", "mnasnet", "netscore"],
        Field(
            description="What is maximised: the accuracy, MnasNet's accuracy "
            "* (cost / target) ** w, or NetScore."
        ),
    ] = "accuracy"
    cost: Annotated[
        Literal["latency", "parameters", "multiply_adds"] | None,
        Field(
            description="The cost that mnasnet weighs; latency is in seconds "
            "for one image."
        ),
    ] = None
    target: Annotated[
        float | None,
        Field(
            gt=0,
            allow_inf_nan=False,
            description="What that cost is wanted to be.",
        ),
    ] = None
    hard: Annotated[
        bool,
        Field(
            description="Whether w is 0 within the target and -1 above it, "
            "instead of -0.07 on both sides."
        ),
    ] = False
    max_parameters: Annotated[
        int | None,
        Field(ge=1, description="Cells with more are not trained."),
    ] = None
    max_multiply_adds: Annotated[
        int | None,
        Field(ge=1, description="Cells with more are not trained."),
    ] = None
    max_latency: Annotated[
        float | None,
        Field(
            gt=0,
            allow_inf_nan=False,
            description="Slower cells are not trained; seconds.",
        ),
    ] = None
    latency_table: Annotated[
        Path | None,
        Field(
            description="A file of `nasnet-search latency-table`; latency is "
            "measured if not given."
        ),
    ] = None
    latency_runtime: Annotated[
        str,
        Field(
            description="In what latency is measured: keras, or the runtime "
            f"of an export (extra `export`), {', '.join(FORMATS)}."
        ),
    ] = "keras"

    @pydantic.field_validator("latency_table")
    @classmethod
    def _make_absolute(cls, path: Path | None) -> Path | None:
        """So that the run can be resumed from elsewhere."""
        return path and expanded(path).resolve()

    @pydantic.field_validator("latency_runtime")
    @classmethod
    def _check_runtime(cls, name: str) -> str:
        if name not in ("keras", *FORMATS):
            raise ValueError(f"Expected keras or one of {', '.join(FORMATS)}")
        return name

    @pydantic.model_validator(mode="after")
    def _check(self) -> Self:
        mnasnet = self.reward == "mnasnet"
        if mnasnet != (self.target is not None) or mnasnet != bool(self.cost):
            raise ValueError(
                "Expected a `cost` and its `target` with the reward mnasnet, "
                "and with no other"
            )
        if self.hard and not mnasnet:
            raise ValueError("Expected `hard` with the reward mnasnet only")
        given = self.latency_table or self.latency_runtime != "keras"
        if given and "latency" not in (self.cost, *self.limits):
            raise ValueError(
                "Expected a `latency_table` or a `latency_runtime` with the "
                "cost latency or with `max_latency` only"
            )
        if self.latency_table and self.latency_runtime != "keras":
            raise ValueError(
                "Expected either a `latency_table`, which is of Keras, or a "
                "`latency_runtime`"
            )
        return self

    @property
    def limits(self) -> dict[str, float]:
        """The most that a cell may cost, by cost."""
        limits = {
            "parameters": self.max_parameters,
            "multiply_adds": self.max_multiply_adds,
            "latency": self.max_latency,
        }
        return {
            name: limit for name, limit in limits.items() if limit is not None
        }

    @property
    def weighed(self) -> str | None:
        """The cost that the reward weighs, None if it is the accuracy."""
        return "multiply_adds" if self.reward == "netscore" else self.cost


class SharedConfig(_Settings):
    """How the network is trained whose weights all children share."""

    rounds: Annotated[
        int | None,
        Field(
            ge=1,
            description="Turns in which the shared network is trained: in the "
            "first on random cells, then on those evaluated in the turn "
            "before; if not given as many as epochs for enas, else 1.",
        ),
    ] = None
    round_cells: Annotated[
        int | None,
        Field(
            ge=1,
            description="Children evaluated in a turn but the last; if not "
            "given an even share of the trials that the run begins with.",
        ),
    ] = None
    calibration_batches: Annotated[
        int,
        Field(
            ge=1,
            description="Batches of training images that give a child the "
            "statistics of its batch norms.",
        ),
    ] = 4
    order: Annotated[
        Literal[1, 2] | None,
        Field(
            description="Of darts, the order of the gradient of the "
            "architecture: 2 takes the next step of the weights into account, "
            "for some three times the work; 1 if not given.",
        ),
    ] = None


class RunConfig(_Settings):
    """The configuration of a run.

    The fields are described where they are declared; the command line offers
    each as an option.

    Example:

    >>> RunConfig(dataset="digits", trials=20, proxy={"epochs": 2}).strategy
    'ppo'
    """

    dataset: Annotated[
        str | None,
        Field(
            description="Images to search on: a name such as digits or "
            "cifar10, a folder with a sub-folder a class, or an .npz file."
        ),
    ] = None
    strategy: Annotated[
        str,
        Field(description=f"Who proposes the cells: {', '.join(STRATEGIES)}."),
    ] = "ppo"
    strategy_options: dict[str, Any] = {}
    evaluator: Annotated[
        Literal["training", "shared"] | None,
        Field(
            description="What says how good a cell is: training, of each child "
            "by itself, or shared: one network that holds all cells is trained "
            "for the epochs of a child, and lends them its weights; if not "
            f"given shared for {', '.join(SHARING_STRATEGIES)}, else training."
        ),
    ] = None
    trials: Annotated[
        int, Field(ge=1, description="Children to evaluate in all.")
    ] = 60
    seed: Annotated[
        int,
        # NumPy takes no larger one.
        Field(
            ge=0,
            le=2**32 - 1,
            description="Fixes proposals, data and children.",
        ),
    ] = 0
    blocks: Annotated[
        int,
        Field(ge=1, le=MAX_BLOCKS, description="B, the blocks of each cell."),
    ] = 5
    combiners: Annotated[
        tuple[str, ...], Field(description="Combiners to choose from.")
    ] = NASNET_COMBINERS
    keep: Annotated[
        int, Field(ge=1, description="Best children to keep weights of.")
    ] = 5
    lag: Annotated[
        int | None,
        Field(
            ge=0,
            description="Children that may be under way beside the one that "
            "is proposed, which follows from the results before; if not given "
            "0 in process, else 4 x the workers that the run begins with.",
        ),
    ] = None
    halving: Annotated[
        int | None,
        Field(
            ge=2,
            description="Successive halving: children train for the first "
            "epochs, one in so many of them for so many times as long, and so "
            "on to the last; all to the last at once if not given.",
        ),
    ] = None
    first_epochs: Annotated[
        int | None,
        Field(ge=1, description="Epochs before the first halving; 1 if not."),
    ] = None
    proxy: ProxyConfig = ProxyConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    shared: SharedConfig = SharedConfig()

    @pydantic.field_validator("strategy")
    @classmethod
    def _check_strategy(cls, name: str) -> str:
        if name not in STRATEGIES:
            raise ValueError(f"Expected one of {', '.join(STRATEGIES)}")
        return name

    @pydantic.model_validator(mode="after")
    def _check_halving(self) -> Self:
        if self.halving is None and self.first_epochs is not None:
            raise ValueError("Expected `first_epochs` with `halving` only")
        if self.halving and (self.first_epochs or 1) >= self.proxy.epochs:
            raise ValueError(
                "Expected with `halving` fewer `first_epochs`, 1 if not given, "
                f"than `epochs`, which is {self.proxy.epochs}"
            )
        return self

    @pydantic.model_validator(mode="after")
    def _check_sharing(self) -> Self:
        if self.halving and self.shares_weights:
            raise ValueError(
                "Expected `halving` with the evaluator training only"
            )
        if self.shared != SharedConfig() and not self.shares_weights:
            raise ValueError(
                "Expected settings of the shared network with the evaluator "
                "shared only"
            )
        if (self.shared.rounds or 1) > self.proxy.epochs:
            raise ValueError(
                "Expected at most as many `rounds` as `epochs`, which is "
                f"{self.proxy.epochs}"
            )
        return self

    @pydantic.model_validator(mode="after")
    def _check_gradients(self) -> Self:
        if self.strategy != "darts":
            if self.shared.order is not None:
                raise ValueError(
                    "Expected `order` with the strategy darts only"
                )
            return self
        if not self.shares_weights:
            raise ValueError(
                "Expected the evaluator shared with the strategy darts"
            )
        if self.combiners != ("add",):
            raise ValueError(
                "Expected add alone among the `combiners` with the strategy "
                "darts, which sums its operations"
            )
        if self.shared.rounds is not None:
            raise ValueError("Expected no `rounds` with the strategy darts")
        return self

    @property
    def shares_weights(self) -> bool:
        """Whether children have the weights of one shared network."""
        if self.evaluator is None:
            return self.strategy in SHARING_STRATEGIES
        return self.evaluator == "shared"

    @property
    def rounds(self) -> int:
        """The turns in which the shared network is trained."""
        in_turns = self.strategy == "enas"
        return self.shared.rounds or (self.proxy.epochs if in_turns else 1)

    @property
    def identity(self) -> dict[str, Any]:
        """The settings, as JSON data, that make the run what it is."""
        return self.model_dump(mode="json", exclude=set(FREE_SETTINGS))


# The settings that lie in a part of the configuration.
PARTS: dict[Any, type[_Settings]] = {
    "proxy": ProxyConfig,
    "objective": ObjectiveConfig,
    "shared": SharedConfig,
}


def create_configuration(settings: Mapping[str, Any]) -> RunConfig:
    """The configuration of these settings.

    Raises:
        InputError: A setting is unknown, or a value is invalid.
    """
    try:
        config = RunConfig.model_validate(settings)
        create_space(config)
    except pydantic.ValidationError as error:
        raise InputError(
            " ".join(_sentence(details) for details in error.errors())
        ) from None
    except ValueError as error:
        raise InputError(str(error)) from None
    return config


def create_space(config: RunConfig) -> SearchSpace:
    """The search space of a run."""
    return NASNetSpace(config.blocks, config.combiners)


def create_halving(config: RunConfig) -> SuccessiveHalving | None:
    """What lets the children of a run train on, if anything does."""
    if config.halving is None:
        return None
    return SuccessiveHalving(
        config.first_epochs or 1, config.proxy.epochs, config.halving
    )


def create_evaluator(
    config: RunConfig,
    evaluator: Evaluator | Callable[[], Evaluator] | None = None,
) -> Evaluator:
    """The evaluator of a run: children are trained on the run's data, or by
    the given evaluator, or what makes it, for the run's objective.

    Raises:
        ValueError: The data set is missing or unusable.
    """
    if evaluator is None:
        evaluator = _create_training(config)
    elif not isinstance(evaluator, Evaluator):
        evaluator = evaluator()
    objective = config.objective
    if objective == ObjectiveConfig():
        return evaluator
    return ObjectiveEvaluator(
        evaluator,
        objective.reward,
        objective.cost,
        objective.target,
        HARD if objective.hard else SOFT,
        objective.limits,
        objective.latency_table,
        objective.latency_runtime,
    )


def _create_training(config: RunConfig) -> Evaluator:
    if config.dataset is None:
        raise InputError(
            "Expected a `dataset`, a name or a path, or an `evaluator` from "
            "Python. Received: neither."
        )
    import_tensorflow()
    settings = {
        "dataset": config.dataset,
        "seed": config.seed,
        **dict(config.proxy),
    }
    if config.shares_weights:
        from search.evaluation.shared import SharedEvaluator

        order = 1 if config.strategy == "darts" else None
        return SharedEvaluator(
            blocks=config.blocks,
            combiners=config.combiners,
            rounds=config.rounds,
            round_cells=config.shared.round_cells or 1,
            calibration_batches=config.shared.calibration_batches,
            order=config.shared.order or order,
            **settings,
        )
    from search.evaluation.training import TrainingEvaluator

    return TrainingEvaluator(**settings)


def check_identity(
    path: Path, before: Mapping[str, Any], now: Mapping[str, Any]
) -> None:
    """Compares two identities of a run, as JSON data.

    Raises:
        InputError: They differ; the text names the first difference.
    """
    for part, change in IDENTITY.items():
        difference = _first_difference(before.get(part), now.get(part), part)
        if difference is not None:
            name, old, new = difference
            raise InputError(
                f"The run {path} cannot go on: {change}. Expected "
                f"`{name}` as the run began: {old!r}. Received: {new!r}. "
                "Restore it, or begin another run."
            )


def _first_difference(
    before: Any, after: Any, name: str = ""
) -> tuple[str, Any, Any] | None:
    """The first value in which two JSON data differ: its name and the value
    on each side, or None where they are equal."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return None if before == after else (name, before, after)
    for key in [*before, *(key for key in after if key not in before)]:
        difference = _first_difference(
            before.get(key), after.get(key), f"{name}.{key}".strip(".")
        )
        if difference is not None:
            return difference
    return None


def _sentence(details: Any) -> str:
    """One sentence for one of pydantic's errors."""
    if details["type"] != "extra_forbidden":
        return sentence(details, PARTS)
    *part, _ = details["loc"]
    model = PARTS[part[0]] if part else RunConfig
    return (
        f"Unknown setting `{setting_name(details)}`. Expected one of "
        f"{', '.join(model.model_fields)}."
    )
