"""The picture of a network given layer by layer: `draw`."""

from typing import TYPE_CHECKING

from nasnet_keras.kinds.layerwise.architecture import (
    ConvolutionLayer,
    LayerwiseArchitecture,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(architecture: LayerwiseArchitecture) -> "Figure":
    """A column of layers as figure 7 of the paper has them, the image below
    and the classifier above, see `draw_graph`."""
    from nasnet_keras.drawing.graph import GraphBox, draw_graph

    layers = [
        GraphBox(f"{number}:  {label(layer)}", layer.reads or (0,), "conv")
        for number, layer in enumerate(architecture.layers, start=1)
    ]
    classifier = GraphBox("classifier", architecture.outputs)
    return draw_graph([GraphBox("image"), *layers, classifier])


def label(layer: ConvolutionLayer) -> str:
    """A convolution in a few letters: `7x5, 48`."""
    height, width = layer.kernel_size
    text = f"{height}x{width}, {layer.filters}"
    if layer.strides != (1, 1):
        text += f" / {layer.strides[0]}x{layer.strides[1]}"
    return text
