"""The kinds of architectures: `ArchitectureKind`, `KINDS`; and what a
network costs: `Complexity`.

A kind knows how its architectures become data, text, pictures and networks.
A file of an architecture names its kind, so that whoever reads it can build
the network.

Neither Keras nor TensorFlow is imported here before a network is built.
"""

import abc
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from nasnet_keras.console.command_line import InputError
from nasnet_keras.genotype_formats import is_known, read_genotype
from nasnet_keras.quotation import quoted, system_reason
from nasnet_keras.strict_json import parse_json, read_bytes

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

MAX_BYTES = 2**20  # of a file: ten times the cells of 10 blocks, and more

MAX_PARAMETERS = 10**9  # ten times those of the largest published network

# What a recipe has networks built with, and the size that an auxiliary head is
# made for: the costs do not depend on it.
RECIPE_ARGUMENTS = (
    *("drop_path_rate", "drop_path_steps", "dropout", "auxiliary_head"),
    "nominal_size",
)


@dataclass(frozen=True)
class Complexity:
    """The cost of a network.

    Attributes:
        trainable_parameters: Kernels, biases, scales and offsets.
        statistics: The moving means and variances of batch norms, and the
            numbers of gathered channels.
        multiply_adds: For one image.
    """

    trainable_parameters: int = 0
    statistics: int = 0
    multiply_adds: int = 0

    @property
    def parameters(self) -> int:
        """What `keras.Model.count_params` counts."""
        return self.trainable_parameters + self.statistics

    def __add__(self, other: "Complexity") -> "Complexity":
        return Complexity(
            self.trainable_parameters + other.trainable_parameters,
            self.statistics + other.statistics,
            self.multiply_adds + other.multiply_adds,
        )


class ArchitectureKind(abc.ABC):
    """What is known of all architectures of a kind.

    Attributes:
        name: The key in `KINDS`, and what files say.
        version: Of the form of the data.
        scale: The arguments of `build` by which a search sets the size of
            the networks, with a search's defaults.
        unsupported: The values of a `Recipe` that its networks do not follow,
            each with the reason.
        forms: By name what writes an architecture as another program reads
            it, or raises a ValueError where that cannot be said.
        latency_part: The class of the parts that a table of latencies has,
            "module:class"; None if such tables cannot be made.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    scale: ClassVar[Mapping[str, int]] = {}
    unsupported: ClassVar[Mapping[str, str]] = {}
    forms: ClassVar[Mapping[str, Callable[[Any], str]]] = {}
    latency_part: ClassVar[str | None] = None

    @abc.abstractmethod
    def to_data(self, architecture: Any) -> Any:
        """The architecture as JSON data."""

    @abc.abstractmethod
    def from_data(self, data: Any) -> Any:
        """The inverse of `to_data`.

        Raises:
            ValueError: The data are of no architecture.
        """

    def check_form(self, form: Any) -> None:
        """Raises:
        ValueError: Architectures of the kind have no form of that name.
        """
        if not isinstance(form, str) or form not in self.forms:
            raise ValueError(
                "Invalid value for argument `form`. Expected "
                + (
                    f"one of {', '.join(self.forms)}"
                    if self.forms
                    else f"none: no other program reads the kind {self.name}"
                )
                + f". Received: {quoted(form)}."
            )

    def in_form(self, architecture: Any, form: str) -> str:
        """The architecture as another program reads it, in one of `forms`.

        Raises:
            ValueError: There is no such form, or it cannot say the
                architecture.
        """
        self.check_form(form)
        return self.forms[form](architecture)

    @abc.abstractmethod
    def text(self, architecture: Any) -> str:
        """The architecture in a few lines for a person."""

    def pictures(self, architecture: Any) -> "dict[str, Figure]":
        """The architecture as pictures, by name; by default none."""
        return {}

    @abc.abstractmethod
    def build(
        self,
        architecture: Any,
        input_shape: tuple[int, int, int],
        classes: int,
        **arguments: Any,
    ) -> "keras.Model":
        """The untrained network.

        Args:
            architecture: The architecture.
            input_shape: Height, width and channels of the images.
            classes: The number of classes.
            **arguments: Those of the kind: `scale`, and what a recipe asks
                for, `RECIPE_ARGUMENTS`, but for what is `unsupported`.

        Raises:
            ValueError: An argument is unknown or out of range.
        """

    @abc.abstractmethod
    def complexity(
        self,
        architecture: Any,
        input_shape: tuple[int, int, int],
        classes: int,
        **arguments: Any,
    ) -> Complexity:
        """The parameters and multiply-adds of the network that `build` makes
        with these arguments, without building it.

        Raises:
            ValueError: It could not be built.
        """

    def unsupported_at(
        self,
        architecture: Any,
        input_shape: Sequence[int | None],
        **arguments: Any,
    ) -> Mapping[str, str]:
        """The values of a `Recipe` that a network with these arguments of
        `build` does not follow, each with the reason: `unsupported`, and what
        its size leaves no room for; the channels may be None.

        Raises:
            ValueError: There is no such network.
        """
        return self.unsupported


def check_size(cost: Complexity) -> None:
    """Raises:
    ValueError: Nothing here could hold a network of that cost.
    """
    if cost.parameters > MAX_PARAMETERS:
        raise ValueError(
            f"Invalid network. Expected at most {MAX_PARAMETERS:,} parameters. "
            f"Received: {cost.parameters:,}. Take fewer `filters` or `repeats`,"
            " or a smaller architecture."
        )


def without_recipe(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a network on which its costs depend."""
    return {
        name: value
        for name, value in arguments.items()
        if name not in RECIPE_ARGUMENTS
    }


