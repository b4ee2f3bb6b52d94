"""Mobile networks as a kind: `MobileKind`.

Neither Keras nor TensorFlow is imported here before a network is built.
"""

import dataclasses
from typing import TYPE_CHECKING, Any

from nasnet_keras.architectures import (
    ArchitectureKind,
    Complexity,
    check_keys,
)
from nasnet_keras.kinds.mobile.architecture import (
    MAX_BLOCKS,
    MobileArchitecture,
    MobileBlock,
)
from nasnet_keras.kinds.mobile.network import Plan, build_model, count
from nasnet_keras.kinds.mobile.picture import draw, label
from nasnet_keras.quotation import quoted

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

_FIELDS, _BLOCK_FIELDS = (
    {field.name for field in dataclasses.fields(each)}
    for each in (MobileArchitecture, MobileBlock)
)


class MobileKind(ArchitectureKind):
    """The kind of mobile networks: a `MobileArchitecture` of a stem, blocks, a
    head and a classifier.

    Example:

    >>> from nasnet_keras.kinds.mobile import MNASNET_A1
    >>> MobileKind().complexity(MNASNET_A1, (224, 224, 3), 1000).parameters
    3920526
    """

    name = "mobile"
    version = 1
    scale = {}  # the filters are the architecture's
    latency_part = "nasnet_keras.kinds.mobile.parts:MobilePart"
    unsupported = {
        "auxiliary_weight": "mobile networks have no such head",
    }

    def to_data(self, architecture: MobileArchitecture) -> Any:
        return {
            **dataclasses.asdict(architecture),
            "blocks": [
                dataclasses.asdict(block) for block in architecture.blocks
            ],
        }

    def from_data(self, data: Any) -> MobileArchitecture:
        check_keys(data, _FIELDS, "an architecture")
        blocks = data["blocks"]
        if not isinstance(blocks, list):
            raise ValueError(
                "Invalid value for `blocks`. Expected a list. Received: "
                f"{quoted(blocks)}."
            )
        # One more than there may be, so that the list is refused for that.
        blocks = blocks[: MAX_BLOCKS + 1]
        for block in blocks:
            check_keys(block, _BLOCK_FIELDS, "a block")
        return MobileArchitecture(
            **{**data, "blocks": tuple(MobileBlock(**each) for each in blocks)}
        )

    def text(self, architecture: MobileArchitecture) -> str:
        """A line per block, as `4 = 3 x inverted residual 6, 5x5, 80 / 2`:
        its layers, their operator and kernel, filters and strides."""
        stem = f"3x3, {architecture.stem_filters}"
        if architecture.stem_strides > 1:
            stem += f" / {architecture.stem_strides}"
        return "\n".join(
            [
                f"stem = {stem}, {architecture.activation}",
                *(
                    f"{number:2} = {block.layers} x {label(block)}"
                    for number, block in enumerate(architecture.blocks, start=1)
                ),
                f"head = 1x1, {architecture.head_filters}",
            ]
        )

    def pictures(self, architecture: MobileArchitecture) -> "dict[str, Figure]":
        return {"network": draw(architecture)}

    def build(
        self,
        architecture: MobileArchitecture,
        input_shape: tuple[int | None, int | None, int],
        classes: int,
        **arguments: Any,
    ) -> "keras.Model":
        """The untrained network.

        Args:
            architecture: The architecture.
            input_shape: Height, width and channels of the images, channels
                first if the conventions say so. Height and width may be None.
            classes: The number of classes.
            **arguments: Some arguments of `build_network`: `dropout`,
                `drop_path_rate` (for layers with a skip; the rate rises with
                depth to this value), `drop_path_steps`, `conventions`,
                `include_top`, `pooling`, `classifier_activation`, `features`
                (the last map of each size, and the head's map at the end),
                `squeeze_excite` (added to layers that have none; the ratio
                is of the channels that the layer reads),
                `include_preprocessing`, `input_tensor`, `name`.

        Raises:
            ValueError: An argument is unknown or out of range.
        """
        return build_model(
            Plan(architecture, input_shape, classes, arguments), self.name
        )

    def complexity(
        self,
        architecture: MobileArchitecture,
        input_shape: tuple[int, int, int],
        classes: int,
        **arguments: Any,
    ) -> Complexity:
        return count(architecture, input_shape, classes, arguments)
