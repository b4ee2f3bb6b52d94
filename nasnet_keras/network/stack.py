"""What networks that are one stack of layers have in common: `Stack`."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

# Registers all that saved models are made of.
import nasnet_keras.network.build  # noqa: F401
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.network import ends
from nasnet_keras.network.complexity import known_size
from nasnet_keras.network.skeletons import Size
from nasnet_keras.quotation import quoted

# Of `build`, besides those of every kind, with their defaults.
ARGUMENTS: dict[str, Any] = {
    "conventions": None,
    "dropout": 0.0,
    "drop_path_rate": 0.0,
    "drop_path_steps": None,
    "include_top": True,
    "pooling": None,
    "classifier_activation": "softmax",
    "features": False,
    "squeeze_excite": 0.0,
    "include_preprocessing": False,
    "input_tensor": None,
    "name": None,
}


class Stack:
    """The arguments of `build` of such a network, checked, and what it begins
    and ends with.

    Args:
        input_shape: Height, width and channels of the images, channels first
            if the conventions say so. Height and width may be None.
        classes: The number of classes.
        arguments: Some of `ARGUMENTS`.
        what: What a message calls the network.

    Attributes:
        input_shape: As given, or that of the tensor to build upon.
        classes: As given.
        conventions: How the layers compute.
        arguments: All of `ARGUMENTS`.

    Raises:
        ValueError: An argument is unknown or out of range.
    """

    def __init__(
        self,
        input_shape: Sequence[int | None],
        classes: int,
        arguments: Mapping[str, Any],
        what: str,
    ) -> None:
        for name, value in arguments.items():
            if name not in ARGUMENTS:
                raise ValueError(
                    f"Invalid argument `{name}` of {what}. Expected "
                    f"some of {', '.join(ARGUMENTS)}. Received: "
                    f"{name}={quoted(value)}."
                )
        self.arguments = {**ARGUMENTS, **arguments}
        ends.check_rates(
            dropout=self.arguments["dropout"],
            drop_path_rate=self.arguments["drop_path_rate"],
        )
        ends.check_ratio(self.arguments["squeeze_excite"])
        ends.check_steps(self.arguments["drop_path_steps"])
        ends.check_output(
            self.arguments["pooling"], self.arguments["features"], False
        )
        self.conventions = Conventions.of_no_cells(
            self.arguments["conventions"]
        )
        if self.arguments["input_tensor"] is not None:
            input_shape = ends.shape_of(self.arguments["input_tensor"])
        if type(classes) is not int or classes < 1:
            raise ValueError(
                "Invalid value for argument `classes`. Expected a positive "
                f"integer. Received: classes={quoted(classes)}."
            )
        self.input_shape = ends.checked_shape(input_shape, self.conventions)
        self.classes = classes

    @property
    def image_channels(self) -> int:
        """Those of the images."""
        channels = self.input_shape[self.conventions.channel_axis % 4 - 1]
        return int(channels or 0)

    def known_size(self) -> Size:
        """Height and width of the images.

        Raises:
            ValueError: One is unknown.
        """
        axes = self.conventions.spatial_axes
        return known_size(*(self.input_shape[axis - 1] for axis in axes))

    def begin(self) -> tuple[Any, Any]:
        """The inputs of the model, and the images that its network reads."""
        return ends.begin(
            self.input_shape,
            self.arguments["input_tensor"],
            self.arguments["include_preprocessing"],
        )

    def finish(
        self,
        inputs: Any,
        levels: Mapping[int, Any],
        name: str,
        use_bias: bool = True,
    ) -> keras.Model:
        """The model.

        Args:
            inputs: Of `begin`.
            levels: The last map of each size, by how often it was halved.
            name: The model's, if the arguments name none.
            use_bias: Whether the classifier has one. Default True.
        """
        name = self.arguments["name"] or name
        if self.arguments["features"]:
            pyramid = {f"P{each}": levels[each] for each in levels if each}
            return keras.Model(inputs, pyramid, name=name)
        outputs = ends.finish(
            levels[max(levels)],
            self.classes,
            self.conventions.data_format,
            self.arguments["include_top"],
            self.arguments["pooling"],
            self.arguments["dropout"],
            self.arguments["classifier_activation"],
            use_bias,
        )
        return keras.Model(inputs, outputs, name=name)
