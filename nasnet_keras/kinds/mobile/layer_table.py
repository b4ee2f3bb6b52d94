"""Latency of mobile networks, predicted by a table of their layers:
`LayerTable`."""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from os import PathLike
from pathlib import Path
from typing import Annotated, Any

import pydantic

from nasnet_keras.console.command_line import sentence
from nasnet_keras.deployment.latency.chains import measure_copies
from nasnet_keras.deployment.latency.line import fitted_line
from nasnet_keras.deployment.timing import (
    Timer,
    forward_pass,
    machine_facts,
    median_seconds,
    rewritten_graphs,
    versions,
)
from nasnet_keras.kinds.mobile.architecture import (
    IDENTITY,
    MobileArchitecture,
    MobileBlock,
)
from nasnet_keras.kinds.mobile.network import Plan, PlannedLayer, build_model
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.network.complexity import units_complexity
from nasnet_keras.network.skeletons import divided
from nasnet_keras.strict_json import MAX_BYTES, parse_json, read_bytes

SCHEMA_VERSION = 1
KIND = "mobile"
# What the line stands for, beside the call.
ENDS = ("stem_filters", "stem_strides", "head_filters", "activation")


@dataclass(frozen=True, order=True)
class PlacedLayer:
    """A layer of a mobile network, what it reads and what it makes.

    Attributes:
        operator, kernel_size, squeeze_ratio, skip, filters: Of its block; the
            skip is `"none"` where none fits.
        strides: Its own.
        height: Of what it reads.
        width: Of what it reads.
        channels: Of what it reads.
    """

    operator: str
    kernel_size: int
    squeeze_ratio: float
    skip: str
    strides: int
    height: Annotated[int, pydantic.Field(ge=1)]
    width: Annotated[int, pydantic.Field(ge=1)]
    channels: Annotated[int, pydantic.Field(ge=1)]
    filters: int

    @property
    def planned(self) -> PlannedLayer:
        block = MobileBlock(
            self.operator,
            self.filters,
            self.kernel_size,
            strides=self.strides,
            squeeze_ratio=self.squeeze_ratio,
            skip=self.skip,
        )
        return PlannedLayer("layer", block, self.channels, self.strides)

    @property
    def multiply_adds(self) -> int:
        size = (self.height, self.width)
        return units_complexity(
            self.planned.units, self.channels, size, "batch"
        ).multiply_adds

    @property
    def configuration(self) -> "PlacedLayer":
        """All but how many channels come in and go out."""
        return replace(self, channels=0, filters=0)


def placed_layers(
    architecture: MobileArchitecture, setting: Mapping[str, Any]
) -> list[PlacedLayer]:
    """The layers of all blocks of a network, in order.

    Raises:
        ValueError: There is no such network, or its size is unknown.
    """
    plan = _plan(architecture, setting)
    stem = architecture.stem_strides
    size = divided(plan.stack.known_size(), (stem, stem))
    found = []
    for planned in plan.layers:
        block, strides = planned.block, planned.strides
        fits = planned.channels == block.filters and not (
            block.skip == "identity" and strides > 1
        )
        layer = PlacedLayer(
            block.operator,
            block.kernel_size,
            float(block.squeeze_ratio),
            block.skip if fits else "none",
            strides,
            *size,
            planned.channels,
            block.filters,
        )
        if block.operator == IDENTITY:
            layer = replace(
                layer, kernel_size=1, squeeze_ratio=0.0, skip="none"
            )
        found.append(layer)
        size = divided(size, (strides, strides))
    return found


