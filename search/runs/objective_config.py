"""What a run maximises: `ObjectiveConfig`.

Neither Keras nor TensorFlow is imported here.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

import pydantic
from pydantic import Field

from nasnet_keras.deployment.formats import FORMATS
from nasnet_keras.files import expanded, resolved


class Settings(pydantic.BaseModel):
    """Settings of a run, or a part of them."""

    model_config = pydantic.ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False
    )


# A limit of parameters or of multiply-adds.
Most = Annotated[
    int | None,
    Field(
        ge=1,
        le=10**18,
        description="Architectures with more are not trained. Default: no "
        "limit.",
    ),
]


class ObjectiveConfig(Settings):
    """What a search maximises, and what it refuses to train."""

    reward: Annotated[
        Literal["accuracy", "mnasnet", "netscore"],
        Field(
            description="The value to maximise: the accuracy, MnasNet's "
            "accuracy * (cost / target) ** w, or NetScore."
        ),
    ] = "accuracy"
    cost: Annotated[
        Literal["latency", "parameters", "multiply_adds"] | None,
        Field(
            description="The cost that mnasnet weighs; with another reward, a "
            "metric beside the accuracy. Latency is in seconds for one image. "
            "Default: none."
        ),
    ] = None
    target: Annotated[
        float | None,
        Field(
            gt=0,
            description="The value that the cost should have, for mnasnet.",
        ),
    ] = None
    hard: Annotated[
        bool,
        Field(
            description="For mnasnet: w is 0 within the target and -1 above "
            "it. Default: w is -0.07 on both sides."
        ),
    ] = False
    max_parameters: Most = None
    max_multiply_adds: Most = None
    max_latency: Annotated[
        float | None,
        Field(
            gt=0,
            description="Seconds of one image. Slower architectures are not "
            "trained. Default: no limit.",
        ),
    ] = None
    latency_table: Annotated[
        Path | None,
        Field(
            description="A file of `nasnet-search latency-table`, which "
            "predicts latencies. Default: each network is measured."
        ),
    ] = None
    latency_runtime: Annotated[
        str,
        Field(
            description="Where latency is measured: keras, or the runtime of "
            f"an export (extra `export`), {', '.join(FORMATS)}."
        ),
    ] = "keras"
    latency_command: Annotated[
        str | None,
        Field(
            description="A program, with arguments, that measures the latency "
            "on another device, such as a phone. It gets the path of a file of "
            "the `latency_runtime` as its last argument, and prints the "
            "seconds of one image."
        ),
    ] = None
    latency_int8: Annotated[
        bool,
        Field(
            description="Measure networks in int8, in the `latency_runtime` "
            "openvino or litert."
        ),
    ] = False

    @pydantic.field_validator("latency_table")
    @classmethod
    def _make_absolute(cls, path: Path | None) -> Path | None:
        """So that the run can be resumed from elsewhere."""
        return path and resolved(expanded(path))

    @pydantic.field_validator("latency_runtime")
    @classmethod
    def _check_runtime(cls, name: str) -> str:
        if name not in ("keras", *FORMATS):
            raise ValueError(f"Expected keras or one of {', '.join(FORMATS)}")
        return name

    @pydantic.model_validator(mode="after")
    def _check(self) -> Self:
        mnasnet = self.reward == "mnasnet"
        if mnasnet and not (self.cost and self.target):
            raise ValueError(
                "Expected a `cost` and its `target` with the reward mnasnet"
            )
        if self.reward == "netscore" and self.cost:
            raise ValueError(
                "Expected no `cost` with the reward netscore, which weighs "
                "costs of its own"
            )
        if self.target is not None and not mnasnet:
            raise ValueError("Expected a `target` with the reward mnasnet only")
        if self.hard and not mnasnet:
            raise ValueError("Expected `hard` with the reward mnasnet only")
        given = self.latency_table or self.latency_runtime != "keras"
        if given and not self.latency:
            raise ValueError(
                "Expected a `latency_table` or a `latency_runtime` with the "
                "cost latency or with `max_latency` only"
            )
        if self.latency_table and self.latency_runtime != "keras":
            raise ValueError(
                "Expected either a `latency_table`, which is of Keras, or a "
                "`latency_runtime`"
            )
        if self.latency_int8 and self.latency_runtime == "keras":
            raise ValueError(
                "Expected with `latency_int8` as `latency_runtime` openvino or "
                "litert"
            )
        if self.latency_command and self.latency_runtime == "keras":
            raise ValueError(
                "Expected with a `latency_command` as `latency_runtime` the "
                f"format of its file, one of {', '.join(FORMATS)}"
            )
        return self

    def check_gradients(self, evaluator: str) -> None:
        """Whether an evaluator that learns by gradients can weigh the reward.

        Raises:
            ValueError: The reward weighs what has no gradient.
        """
        if self.reward not in ("accuracy", "mnasnet") or self.hard:
            raise ValueError(
                f"Expected with the evaluator {evaluator} the reward accuracy, "
                "or mnasnet without `hard`, since its gradients weigh one cost "
                "at one rate"
            )
        measured = self.cost == "latency" and not self.latency_table
        if self.reward == "mnasnet" and measured:
            raise ValueError(
                f"Expected with the evaluator {evaluator} a `latency_table`, "
                "since a latency that is measured has no gradient"
            )

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
    def weighed(self) -> tuple[str, ...]:
        """The costs whose front with the accuracy is kept: what the reward
        weighs, or what is told beside it."""
        if self.reward == "netscore":
            return ("multiply_adds",)
        return (self.cost,) if self.cost else ()

    @property
    def latency(self) -> bool:
        """Whether the latency of every child is told."""
        return "latency" in (self.cost, *self.limits)
