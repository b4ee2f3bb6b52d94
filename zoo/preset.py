"""A published network as data: `Preset`. They stand in `zoo.presets`.

Neither Keras nor TensorFlow is imported here.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from nasnet_keras.architectures import find_kind, to_data
from nasnet_keras.quotation import quoted

_UNITS = {"M": 1e6, "B": 1e9}
_Known = TypeVar("_Known")


@dataclass(frozen=True)
class Figures:
    """What a paper says of a network, as printed.

    Attributes:
        source: Where.
        parameters: Such as `"5.3M"`, None if it says nothing.
        multiply_adds: Such as `"564M"`, None if it says nothing.
        accuracy: Of ImageNet the top-1 and top-5 accuracy, of CIFAR-10 the
            test error, in percent; None if it says nothing.
    """

    source: str
    parameters: str | None = None
    multiply_adds: str | None = None
    accuracy: str | None = None


@dataclass(frozen=True)
class Recount:
    """The counted size of our network of a preset.

    Attributes:
        trainable_parameters: The number of kernels' weights, biases, scales
            and offsets.
        parameters: The same number with the moving statistics of batch norms.
        multiply_adds: The multiply-adds for one image of the preset's size.
    """

    trainable_parameters: int
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Preset:
    """A published network.

    Attributes:
        title: Its name in the paper.
        architecture: The parts of its network, such as a genotype.
        published: The paper's figures.
        recount: The figures of our network.
        kind: The kind of the architecture, a key of
            `nasnet_keras.architectures.KINDS`.
        arguments: Arguments of the kind's `build`; for cells `repeats`,
            `filters`, `stem`, `frame` and the like.
        image_size: Height and width of the images it was published for.
        classes: The number of classes: 1000 of ImageNet, 10 of CIFAR-10.
        conventions: The values that differ from the default `Conventions`,
            apart from the batch norms.
        batch_norm: Momentum and epsilon, by default TF-slim's on ImageNet.
        note: What else one should know.
    """

    title: str
    architecture: Any
    published: Figures
    recount: Recount
    kind: str = "nasnet"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    image_size: int = 224
    classes: int = 1000
    conventions: Mapping[str, Any] = field(default_factory=dict)
    batch_norm: tuple[float, float] = (0.9997, 1e-3)
    note: str = ""

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return (self.image_size, self.image_size, 3)

    @property
    def parameters_agree(self) -> bool | None:
        """Whether the recount is the paper's figure, None if it has none.

        Papers count trainable parameters.
        """
        return agrees(
            self.published.parameters, self.recount.trainable_parameters
        )

    @property
    def multiply_adds_agree(self) -> bool | None:
        """As `parameters_agree`."""
        return agrees(self.published.multiply_adds, self.recount.multiply_adds)

    def network_arguments(self) -> dict[str, Any]:
        """What `build` and `complexity` of its kind both take, besides the
        architecture."""
        momentum, epsilon = self.batch_norm
        return {
            "input_shape": self.input_shape,
            "classes": self.classes,
            **self.arguments,
            "conventions": {
                **self.conventions,
                "bn_momentum": momentum,
                "bn_epsilon": epsilon,
            },
        }

    def network(self, image_size: int | None = None) -> dict[str, Any]:
        """The network of a training, as JSON data for `TrainingSettings`; the
        classes are those of its data.

        Args:
            image_size: Height and width to train at. Default: the preset's.
        """
        arguments = self.network_arguments()
        del arguments["classes"]
        kind = find_kind(self.kind)
        size = image_size or self.image_size
        if "auxiliary_weight" not in kind.unsupported:
            arguments["nominal_size"] = [self.image_size, self.image_size]
        return {
            **arguments,
            "architecture": to_data(kind, self.architecture),
            "input_shape": [size, size, 3],
        }


def agrees(printed: str | None, count: int) -> bool | None:
    """Whether a count is a printed figure: rounds to it, or differs by no
    more than half a percent.

    Example:

    >>> agrees("5.3M", 5_289_978), agrees("27.6M", 32_590_954)
    (True, False)
    """
    if printed is None:
        return None
    figure = printed_number(printed)
    digits = len(printed[:-1].partition(".")[2])
    half_digit = _UNITS[printed[-1]] / 10**digits / 2
    return abs(figure - count) <= max(half_digit, 0.005 * figure)


def printed_number(printed: str) -> float:
    """A number as papers print it.

    Example:

    >>> printed_number("23.8B")
    23800000000.0
    """
    return float(printed[:-1]) * _UNITS[printed[-1]]


def find(
    known: Mapping[str, _Known], name: Any, argument: str, listed: str
) -> _Known:
    """The value with a name.

    Raises:
        ValueError: No value has it; the error lists close names.
    """
    if isinstance(name, str) and name in known:
        return known[name]
    close = difflib.get_close_matches(str(name), known, n=3)
    hint = f" Close: {', '.join(close)}." if close else ""
    raise ValueError(
        f"Invalid value for argument `{argument}`. Expected one of {listed}. "
        f"Received: {argument}={quoted(name)}.{hint}"
    )