class LayerTable(pydantic.BaseModel):
    """Predicts the latency of the mobile networks of a space in one setting.

    The latency is `offset + scale * total`, `total` the sum of the seconds of
    the network's layers, each measured by itself; the line, fitted to a few
    networks measured whole, stands for the stem, the head and the call. (The
    sum alone is the predictor of ProxylessNAS,
    https://arxiv.org/abs/1812.00332, appendix B.) A layer that was measured
    with other channels takes the seconds of the one of nearest multiply-adds,
    in proportion to these, and one that was measured without its skip those
    without.

    Make one by `LayerTable.measure`, or read one by `LayerTable.load`.

    Attributes:
        setting: The arguments of the networks, as of `MobileKind.complexity`.
        ends: What all networks of the space have: `ENDS`.
        batch_size: How many images in a pass.
        layers: The layers that were measured.
        seconds: Of each of them.
        offset: In seconds, at least 0.
        scale: The network's seconds for one of its layers'.
        versions: Of TensorFlow and Keras, when it was measured.
        machine: Facts of the machine on which it was measured.
    """

    model_config = pydantic.ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False
    )

    schema_version: int = SCHEMA_VERSION
    kind: str = KIND
    setting: dict[str, Any]
    ends: dict[str, int | str]
    batch_size: int = pydantic.Field(ge=1)
    offset: float = pydantic.Field(ge=0)
    scale: float = pydantic.Field(gt=0)
    versions: dict[str, str | int]
    machine: dict[str, str | int]
    layers: list[PlacedLayer] = pydantic.Field(min_length=1)
    seconds: list[pydantic.NonNegativeFloat]

    @classmethod
    def measure(
        cls,
        covering: Iterable[MobileArchitecture],
        samples: Sequence[MobileArchitecture],
        batch_size: int = 1,
        timer: Timer = median_seconds,
        progress: Callable[[int, int], None] | None = None,
        **setting: Any,
    ) -> "LayerTable":
        """Measures a table on this machine, which should be idle.

        Args:
            covering: Networks that together have all layers to measure.
            samples: Networks that the line is fitted to, 2 at least.
            batch_size: How many images in a pass. Default 1.
            timer: Takes a function and its arguments, returns the seconds of
                a call. Default `median_seconds`.
            progress: Called with how many things are measured, and of how
                many.
            setting: The arguments of the networks, `input_shape`, `classes`
                and others of `MobileKind.build`.

        Raises:
            ValueError: There are no such networks, or the measurements
                contradict each other.
        """
        setting = _complete(setting)
        places = sorted(
            {
                place
                for architecture in covering
                for place in placed_layers(architecture, setting)
            }
        )
        total = len(places) + len(samples)
        report = progress or (lambda done, total: None)
        conventions = Conventions.from_dict(setting.get("conventions"))
        seconds: list[float] = []
        with rewritten_graphs():
            for each in measure_copies(
                (
                    (
                        partial(_copy, place, samples[0], conventions),
                        [_shape(place, batch_size, conventions)],
                    )
                    for place in places
                ),
                timer,
            ):
                seconds.append(each)
                report(len(seconds), total)
            measured = []
            for architecture in samples:
                model = build_model(_plan(architecture, setting), "network")
                function, images = forward_pass(model, batch_size)
                measured.append(timer(function, *images))
                report(len(places) + len(measured), total)
        table = cls(
            setting=setting,
            ends=_ends(samples[0]),
            batch_size=batch_size,
            offset=0.0,
            scale=1.0,
            versions=versions(),
            machine=machine_facts(),
            layers=places,
            seconds=seconds,
        )
        totals = [table.predict(architecture) for architecture in samples]
        offset, scale = fitted_line(totals, measured)
        return table.model_copy(update={"offset": offset, "scale": scale})

    def predict(self, architecture: MobileArchitecture) -> float:
        """The seconds of a forward pass, without building the network.

        Raises:
            ValueError: The table is of networks with another stem or head, or
                has no such layer.
        """
        ends = _ends(architecture)
        if ends != self.ends:
            raise ValueError(
                "The table of latencies was measured for other networks. "
                f"Expected {self.ends}. Received: {ends}; measure another "
                "table."
            )
        return self.offset + self.scale * sum(
            self.layer_seconds(place)
            for place in placed_layers(architecture, self.setting)
        )

    def layer_seconds(self, place: PlacedLayer) -> float:
        """The seconds of a layer, before the line."""
        if place not in self._seconds:
            kind = place.configuration
            # What a skip adds that was met nowhere is little.
            rows = self._alike.get(kind) or self._alike.get(
                replace(kind, skip="none")
            )
            if rows is None:
                raise ValueError(
                    "The table of latencies was measured for other networks. "
                    "Expected the operators, kernels and sizes that it was "
                    f"made for. Received: {place}."
                )
            products = place.multiply_adds
            nearest = min(
                rows, key=lambda row: abs(math.log(products / row[0]))
            )
            self._seconds[place] = nearest[1] * products / nearest[0]
        return self._seconds[place]

    @cached_property
    def _seconds(self) -> dict[PlacedLayer, float]:
        return dict(zip(self.layers, self.seconds, strict=True))

    @cached_property
    def _alike(self) -> dict[PlacedLayer, list[tuple[int, float]]]:
        """Multiply-adds and seconds of the layers of each configuration."""
        found: dict[PlacedLayer, list[tuple[int, float]]] = {}
        for place, seconds in zip(self.layers, self.seconds, strict=True):
            row = (place.multiply_adds, seconds)
            found.setdefault(place.configuration, []).append(row)
        return found

    def check_setting(self, **setting: Any) -> None:
        """Checks that the table is of networks with these arguments.

        Raises:
            ValueError: An argument differs.
        """
        given = _complete(setting)
        for name in sorted({*given, *self.setting}):
            expected, received = self.setting.get(name), given.get(name)
            if expected != received:
                raise ValueError(
                    "The table of latencies is of other networks. Expected "
                    f"{name}={expected}. Received: {name}={received}."
                )

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the table as JSON, a line for each layer."""
        Path(path).write_text(self._text, encoding="utf-8")

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "LayerTable":
        """Reads what `save` wrote.

        Raises:
            ValueError: The file is no such table.
            OSError: The file cannot be read.
        """
        try:
            text = read_bytes(Path(path), MAX_BYTES).decode()
            parse_json(text)
            table = cls.model_validate_json(text)
        except pydantic.ValidationError as error:
            raise ValueError(f"{path}: {sentence(error.errors()[0])}") from None
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        lengths = {len(table.layers), len(table.seconds)}
        if (table.schema_version, table.kind) != (SCHEMA_VERSION, KIND) or len(
            lengths
        ) > 1:
            raise ValueError(
                f"{path}: Expected a table of the kind {KIND} of version "
                f"{SCHEMA_VERSION} with the seconds of each layer. Received: "
                f"the kind {table.kind}, version {table.schema_version}, "
                f"{len(table.seconds)} seconds of {len(table.layers)} layers."
            )
        try:
            for place in table.layers:
                place.planned.units  # noqa: B018
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        return table

    @property
    def fingerprint(self) -> str:
        """Changes when anything of the table does."""
        return hashlib.sha256(self._text.encode()).hexdigest()

    @property
    def _text(self) -> str:
        head = self.model_dump(exclude={"layers", "seconds"})
        lines = [
            *(f"{json.dumps(key)}: {json.dumps(head[key])}" for key in head),
            '"layers": [\n  '
            + ",\n  ".join(json.dumps(asdict(each)) for each in self.layers)
            + "]",
            f'"seconds": {json.dumps(self.seconds)}',
        ]
        return "{" + ",\n ".join(lines) + "}\n"


def _ends(architecture: Any) -> dict[str, int | str]:
    return {name: getattr(architecture, name, "none") for name in ENDS}


def _complete(setting: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of networks as JSON has them."""
    return {**setting, "input_shape": list(setting["input_shape"])}


def _plan(architecture: MobileArchitecture, setting: Mapping[str, Any]) -> Plan:
    others = {
        name: value
        for name, value in setting.items()
        if name not in ("input_shape", "classes")
    }
    return Plan(
        architecture, setting["input_shape"], setting["classes"], others
    )


def _shape(
    place: PlacedLayer, batch_size: int, conventions: Conventions
) -> tuple[int, ...]:
    shape = [batch_size, place.height, place.width]
    shape.insert(conventions.channel_axis % 4, place.channels)
    return tuple(shape)


def _copy(
    place: PlacedLayer,
    architecture: MobileArchitecture,
    conventions: Conventions,
    shapes: Sequence[Any],
) -> Callable[..., Any]:
    """A copy of the layer: a function of the state that it reads."""
    layer = place.planned.layer(architecture.activation, conventions)
    layer.build(tuple(shapes[0]))
    return lambda state: layer(state, training=False)
