"""Networks given layer by layer as a kind: `LayerwiseKind`.

Neither Keras nor TensorFlow is imported here before a network is built.
"""

from typing import TYPE_CHECKING, Any

from nasnet_keras.architectures import (
    ArchitectureKind,
    Complexity,
    check_keys,
)
from nasnet_keras.kinds.layerwise.architecture import (
    MAX_LAYERS,
    ConvolutionLayer,
    LayerwiseArchitecture,
)
from nasnet_keras.kinds.layerwise.network import Plan, build_model, count
from nasnet_keras.kinds.layerwise.picture import draw, label
from nasnet_keras.quotation import quoted

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure


class LayerwiseKind(ArchitectureKind):
    """The kind of networks given layer by layer: a `LayerwiseArchitecture`.

    A layer concatenates its inputs along the channels. With strides, inputs
    may have different sizes. Then smaller inputs are padded with zeros to the
    largest height and width, at the bottom and on the right; the paper does
    not say on which sides. The outputs that no layer reads are joined in the
    same way, averaged over all positions, with those of the zeros, and
    classified.

    Example:

    >>> from nasnet_keras.kinds.layerwise import NAS_V1
    >>> LayerwiseKind().complexity(NAS_V1, (32, 32, 3), 10).parameters
    4202902
    """

    name = "layerwise"
    version = 1
    scale = {}  # the filters are the architecture's
    latency_part = "nasnet_keras.kinds.layerwise.parts:LayerwisePart"
    unsupported = {
        "drop_path_rate": "networks given layer by layer have no paths to drop",
        "auxiliary_weight": "networks given layer by layer have no such head",
    }

    def to_data(self, architecture: LayerwiseArchitecture) -> Any:
        return {
            "layers": [
                {
                    "kernel_size": list(layer.kernel_size),
                    "filters": layer.filters,
                    "reads": list(layer.reads),
                    "strides": list(layer.strides),
                }
                for layer in architecture.layers
            ]
        }

    def from_data(self, data: Any) -> LayerwiseArchitecture:
        check_keys(data, {"layers"}, "an architecture")
        layers = data["layers"]
        if not isinstance(layers, list):
            raise ValueError(
                "Invalid value for `layers`. Expected a list. Received: "
                f"{quoted(layers)}."
            )
        fields = {"kernel_size", "filters", "reads", "strides"}
        for layer in layers[: MAX_LAYERS + 1]:
            check_keys(layer, fields, "a layer")
        return LayerwiseArchitecture(
            tuple(
                ConvolutionLayer(**layer) for layer in layers[: MAX_LAYERS + 1]
            )
        )

    def text(self, architecture: LayerwiseArchitecture) -> str:
        """A line per layer: its number, its convolution, what it reads."""
        lines = []
        for number, layer in enumerate(architecture.layers, start=1):
            reads = ", ".join(map(str, layer.reads)) or "image"
            lines.append(f"{number:2} = {label(layer)} ({reads})")
        outputs = ", ".join(map(str, architecture.outputs))
        return "\n".join([*lines, f"output = concat({outputs})"])

    def pictures(
        self, architecture: LayerwiseArchitecture
    ) -> "dict[str, Figure]":
        return {"network": draw(architecture)}

    def build(
        self,
        architecture: LayerwiseArchitecture,
        input_shape: tuple[int, int, int],
        classes: int,
        **arguments: Any,
    ) -> "keras.Model":
        """The untrained network.

        Args:
            architecture: The architecture.
            input_shape: Height, width and channels of the images, channels
                first if the conventions say so.
            classes: The number of classes.
            **arguments: `dropout`, the rate before the classifier, default 0;
                `conventions`, a `Conventions` or its `to_dict`.

        Raises:
            ValueError: An argument is unknown or out of range.
        """
        return build_model(
            Plan(architecture, input_shape, classes, arguments), self.name
        )

    def complexity(
        self,
        architecture: LayerwiseArchitecture,
        input_shape: tuple[int, int, int],
        classes: int,
        **arguments: Any,
    ) -> Complexity:
        return count(Plan(architecture, input_shape, classes, arguments))
