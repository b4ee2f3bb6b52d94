"""The arguments that networks of a search have in common: a setting."""

import inspect
from collections.abc import Mapping
from typing import Any

from nasnet_keras.genotype import Genotype
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.network.complexity import genotype_complexity
from nasnet_keras.network.plan import NetworkPlan
from nasnet_keras.quotation import quoted

DEFAULTS = {
    name: parameter.default
    for name, parameter in inspect.signature(
        genotype_complexity
    ).parameters.items()
    if name != "genotype"
}


def complete_setting(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """All arguments of `genotype_complexity` except the genotype, as JSON data.
    An argument that is not given has its default.

    Raises:
        ValueError: There is no such argument.
    """
    unknown = sorted(set(arguments) - set(DEFAULTS))
    if unknown:
        raise ValueError(
            "Invalid value for the setting of networks. Expected some of "
            f"{', '.join(DEFAULTS)}. Received: {', '.join(unknown)}."
        )
    setting = {**DEFAULTS, **arguments}
    shape = setting["input_shape"]
    if isinstance(shape, tuple):
        setting["input_shape"] = list(shape)
    conventions = Conventions.from_dict(setting["conventions"])
    return {**setting, "conventions": conventions.to_dict()}


def network_plan(genotype: Genotype, setting: Mapping[str, Any]) -> NetworkPlan:
    """The plan of a genotype's network in a complete setting.

    Raises:
        ValueError: `build_network` would refuse an argument.
    """
    conventions = Conventions.from_dict(setting["conventions"])
    arguments = {**setting, "conventions": conventions}
    if arguments.pop("squeeze_excite", 0):
        raise ValueError(
            "Invalid value for argument `squeeze_excite`. Expected 0: tables "
            "of latencies have none. Received: "
            f"squeeze_excite={quoted(setting['squeeze_excite'])}."
        )
    return NetworkPlan(genotype, **arguments)