# Name -> "module:class".
KINDS: dict[str, str] = {
    "nasnet": "nasnet_keras.kinds.cells:CellsKind",
    "layerwise": "nasnet_keras.kinds.layerwise:LayerwiseKind",
    "mobile": "nasnet_keras.kinds.mobile:MobileKind",
    "hierarchical": ("nasnet_keras.kinds.graphs.hierarchical:HierarchicalKind"),
    "nasbench101": "nasnet_keras.kinds.graphs.nasbench101:NASBench101Kind",
    "nasbench201": "nasnet_keras.kinds.graphs.nasbench201:NASBench201Kind",
    "multibranch": "nasnet_keras.kinds.multibranch:MultiBranchKind",
    "choices": "nasnet_keras.kinds.choices:ChoicesKind",
}


def find_kind(name: Any) -> ArchitectureKind:
    """The kind of that name.

    Raises:
        ValueError: There is none.
    """
    if not isinstance(name, str) or name not in KINDS:
        raise ValueError(
            "Invalid kind of architecture. Expected one of "
            f"{', '.join(KINDS)}. Received: {quoted(name)}."
        )
    module, _, class_name = KINDS[name].partition(":")
    return getattr(importlib.import_module(module), class_name)()


def to_data(kind: ArchitectureKind, architecture: Any) -> dict[str, Any]:
    """An architecture as JSON data that name its kind.

    Example:

    >>> from nasnet_keras import NASNET_A
    >>> sorted(to_data(find_kind("nasnet"), NASNET_A))
    ['architecture', 'kind', 'version']
    """
    return {
        "kind": kind.name,
        "version": kind.version,
        "architecture": kind.to_data(architecture),
    }


def from_data(data: Any) -> tuple[ArchitectureKind, Any]:
    """The kind and the architecture of `to_data`.

    Raises:
        ValueError: The data are of no architecture, or of a version that this
            version of nasnet-keras does not know.
    """
    if not isinstance(data, dict) or set(data) != {
        *("kind", "version", "architecture"),
    }:
        raise ValueError(
            "Expected a JSON object with a kind, a version and an "
            f"architecture. Received: {quoted(data)}."
        )
    kind = find_kind(data["kind"])
    if data["version"] != kind.version:
        raise ValueError(
            f"Expected version {kind.version} of the kind {kind.name!r}. "
            f"Received: version {quoted(data['version'])}."
        )
    return kind, kind.from_data(data["architecture"])


def check_keys(data: Any, keys: set[str], what: str) -> None:
    """Checks that data is a JSON object with these keys and no others.

    Args:
        data: The data.
        keys: The keys.
        what: What a message calls it.

    Raises:
        ValueError: It is not.
    """
    if not isinstance(data, dict) or data.keys() != keys:
        raise ValueError(
            f"Expected {what} to be a JSON object with {sorted(keys)}. "
            f"Received: {quoted(data)}."
        )


def read_architecture(path: Path) -> tuple[ArchitectureKind, Any]:
    """The kind and the architecture of a file, as a search exports it, or
    of a genotype as other programs write it, see `genotype_formats`.

    Raises:
        InputError: The file cannot be read or holds no architecture.
    """
    try:
        content = read_bytes(path, MAX_BYTES)
        if is_known(text := content.decode("utf-8", "replace")):
            return find_kind("nasnet"), read_genotype(text)
        return from_data(parse_json(content))
    except OSError as error:
        raise InputError(
            f"Cannot read the architecture {path}: {system_reason(error)}."
        ) from None
    except ValueError as error:
        reason = str(error).rstrip(".")
        raise InputError(f"{path} holds no architecture. {reason}.") from None
