"""Latency of networks, predicted by a table of their parts:
`LatencyTable`."""

import hashlib
import importlib
import itertools
import json
import statistics
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pydantic

from nasnet_keras.architectures import (
    ArchitectureKind,
    find_kind,
    without_recipe,
)
from nasnet_keras.console.command_line import sentence
from nasnet_keras.deployment.latency.chains import part_calls, seconds_of_parts
from nasnet_keras.deployment.latency.line import fitted_line
from nasnet_keras.deployment.latency.parts import LatencyPart
from nasnet_keras.deployment.timing import (
    Call,
    Timer,
    briefly,
    forward_pass,
    machine_facts,
    seconds_in_turns,
    versions,
)
from nasnet_keras.files import write_text
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.quotation import quoted
from nasnet_keras.strict_json import MAX_BYTES, parse_json, read_bytes


class LatencyTable(pydantic.BaseModel):
    """Predicts the latency of the networks of a space in one setting.

    The latency is `offset + scale * total`, `total` the sum of the seconds of
    the network's parts: its operations or layers. These were measured one by
    one, two copies at a time, so a sum says little of how TensorFlow spreads a
    network over its threads, and nothing of the classifier, the call, and the
    stem of networks of cells: the line is fitted to a few random networks
    measured whole. (The sum alone is the predictor of ProxylessNAS,
    https://arxiv.org/abs/1812.00332, appendix B.) A part that was measured
    with other channels takes seconds between those of the nearest two, by
    their `work`. A part with more work than all of these, or with less, takes
    seconds in proportion to it.

    Make one by `LatencyTable.measure`, or read one by `LatencyTable.load`.

    Attributes:
        kind: That of the architectures, a key of `architectures.KINDS`.
        setting: The arguments of the networks, as of `complexity` of the kind.
        batch_size: How many images in a pass.
        offset: In seconds, at least 0.
        scale: The network's seconds for one of its parts'.
        versions: Of TensorFlow and Keras, when it was measured.
        machine: Facts of the machine on which it was measured.
        parts: The parts that were measured, each with its seconds.
    """

    model_config = pydantic.ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False
    )

    schema_version: Literal[2] = 2
    kind: str
    setting: dict[str, Any]
    batch_size: int = pydantic.Field(ge=1)
    offset: float = pydantic.Field(ge=0)
    scale: float = pydantic.Field(gt=0)
    versions: dict[str, str | int]
    machine: dict[str, str | int]
    parts: tuple[tuple[Any, float], ...] = pydantic.Field(min_length=1)

    @pydantic.field_validator("setting")
    @classmethod
    def _of_networks(cls, setting: dict[str, Any]) -> dict[str, Any]:
        return _complete(setting)

    @pydantic.field_validator("parts", mode="before")
    @classmethod
    def _of_the_kind(cls, rows: Any, info: pydantic.ValidationInfo) -> Any:
        """The parts of a file as the class of the kind that it names."""
        part = part_class(find_kind(info.data.get("kind")))
        if isinstance(rows, tuple):  # measured here
            return rows
        adapter = pydantic.TypeAdapter(
            tuple[tuple[part, pydantic.NonNegativeFloat], ...],  # type: ignore[valid-type]
            config=pydantic.ConfigDict(allow_inf_nan=False),
        )
        try:
            found: Any = adapter.validate_json(json.dumps(rows), strict=True)
        except pydantic.ValidationError as error:
            raise ValueError(sentence(error.errors()[0])) from None
        for each, _ in found:
            each.work  # noqa: B018
        return found

    @classmethod
    def measure(
        cls,
        kind: ArchitectureKind,
        covering: Iterable[Any],
        samples: Sequence[Any],
        batch_size: int = 1,
        rounds: int = 5,
        timer: Timer = briefly,
        progress: Callable[[int, int], None] | None = None,
        **setting: Any,
    ) -> "LatencyTable":
        """Measures a table on this machine, which should be idle.

        Args:
            kind: The kind of the architectures.
            covering: Architectures of a space that together have all parts to
                measure, such as a space's `covering`.
            samples: Random architectures of the space, to which the line is
                fitted; 2 at least.
            batch_size: How many images in a pass. Default 1.
            rounds: How often all is timed, one part after the other; the
                median counts, since the speed of a machine changes. Default 5:
                a part takes longer to make than to time.
            timer: Takes a function and its arguments, returns the seconds of
                a call. Default `briefly` of
                `nasnet_keras.deployment.timing`.
            progress: Called with how many steps are done, and of how many.
            setting: The arguments of the networks, `input_shape`, `classes`
                and others, as of `kind.complexity`.

        Raises:
            ValueError: The kind has no parts, there are no such networks,
                `samples` are fewer than 2, `rounds` is not positive, or the
                measurements contradict each other.

        Example:

        >>> from nasnet_keras.architectures import find_kind
        >>> from nasnet_keras.published import NASNET_A, PNASNET_5
        >>> cells = [NASNET_A, PNASNET_5]
        >>> table = LatencyTable.measure(
        ...     find_kind("nasnet"), cells, cells,
        ...     input_shape=(32, 32, 3), classes=10, repeats=1, filters=8,
        ... )
        >>> table.save("table.json")
        """
        setting = _complete(setting)
        if len(samples) < 2:
            raise ValueError(
                "Invalid value for argument `samples`. Expected two "
                f"architectures or more. Received: {len(samples)}."
            )
        if type(rounds) is not int or rounds < 1:
            raise ValueError(
                "Invalid value for argument `rounds`. Expected a positive "
                f"integer. Received: rounds={rounds!r}."
            )
        part = part_class(kind)
        parts = {
            each
            for architecture in covering
            for each in part.of_network(kind, architecture, setting)
        }
        places = sorted(parts, key=str)
        total = (1 + len(places) + len(samples)) * (1 + rounds)
        steps = itertools.count(1)

        def step() -> None:
            if progress is not None:
                progress(next(steps), total)

        conventions = Conventions.from_dict(setting.get("conventions"))
        calls: list[Call] = []
        for call in itertools.chain(
            part_calls(places, batch_size, conventions),
            (
                forward_pass(kind.build(architecture, **setting), batch_size)
                for architecture in samples
            ),
        ):
            calls.append(call)
            step()
        seconds = seconds_in_turns(calls, rounds, timer, step)
        medians = [*map(statistics.median, seconds)]
        nothing, *chains = medians[: -len(samples)]
        measured = medians[-len(samples) :]
        table = cls(
            kind=kind.name,
            setting=setting,
            batch_size=batch_size,
            offset=0.0,
            scale=1.0,
            versions=versions(),
            machine=machine_facts(),
            parts=tuple(
                zip(places, seconds_of_parts(nothing, chains), strict=True)
            ),
        )
        totals = [table.predict(architecture) for architecture in samples]
        offset, scale = fitted_line(totals, measured)
        return table.model_copy(update={"offset": offset, "scale": scale})

    def predict(self, architecture: Any) -> float:
        """The seconds of a forward pass, without building the network.

        Args:
            architecture: Of the kind of the table.

        Raises:
            ValueError: There is no such network, or no part like one of its
                was measured.
        """
        kind = find_kind(self.kind)
        return self.offset + self.scale * sum(
            self.part_seconds(part)
            for part in part_class(kind).of_network(
                kind, architecture, self.setting
            )
        )

    def part_seconds(self, part: LatencyPart) -> float:
        """The seconds of a part, before the line.

        Raises:
            ValueError: No part like it was measured.
        """
        if part not in self._seconds:
            for key in part.alike:
                if key in self._curves:
                    works, seconds = self._curves[key]
                    inside = min(max(part.work, works[0]), works[-1])
                    known = float(np.interp(inside, works, seconds))
                    self._seconds[part] = known * part.work / inside
                    break
            else:
                raise ValueError(
                    "The table of latencies was measured for other networks. "
                    "Expected the operations and sizes that it was made for. "
                    f"Received: {part}."
                )
        return self._seconds[part]

    @cached_property
    def _seconds(self) -> dict[LatencyPart, float]:
        return dict(self.parts)

    @cached_property
    def _curves(self) -> dict[Hashable, tuple[list[int], list[float]]]:
        """Of parts that are alike, their work, ascending, and its seconds."""
        rows: dict[Hashable, list[tuple[int, float]]] = {}
        for part, seconds in self.parts:
            rows.setdefault(part.alike[0], []).append((part.work, seconds))
        curves = {}
        for key, found in rows.items():
            means = {
                work: statistics.fmean(seconds for _, seconds in same)
                for work, same in itertools.groupby(
                    sorted(found), key=lambda row: row[0]
                )
            }
            curves[key] = (list(means), list(means.values()))
        return curves

    def check_setting(self, kind: str | None = None, **setting: Any) -> None:
        """Checks that the table is of networks with these arguments.

        Args:
            kind: That of the networks. Default: that of the table.
            setting: See `measure`. Default: that of the table.

        Raises:
            ValueError: The kind or an argument differs.
        """
        expected: dict[str, Any] = {"kind": self.kind}
        received: dict[str, Any] = {"kind": kind or self.kind}
        if setting:
            expected |= self.setting
            received |= _complete(setting)
        for name in {**expected, **received}:
            if expected.get(name) != received.get(name):
                raise ValueError(
                    "The table of latencies was measured for other networks. "
                    f"Expected {quoted(name)} {quoted(expected.get(name))}. "
                    f"Received: {quoted(received.get(name))}. Measure another "
                    "table."
                )

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the table as JSON, a line for each part."""
        write_text(Path(path), self._text)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "LatencyTable":
        """Reads what `save` wrote.

        Raises:
            ValueError: The file is no such table.
            OSError: The file cannot be read.
        """
        try:
            content = parse_json(read_bytes(Path(path), MAX_BYTES).decode())
            if not isinstance(content, dict):
                raise ValueError(
                    "Expected a table of latencies, a JSON object. Received: "
                    f"{quoted(content)}."
                )
            return cls.model_validate(content)
        except pydantic.ValidationError as error:
            raise ValueError(f"{path}: {sentence(error.errors()[0])}") from None
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    @property
    def fingerprint(self) -> str:
        """Changes when anything of the table does."""
        return hashlib.sha256(self._text.encode()).hexdigest()

    @property
    def _text(self) -> str:
        head = self.model_dump(exclude={"parts"})
        lines = [
            *(f"{json.dumps(key)}: {json.dumps(head[key])}" for key in head),
            '"parts": [\n  '
            + ",\n  ".join(
                json.dumps([asdict(part), seconds])
                for part, seconds in self.parts
            )
            + "]",
        ]
        return "{" + ",\n ".join(lines) + "}\n"


def _complete(setting: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of networks on which their costs depend, as JSON has them.

    Raises:
        ValueError: The shape of the images or the number of classes is missing
            or none.
    """
    shape, classes = setting.get("input_shape"), setting.get("classes")
    numbers = [*shape, classes] if isinstance(shape, list | tuple) else []
    if len(numbers) != 4 or not all(
        type(each) is int and each > 0 for each in numbers
    ):
        raise ValueError(
            "Invalid value for the setting of networks. Expected as "
            "`input_shape` a known height, width and channels, and the number "
            f"of `classes`. Received: input_shape={quoted(shape)}, "
            f"classes={quoted(classes)}."
        )
    given = {**without_recipe(setting), "input_shape": [*numbers[:3]]}
    if given.get("conventions") is not None:
        conventions = Conventions.from_dict(given["conventions"])
        given["conventions"] = conventions.to_dict()
    return given


def part_class(kind: ArchitectureKind) -> type[LatencyPart]:
    """The class of the parts of networks of a kind.

    Raises:
        ValueError: Their parts are not measured one by one.
    """
    if kind.latency_part is None:
        raise ValueError(
            "Expected a kind of architectures whose parts are measured one by "
            f"one. Received: {kind.name}."
        )
    module, _, name = kind.latency_part.partition(":")
    found: type[LatencyPart] = getattr(importlib.import_module(module), name)
    return found
