"""Latency: measured on a network, or predicted for a genotype by a table."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import keras
import numpy as np

from nasnet_keras.deployment.export import exported, written
from nasnet_keras.deployment.latency.chains import measure_operations
from nasnet_keras.deployment.latency.command import seconds_by_command
from nasnet_keras.deployment.latency.line import fitted_line
from nasnet_keras.deployment.latency.network_arguments import (
    complete_setting,
    network_plan,
)
from nasnet_keras.deployment.latency.samples import (
    covering_genotypes,
    random_genotypes,
)
from nasnet_keras.deployment.latency.table_file import from_json, to_json
from nasnet_keras.deployment.timing import (
    Timer,
    forward_pass,
    machine_facts,
    median_seconds,
    rewritten_graphs,
    versions,
)
from nasnet_keras.genotype import (
    NASNET_COMBINERS,
    NASNET_OPERATIONS,
    Genotype,
)
from nasnet_keras.network.build import build_network
from nasnet_keras.network.placed_operations import (
    PlacedOperation,
    network_operations,
)
from nasnet_keras.strict_json import MAX_BYTES, read_bytes


def measure_latency(
    model: keras.Model,
    batch_size: int = 1,
    repeats: int = 30,
    warmup: int = 5,
    input_shape: tuple[int, ...] | None = None,
    clock: Callable[[], float] = time.perf_counter,
    runtime: str = "keras",
    command: str | None = None,
) -> float:
    """The median of the seconds of a forward pass on this machine, or what a
    command says of another one.

    The time is that of calling a `tf.function` of fixed shapes, in inference,
    on images that are in memory as a tensor. It holds all outputs of the model
    and the few microseconds of the call from Python. It does not hold the
    trace, the first calls and the reading of images. TensorFlow uses the
    threads that this process has set.

    Args:
        model: A Keras model with one input.
        batch_size: How many images in a pass. Default 1.
        repeats: How many passes are timed. Default 30.
        warmup: How many passes come before, untimed. Default 5.
        input_shape: The shape of an image, without the batch. Default: the
            model's; needed where the model's has a None.
        clock: Tells the seconds.
        runtime: `"keras"`, the default, or a format of `export`, in whose
            runtime the network is timed as it would be deployed, fused.
        command: A program and its arguments, which times the file of the
            network, of the format `runtime`: see `seconds_by_command`.
            Default None: this process does.

    Raises:
        ValueError: The model has several inputs or takes another shape, the
            shape is not known, a number is out of range, or the runtime is
            unknown or not installed; or there is no such command.
        RunError: The command says nothing of use.
    """
    with rewritten_graphs():
        if command is not None:
            with written(model, runtime, batch_size, input_shape) as (path, _):
                return seconds_by_command(command, path)
        if runtime == "keras":
            function, images = forward_pass(model, batch_size, input_shape)
            return median_seconds(
                function, *images, repeats=repeats, warmup=warmup, clock=clock
            )
        with exported(model, runtime, batch_size, input_shape) as call:
            return median_seconds(
                *call, repeats=repeats, warmup=warmup, clock=clock
            )


@dataclass(frozen=True)
class LatencyTable:
    """Predicts the latency of any genotype of a space in one setting.

    The latency is `offset + scale * total`, `total` the sum of the seconds
    of the network's operations. These were measured one by one, two copies
    at a time, so a sum says little of how TensorFlow spreads a network over
    its threads, and nothing of the stem, the head and the call: the line is
    fitted to a few random networks measured whole. (The sum alone is the
    predictor of ProxylessNAS, https://arxiv.org/abs/1812.00332, appendix B.)

    Make one by `LatencyTable.measure`, or read one by `LatencyTable.load`.

    Attributes:
        setting: The arguments of the networks, as of `genotype_complexity`.
        batch_size: How many images in a pass.
        seconds: Of each operation at each place. Between two numbers of
            channels at a place the seconds are interpolated.
        offset: In seconds, at least 0.
        scale: The network's seconds for one of its operations'.
        versions: Of TensorFlow and Keras, when it was measured.
        machine: Facts of the machine on which it was measured.
    """

    setting: dict[str, Any]
    batch_size: int
    seconds: dict[PlacedOperation, float]
    offset: float
    scale: float
    versions: dict[str, str | int]
    machine: dict[str, str | int]

    @classmethod
    def measure(
        cls,
        blocks: int = 5,
        operations: Sequence[str] = NASNET_OPERATIONS,
        combiners: Sequence[str] = NASNET_COMBINERS,
        batch_size: int = 1,
        networks: int = 12,
        seed: int = 0,
        timer: Timer = median_seconds,
        progress: Callable[[int, int], None] | None = None,
        **setting: Any,
    ) -> "LatencyTable":
        """Measures a table on this machine, which should be idle.

        Args:
            blocks: B, the most blocks that a cell may have. Default 5.
            operations: Those of the space. Default: the 13 of NASNet's.
            combiners: Those of the space. Default: both of NASNet's.
            batch_size: How many images in a pass. Default 1.
            networks: To how many random networks the line is fitted, at least
                2. Default 12.
            seed: Of these networks.
            timer: Takes a function and its arguments, returns the seconds of
                a call. Default `median_seconds`.
            progress: Called with how many things are measured, and of how
                many.
            setting: The arguments of the networks, `input_shape`, `classes`,
                `repeats`, `filters` and so on, as of `genotype_complexity`,
                with the same defaults.

        Raises:
            ValueError: There are no such networks, the timer makes no
                difference between them, or the measurements are too disturbed
                to say anything.

        Example:

        >>> LatencyTable.measure(repeats=2, filters=8).save("table.json")
        """
        if type(networks) is not int or networks < 2:
            raise ValueError(
                "Invalid value for argument `networks`. Expected an integer "
                f"of at least 2. Received: networks={networks!r}."
            )
        setting = complete_setting(setting)
        space = (blocks, operations, combiners)
        samples = random_genotypes(networks, *space, seed=seed)
        conventions = network_plan(samples[0], setting).conventions
        places = {
            place
            for genotype in covering_genotypes(*space)
            for place in network_operations(network_plan(genotype, setting))
        }
        total = len(places) + networks
        report = progress or (lambda done, total: None)
        with rewritten_graphs():
            seconds = {}
            for place, each in measure_operations(
                sorted(places), batch_size, conventions, timer
            ):
                seconds[place] = each
                report(len(seconds), total)
            measured = []
            for genotype in samples:
                model = build_network(genotype, **setting)
                function, images = forward_pass(model, batch_size)
                measured.append(timer(function, *images))
                report(len(places) + len(measured), total)
        table = cls(
            setting, batch_size, seconds, 0.0, 1.0, versions(), machine_facts()
        )
        totals = [table.predict(genotype) for genotype in samples]
        offset, scale = fitted_line(totals, measured)
        return replace(table, offset=offset, scale=scale)

    def predict(self, genotype: Genotype) -> float:
        """The seconds of a forward pass, without building the network.

        Raises:
            ValueError: The table has no such operation, or not for so many
                channels.
        """
        plan = network_plan(genotype, self.setting)
        return self.offset + self.scale * sum(
            self.operation_seconds(place) for place in network_operations(plan)
        )

    def operation_seconds(self, place: PlacedOperation) -> float:
        """The seconds of an operation at a place, before the linear
        correction: interpolated between the measured numbers of channels."""
        channels, seconds = self._curves.get(
            replace(place, channels=0), ([0], [0.0])
        )
        if not channels[0] <= place.channels <= channels[-1]:
            raise ValueError(
                "The table of latencies was measured for other networks. "
                "Expected the operations, combiners and number of blocks that "
                f"it was made for. Received: {place}."
            )
        return float(np.interp(place.channels, channels, seconds))

    @cached_property
    def _curves(self) -> dict[PlacedOperation, tuple[list[int], list[float]]]:
        """For each place, the numbers of input channels that were measured,
        and the seconds of each."""
        curves: dict[PlacedOperation, tuple[list[int], list[float]]] = {}
        for place, seconds in sorted(self.seconds.items()):
            key = replace(place, channels=0)
            curve = curves.setdefault(key, ([], []))
            curve[0].append(place.channels)
            curve[1].append(seconds)
        return curves

    def check_setting(self, **setting: Any) -> None:
        """Checks that the table is of networks with these arguments.

        Args:
            setting: See `measure`.

        Raises:
            ValueError: An argument differs.
        """
        for name, value in complete_setting(setting).items():
            if self.setting[name] != value:
                raise ValueError(
                    "The table of latencies was measured for networks of "
                    f"another setting. Expected {name}={self.setting[name]!r}. "
                    f"Received: {name}={value!r}; measure another table."
                )

    # === File ===

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the table as JSON."""
        Path(path).write_text(self._text, encoding="utf-8")

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "LatencyTable":
        """Reads what `save` wrote.

        Raises:
            ValueError: The file is no such table.
            OSError: The file cannot be read.
        """
        try:
            text = read_bytes(Path(path), MAX_BYTES).decode("utf-8", "replace")
            content = from_json(text)
            content["setting"] = complete_setting(content["setting"])
            for genotype in random_genotypes(1, 1, ("identity",), ("add",)):
                network_plan(genotype, content["setting"])
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        return cls(**content)

    @property
    def fingerprint(self) -> str:
        """Changes when anything of the table does."""
        return hashlib.sha256(self._text.encode()).hexdigest()

    @property
    def _text(self) -> str:
        return to_json(
            {each.name: getattr(self, each.name) for each in fields(self)}
        )
