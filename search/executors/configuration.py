"""How a run is driven: `ExecutionConfig`. It says nothing of what the run is,
and may be another whenever the run is resumed.

Neither Keras nor TensorFlow is imported here.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import pydantic
from pydantic import Field

from nasnet_keras.console.command_line import LARGEST, InputError, sentence


class ExecutionConfig(pydantic.BaseModel):
    """Where the children of a run are evaluated, and for how long.

    The fields are described where they are declared; the command line offers
    each as an option.

    Example:

    >>> ExecutionConfig(workers=4).executor_name
    'processes'
    """

    model_config = pydantic.ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False
    )

    workers: Annotated[
        int,
        Field(
            ge=1, le=10**4, description="Children evaluated at the same time."
        ),
    ] = 1
    executor: Annotated[
        Literal["in-process", "processes", "ray"] | None,
        Field(
            description="Where children are evaluated: in the process of the "
            "command, in processes on this machine, or on a Ray cluster. "
            "Default: in-process for one worker, processes for several."
        ),
    ] = None
    address: Annotated[
        str | None,
        Field(
            description="The Ray cluster: HOST:PORT; auto: the cluster of this "
            "machine; local: a cluster is started on this machine. Default: "
            "local."
        ),
    ] = None
    retries: Annotated[
        int,
        Field(
            ge=0,
            le=LARGEST,
            description="How often a child whose worker died is tried again.",
        ),
    ] = 2
    child_time_limit: Annotated[
        float | None,
        Field(
            gt=0,
            le=LARGEST,
            description="Seconds after which a child fails; not in process. "
            "Default: no limit.",
        ),
    ] = None
    time_limit: Annotated[
        float | None,
        Field(
            gt=0,
            le=LARGEST,
            description="Seconds after which the command ends; `resume` "
            "continues. Default: no limit.",
        ),
    ] = None

    @pydantic.model_validator(mode="after")
    def _check(self) -> Self:
        name = self.executor_name
        if name == "in-process" and self.workers > 1:
            raise ValueError(
                "Expected the `executor` processes or ray with several "
                "`workers`"
            )
        if name == "in-process" and self.child_time_limit is not None:
            raise ValueError(
                "Expected the `executor` processes or ray with a "
                "`child_time_limit`"
            )
        if name != "ray" and self.address is not None:
            raise ValueError("Expected an `address` with `executor` ray only")
        return self

    @property
    def executor_name(self) -> str:
        """The key of `EXECUTORS`."""
        if self.executor is not None:
            return self.executor
        return "in-process" if self.workers == 1 else "processes"

    @property
    def lag(self) -> int:
        """The lag of a new run with these settings. With it workers wait for
        less than 3 % of their time, where the seconds of children are
        log-normal with a sigma of up to 0.5 (benchmarks/lag.py, for 2 to 64
        workers). A larger one would keep from the strategy what it could
        know."""
        if self.executor_name == "in-process":
            return 0
        workers = self.workers
        return workers + round(workers * math.log2(workers) / 2)


def create_execution(settings: Mapping[str, Any]) -> ExecutionConfig:
    """The configuration of these settings.

    Raises:
        InputError: A setting is unknown, or a value is invalid.
    """
    try:
        return ExecutionConfig.model_validate(settings)
    except pydantic.ValidationError as error:
        raise InputError(" ".join(map(sentence, error.errors()))) from None
