"""Networks given layer by layer as a kind of architectures:
`ConvolutionLayer`, `LayerwiseArchitecture`, `LayerwiseKind`; and the published
one, `NAS_V1`.

Reference:
    [Zoph and Le 2017](https://arxiv.org/abs/1611.01578), section 3.

Neither Keras nor TensorFlow is imported here before a network is built.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nasnet_keras.architectures import ArchitectureKind, Complexity

if TYPE_CHECKING:
    import keras
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nasnet_keras.layers.conventions import Conventions

MAX_LAYERS = 100
MAX_NUMBER = 10_000  # of rows, columns, filters

ARGUMENTS = ("dropout", "conventions")

Pair = tuple[int, int]  # along height and width


def _numbers(values: Any, argument: str) -> tuple[int, ...]:
    """The values, positive integers, as a tuple."""
    if not isinstance(values, list | tuple) or not all(
        type(value) is int and 1 <= value <= MAX_NUMBER for value in values
    ):
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected integers from "
            f"1 to {MAX_NUMBER:,}. Received: {argument}={values!r:.60}."
        )
    return tuple(values)


@dataclass(frozen=True)
class ConvolutionLayer:
    """A convolution, batch norm and ReLU, and what it reads.

    Args:
        kernel_size: Height and width of the kernel.
        filters: The channels of the output.
        reads: The numbers of the earlier layers whose outputs it reads,
            ascending. Layers count from 1. Default none: it reads the image.
        strides: Strides along height and width. Default (1, 1).

    Raises:
        ValueError: A number is out of range.
    """

    kernel_size: Pair
    filters: int
    reads: tuple[int, ...] = ()
    strides: Pair = (1, 1)

    def __post_init__(self) -> None:
        for name in ("kernel_size", "strides"):
            values = _numbers(getattr(self, name), name)
            if len(values) != 2:
                raise ValueError(
                    f"Invalid value for argument `{name}`. Expected two, along "
                    f"height and width. Received: {name}={list(values)}."
                )
            object.__setattr__(self, name, values)
        _numbers([self.filters], "filters")
        reads = _numbers(self.reads, "reads")
        if list(reads) != sorted(set(reads)):
            raise ValueError(
                "Invalid value for argument `reads`. Expected layers in "
                f"ascending order, each once. Received: reads={list(reads)}."
            )
        object.__setattr__(self, "reads", reads)


@dataclass(frozen=True)
class LayerwiseArchitecture:
    """Layers, each of which reads some of those before it.

    Args:
        layers: 1 to 100 of them.

    Raises:
        ValueError: There is no layer, there are too many, or one reads a
            layer that does not come before it.

    Example:

    >>> first = ConvolutionLayer((3, 3), 36)
    >>> second = ConvolutionLayer((5, 5), 48, reads=(1,))
    >>> LayerwiseArchitecture((first, first, second)).outputs
    (2, 3)
    """

    layers: tuple[ConvolutionLayer, ...]

    def __post_init__(self) -> None:
        if (
            not isinstance(self.layers, list | tuple)
            or not 1 <= len(self.layers) <= MAX_LAYERS
            or not all(isinstance(one, ConvolutionLayer) for one in self.layers)
        ):
            raise ValueError(
                "Invalid value for argument `layers`. Expected a list of 1 to "
                f"{MAX_LAYERS} `ConvolutionLayer` objects. Received: "
                f"layers={self.layers!r:.60}."
            )
        object.__setattr__(self, "layers", tuple(self.layers))
        for number, layer in enumerate(self.layers, start=1):
            if layer.reads and layer.reads[-1] >= number:
                raise ValueError(
                    f"Invalid value for argument `layers`. Expected layer "
                    f"{number} to read layers before it. Received: "
                    f"reads={list(layer.reads)}."
                )

    @property
    def outputs(self) -> tuple[int, ...]:
        """The layers that no other reads: the classifier does."""
        read = {source for layer in self.layers for source in layer.reads}
        numbers = range(1, len(self.layers) + 1)
        return tuple(number for number in numbers if number not in read)


# Figure 7 of the paper: what the search without strides and pools found, v1 of
# its table 1. With 10 classes it has 4,201,630 trainable parameters; 4.2
# million are published.
NAS_V1 = LayerwiseArchitecture(
    (
        ConvolutionLayer((3, 3), 36),
        ConvolutionLayer((3, 3), 48, (1,)),
        ConvolutionLayer((3, 3), 36, (1, 2)),
        ConvolutionLayer((5, 5), 36, (1, 2, 3)),
        ConvolutionLayer((3, 7), 48, (3, 4)),
        ConvolutionLayer((7, 7), 48, (2, 3, 4, 5)),
        ConvolutionLayer((7, 7), 48, (2, 3, 4, 5, 6)),
        ConvolutionLayer((7, 3), 36, (1, 6, 7)),
        ConvolutionLayer((7, 1), 36, (1, 5, 6, 8)),
        ConvolutionLayer((7, 7), 36, (1, 3, 4, 5, 6, 7, 8, 9)),
        ConvolutionLayer((5, 7), 36, (1, 2, 5, 6, 7, 8, 9, 10)),
        ConvolutionLayer((7, 7), 48, (1, 2, 3, 4, 6, 11)),
        ConvolutionLayer((7, 5), 48, (1, 3, 6, 7, 8, 9, 10, 11, 12)),
        ConvolutionLayer((7, 5), 48, (3, 7, 12, 13)),
        ConvolutionLayer((7, 5), 48, (6, 7, 11, 12, 13, 14)),
    )
)


class LayerwiseKind(ArchitectureKind):
    """A `LayerwiseArchitecture`: convolutions that read each other.

    What a layer reads is concatenated along the channels. Where sizes differ,
    which they do with strides alone, the smaller ones are padded with zeros to
    the largest height and width, at the bottom and on the right, so that
    position (0, 0) stays; the paper does not say on which sides. The outputs
    that no layer reads are joined in the same way, averaged over all
    positions, those zeros included, and classified.

    Example:

    >>> LayerwiseKind().complexity(NAS_V1, (32, 32, 3), 10).parameters
    4202902
    """

    name = "layerwise"
    version = 1
    scale = {}  # the filters are the architecture's
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
        _check_keys(data, {"layers"}, "an architecture")
        layers = data["layers"]
        if not isinstance(layers, list):
            raise ValueError(
                "Invalid value for `layers`. Expected a list. Received: "
                f"{layers!r:.60}."
            )
        fields = {"kernel_size", "filters", "reads", "strides"}
        for layer in layers[: MAX_LAYERS + 1]:
            _check_keys(layer, fields, "a layer")
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
            lines.append(f"{number:2} = {_label(layer)} ({reads})")
        outputs = ", ".join(map(str, architecture.outputs))
        return "\n".join([*lines, f"output = concat({outputs})"])

    def pictures(
        self, architecture: LayerwiseArchitecture
    ) -> "dict[str, Figure]":
        return {"network": _draw(architecture)}

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
        from keras import Model, layers

        from nasnet_keras.layers.convolution_unit import UnitPlan

        plan = _Plan(architecture, input_shape, classes, arguments)
        conventions = plan.conventions
        image = layers.Input(shape=tuple(input_shape))
        outputs = {0: image}
        for number, (layer, place) in enumerate(
            zip(architecture.layers, plan.places, strict=True), start=1
        ):
            name = f"layer_{number}"
            unit = UnitPlan(layer.filters, layer.kernel_size, layer.strides)
            state = unit.layer(conventions, name=name)(
                _joined(outputs, place, conventions, name)
            )
            outputs[number] = layers.ReLU(name=f"{name}_activation")(state)
        features = layers.GlobalAveragePooling2D(
            data_format=conventions.data_format, name="average_pool"
        )(_joined(outputs, plan.head, conventions, "head"))
        if plan.dropout:
            features = layers.Dropout(plan.dropout, name="dropout")(features)
        # The softmax stays in float32 under mixed precision.
        logits = layers.Dense(classes, name="logits", dtype="float32")(features)
        predictions = layers.Activation(
            "softmax", name="predictions", dtype="float32"
        )(logits)
        return Model(image, predictions, name=self.name)

    def complexity(
        self,
        architecture: LayerwiseArchitecture,
        input_shape: tuple[int, int, int],
        classes: int,
        **arguments: Any,
    ) -> Complexity:
        plan = _Plan(architecture, input_shape, classes, arguments)
        total = Complexity()
        for layer, place in zip(architecture.layers, plan.places, strict=True):
            height, width = layer.kernel_size
            kernel = height * width * place.channels * layer.filters
            positions = place.output_size[0] * place.output_size[1]
            total += Complexity(kernel, 0, kernel * positions)
            if plan.conventions.normalization == "batch":
                total += Complexity(2 * layer.filters, 2 * layer.filters)
            else:
                total += Complexity(layer.filters)
        products = plan.head.channels * classes
        return total + Complexity(products + classes, 0, products)


@dataclass(frozen=True)
class _Place:
    """What a layer, or the classifier, reads in a network.

    Attributes:
        padded: The numbers of what is read, 0 for the image, each with the
            rows and columns of zeros that it lacks.
        channels: Those of the whole.
        output_size: Height and width of what the layer makes of it.
    """

    padded: tuple[tuple[int, Pair], ...]
    channels: int
    output_size: Pair


def _joined(
    outputs: Mapping[int, Any],
    place: "_Place",
    conventions: "Conventions",
    name: str,
) -> Any:
    """What a layer, or the classifier, reads."""
    from keras import layers

    states = []
    for source, (rows, columns) in place.padded:
        state = outputs[source]
        if rows or columns:
            state = layers.ZeroPadding2D(
                ((0, rows), (0, columns)),
                data_format=conventions.data_format,
                name=f"{name}_padding_{source}",
            )(state)
        states.append(state)
    if len(states) == 1:
        return states[0]
    return layers.Concatenate(conventions.channel_axis, name=f"{name}_inputs")(
        states
    )


class _Plan:
    """What stands where in a network, before anything is built.

    Attributes:
        places: Of each layer.
        head: Of the classifier.
        conventions: How the layers compute.
        dropout: The rate before the classifier.

    Raises:
        ValueError: An argument is unknown or out of range.
    """

    def __init__(
        self,
        architecture: LayerwiseArchitecture,
        input_shape: Sequence[int],
        classes: int,
        arguments: Mapping[str, Any],
    ) -> None:
        from nasnet_keras.layers.conventions import Conventions

        _check_arguments(arguments)
        self.dropout = arguments.get("dropout", 0.0)
        self.conventions = Conventions.from_dict(arguments.get("conventions"))
        if len(input_shape) != 3:
            raise ValueError(
                "Invalid value for argument `input_shape`. Expected height, "
                f"width and channels. Received: input_shape={input_shape!r}."
            )
        _numbers(input_shape, "input_shape")
        _numbers([classes], "classes")
        first, second = (axis - 1 for axis in self.conventions.spatial_axes)
        sizes = {0: (input_shape[first], input_shape[second])}
        image_channels = input_shape[3 - first - second]
        channels = {0: image_channels} | {
            number: layer.filters
            for number, layer in enumerate(architecture.layers, start=1)
        }

        def place(reads: Sequence[int], strides: Pair = (1, 1)) -> _Place:
            sources = reads or (0,)
            height, width = (
                max(side)
                for side in zip(
                    *(sizes[source] for source in sources), strict=True
                )
            )
            return _Place(
                tuple(
                    (
                        source,
                        (height - sizes[source][0], width - sizes[source][1]),
                    )
                    for source in sources
                ),
                sum(channels[source] for source in sources),
                (-(-height // strides[0]), -(-width // strides[1])),
            )

        self.places: list[_Place] = []
        for number, layer in enumerate(architecture.layers, start=1):
            self.places.append(place(layer.reads, layer.strides))
            sizes[number] = self.places[-1].output_size
        self.head = place(architecture.outputs)


def _check_arguments(arguments: Mapping[str, Any]) -> None:
    for name, value in arguments.items():
        if name not in ARGUMENTS:
            raise ValueError(
                f"Invalid argument `{name}` of a network given layer by layer. "
                f"Expected some of {', '.join(ARGUMENTS)}. Received: "
                f"{name}={value!r}."
            )
    dropout = arguments.get("dropout", 0.0)
    if not isinstance(dropout, int | float) or not 0 <= dropout < 1:
        raise ValueError(
            "Invalid value for argument `dropout`. Expected a probability "
            "from 0 up to but not including 1. Received: "
            f"dropout={dropout!r}."
        )


def _check_keys(data: Any, keys: set[str], what: str) -> None:
    if not isinstance(data, dict) or data.keys() != keys:
        raise ValueError(
            f"Expected {what} to be a JSON object with {sorted(keys)}. "
            f"Received: {data!r:.60}."
        )


def _label(layer: ConvolutionLayer) -> str:
    height, width = layer.kernel_size
    text = f"{height}x{width}, {layer.filters}"
    if layer.strides != (1, 1):
        text += f" / {layer.strides[0]}x{layer.strides[1]}"
    return text


# === The picture, in inches ===

WIDTH, HEIGHT, GAP, MARGIN = 1.3, 0.3, 0.22, 0.3  # of the boxes
ROUNDING = 0.05  # of their corners
REACH, WIDER = 0.25, 0.11  # of an arc, and more a layer that it passes


def _draw(architecture: LayerwiseArchitecture) -> "Figure":
    """A column of layers as figure 7 of the paper has them, the image below.

    What is read from the box just below is a short line, all else an arc on
    the right, the wider the farther; what the classifier reads from farther
    below, on the left. A line has the colour of the layer that it comes from.
    """
    from nasnet_keras.drawing.draw import PAPER, RESOLUTION, NotebookFigure

    top = len(architecture.layers) + 1
    lines = [
        (source, number)
        for number, layer in enumerate(architecture.layers, start=1)
        for source in layer.reads or (0,)
    ]
    heads = [(source, top) for source in architecture.outputs]
    left, right = (
        max((_reach(*line) for line in side), default=0.0)
        for side in (heads, lines)
    )
    width = 2 * MARGIN + left + WIDTH + right
    height = 2 * MARGIN + HEIGHT * (top + 1) + GAP * top
    figure = NotebookFigure(
        figsize=(width, height), dpi=RESOLUTION, facecolor=PAPER
    )
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    # The boxes' left edge is at 0.
    axes.set(xlim=(-MARGIN - left, WIDTH + right + MARGIN))
    axes.set(ylim=(-MARGIN, height - MARGIN))
    axes.set_axis_off()
    for source, target in lines + heads:
        _draw_line(axes, source, target, on_the_left=target == top)
    for number, layer in enumerate(architecture.layers, start=1):
        _draw_box(axes, number, f"{number}:  {_label(layer)}", is_layer=True)
    _draw_box(axes, 0, "image")
    _draw_box(axes, top, "classifier")
    return figure


def _reach(source: int, target: int) -> float:
    """How far a line leaves the column."""
    return (target - source > 1) * (REACH + WIDER * (target - source))


def _bottom(number: int) -> float:
    return number * (HEIGHT + GAP)


def _draw_line(
    axes: "Axes", source: int, target: int, on_the_left: bool
) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    from nasnet_keras.drawing.draw import LINE_WIDTH, STATE_COLOURS

    below, above = _bottom(source) + HEIGHT, _bottom(target)
    path = Path([(WIDTH / 2, below), (WIDTH / 2, above)])
    if target - source > 1:
        side, sign = (0.0, -1) if on_the_left else (WIDTH, 1)
        # A curve goes three quarters of the way to its control points.
        out = side + sign * _reach(source, target) * 4 / 3
        low, high = below - HEIGHT / 3, above + HEIGHT / 3
        path = Path(
            [(side, low), (out, low), (out, high), (side, high)],
            [Path.MOVETO] + [Path.CURVE4] * 3,
        )
    colour = STATE_COLOURS[source % len(STATE_COLOURS)]
    axes.add_patch(
        PathPatch(path, fill=False, edgecolor=colour, linewidth=LINE_WIDTH)
    )


def _draw_box(
    axes: "Axes", number: int, label: str, is_layer: bool = False
) -> None:
    from matplotlib.patches import BoxStyle, FancyBboxPatch

    from nasnet_keras.drawing import draw

    colour = draw.FAMILY_COLOURS["conv"] if is_layer else draw.PAPER
    box = FancyBboxPatch(
        (ROUNDING, _bottom(number) + ROUNDING),
        WIDTH - 2 * ROUNDING,
        HEIGHT - 2 * ROUNDING,
        boxstyle=BoxStyle.Round(pad=ROUNDING),
        facecolor=colour,
        edgecolor=draw.INK,
        linewidth=draw.LINE_WIDTH,
    )
    axes.add_patch(box)
    middle = _bottom(number) + HEIGHT / 2
    axes.text(WIDTH / 2, middle, label, **draw.TEXT)
