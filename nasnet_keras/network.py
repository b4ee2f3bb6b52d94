"""From a genotype to a `keras.Model`: stem, the stack of cells, head.

Importing this module registers every layer of a network, so that saved
models load.
"""

from dataclasses import dataclass
from typing import Any, Literal

import keras
from keras import layers

from nasnet_keras.auxiliary_head import AuxiliaryHead
from nasnet_keras.batch_normalization import BatchNormalization
from nasnet_keras.cell import Cell
from nasnet_keras.conventions import Conventions
from nasnet_keras.genotype import Genotype

Stem = Literal["cifar", "imagenet"]


@dataclass(frozen=True)
class PlannedCell:
    """The place of one cell in the stack.

    Attributes:
        name: The name of its layer.
        reduction: Whether it is the reduction cell.
        filters: Its F.
        inputs: Which outputs it reads, the current one first: 0 is the stem's
            output, n that of the n-th cell.
        input_strides: By how much each must be divided to have the size of
            the first.
    """

    name: str
    reduction: bool
    filters: int
    inputs: tuple[int, ...]
    input_strides: tuple[int, ...]


def plan_cells(
    repeats: int,
    filters: int,
    stem: Stem = "cifar",
    skip_reduction_layer_input: bool = False,
) -> tuple[PlannedCell, ...]:
    """The stack of a NASNet: three stages of `repeats` normal cells with a
    reduction cell between them, which doubles the filters; behind the
    ImageNet stem two more reduction cells, with a quarter and half of them.

    Sizes follow from strides counted here, never from tensor shapes, so that
    every input size gives the same network.

    Args:
        repeats: N, the normal cells of each stage.
        filters: F, the filters of the first stage.
        stem: `"cifar"` or `"imagenet"`. Default `"cifar"`.
        skip_reduction_layer_input: Which output the normal cell straight
            after a reduction takes for the one before: that of the cell
            before the reduction (False, the default: NASNet-A Mobile and
            CIFAR) or of the cell before that one (True: Large).

    Returns:
        The cells in order.

    Example:

    >>> [cell.filters for cell in plan_cells(repeats=1, filters=8)]
    [8, 16, 16, 32, 32]
    """
    cells: list[PlannedCell] = []
    scales = [1]  # of each output: how often it was halved, as a power of 2

    def add(
        name: str, reduction: bool, filters: int, inputs: tuple[int, ...]
    ) -> None:
        current = scales[inputs[0]]
        strides = tuple(current // scales[source] for source in inputs)
        cells.append(PlannedCell(name, reduction, filters, inputs, strides))
        scales.append(current * (2 if reduction else 1))

    def last_two() -> tuple[int, ...]:
        newest = len(scales) - 1
        return (newest, newest - 1) if newest else (newest,)

    if stem == "imagenet":
        for number, divisor in enumerate((4, 2)):
            width = filters // divisor
            add(f"stem_cell_{number}", True, width, last_two())
    for stage in range(3):
        if stage:
            before = last_two()
            filters *= 2
            add(f"reduction_cell_{stage}", True, filters, before)
        for repeat in range(repeats):
            inputs = last_two()
            if stage and not repeat and skip_reduction_layer_input:
                inputs = (inputs[0], before[1])
            number = stage * repeats + repeat
            add(f"cell_{number}", False, filters, inputs)
    return tuple(cells)


def default_stem_filters(stem: Stem, filters: int) -> int:
    """TF-slim's: 3F with the CIFAR stem, 32 with the ImageNet stem (Mobile;
    Large has 96)."""
    return 3 * filters if stem == "cifar" else 32


def build_network(
    genotype: Genotype,
    input_shape: tuple[int | None, int | None, int] = (32, 32, 3),
    classes: int = 10,
    repeats: int = 6,
    filters: int = 32,
    stem: Stem = "cifar",
    stem_filters: int | None = None,
    skip_reduction_layer_input: bool = False,
    include_top: bool = True,
    pooling: str | None = None,
    classifier_activation: str | None = "softmax",
    auxiliary_head: bool = False,
    dropout: float = 0.0,
    drop_path_rate: float = 0.0,
    drop_path_steps: int | None = None,
    conventions: Any = None,
    name: str | None = None,
) -> keras.Model:
    """Builds the network of a genotype.

    Args:
        genotype: The two cells.
        input_shape: `(height, width, channels)`, channels first if the
            conventions say so. Height and width may be None. At least 8 with
            the CIFAR stem and 32 with the ImageNet stem. Default: CIFAR's.
        classes: The number of classes. Default 10.
        repeats: N, the normal cells of each of the three stages. Default 6
            (NASNet-A 6@768).
        filters: F, the filters of the first stage. Default 32 (6@768).
        stem: `"cifar"`: a 3x3 convolution; `"imagenet"`: a 3x3 convolution
            with stride 2 and two reduction cells. Default `"cifar"`.
        stem_filters: The filters of the stem's convolution. Default: 3F with
            the CIFAR stem, 32 with the ImageNet stem (TF-slim).
        skip_reduction_layer_input: See `plan_cells`. Default False.
        include_top: Whether to end in the classifier. Default True.
        pooling: Without the top: None for a feature map, `"avg"` or `"max"`
            for its global average or maximum. Default None.
        classifier_activation: Of the classifier, None for logits. Default
            `"softmax"`.
        auxiliary_head: Whether to add a second classifier at two thirds of
            the depth, for training. The model's output is then a dict of
            `predictions` and `auxiliary_predictions`. Default False.
        dropout: The dropout rate before the classifier. Default 0 (CIFAR);
            TF-slim on ImageNet: 0.5.
        drop_path_rate: The final drop probability of the last cell's paths;
            earlier cells have less, in proportion to depth. Default 0;
            TF-slim: CIFAR 0.4, Large 0.3.
        drop_path_steps: Over how many steps that probability is reached: the
            length of the training. Default None: from the start.
        conventions: A `Conventions` or its `to_dict`. Default: the defaults.
        name: The name of the model. Default `"nasnet"`.

    Returns:
        An ordinary `keras.Model`.

    Raises:
        ValueError: An argument is out of range, the input is too small for
            the stem, or the map too small for the auxiliary head.

    Example:

    >>> from nasnet_keras.published import NASNET_A
    >>> model = build_network(NASNET_A, repeats=1, filters=8)
    >>> model.output_shape
    (None, 10)
    """
    conventions = Conventions.from_dict(conventions)
    _check_arguments(repeats, filters, stem, classes, include_top, pooling)
    _check_input_shape(input_shape, stem, conventions)
    plan = plan_cells(repeats, filters, stem, skip_reduction_layer_input)

    # === Stem ===
    inputs = layers.Input(shape=tuple(input_shape))
    stem_filters = stem_filters or default_stem_filters(stem, filters)
    outputs = [_apply_stem(inputs, stem, stem_filters, conventions)]

    # === Cells ===
    for depth, place in enumerate(plan, start=1):
        cell = Cell(
            genotype.reduction if place.reduction else genotype.normal,
            place.filters,
            strides=2 if place.reduction else 1,
            input_strides=place.input_strides,
            drop_path_rate=drop_path_rate * depth / len(plan),
            drop_path_steps=drop_path_steps,
            conventions=conventions,
            name=place.name,
        )
        outputs.append(cell([outputs[source] for source in place.inputs]))

    # === Heads ===
    predictions = _apply_head(
        outputs[-1],
        classes,
        include_top,
        pooling,
        dropout,
        classifier_activation,
        conventions,
    )
    if auxiliary_head:
        last = [cell.name for cell in plan].index("reduction_cell_2")
        auxiliary = AuxiliaryHead(
            classes,
            activation=classifier_activation,
            conventions=conventions,
            name="auxiliary_head",
        )
        predictions = {
            "predictions": predictions,
            "auxiliary_predictions": auxiliary(outputs[last]),
        }
    return keras.Model(inputs, predictions, name=name or "nasnet")


def _apply_stem(
    inputs: Any, stem: Stem, filters: int, conventions: Conventions
) -> Any:
    """A 3x3 convolution and batch norm, no ReLU (TF-slim, `nasnet.py`)."""
    outputs = layers.Conv2D(
        filters,
        3,
        strides=1 if stem == "cifar" else 2,
        padding="same" if stem == "cifar" else "valid",
        use_bias=False,
        kernel_initializer=keras.initializers.VarianceScaling(
            2.0, "fan_out", "truncated_normal"
        ),
        data_format=conventions.data_format,
        name="stem_convolution",
    )(inputs)
    return BatchNormalization(
        axis=conventions.channel_axis,
        momentum=conventions.bn_momentum,
        epsilon=conventions.bn_epsilon,
        name="stem_batch_norm",
    )(outputs)


def _apply_head(
    features: Any,
    classes: int,
    include_top: bool,
    pooling: str | None,
    dropout: float,
    activation: str | None,
    conventions: Conventions,
) -> Any:
    features = layers.ReLU(name="features")(features)
    data_format = conventions.data_format
    if include_top or pooling == "avg":
        features = layers.GlobalAveragePooling2D(
            data_format=data_format, name="average_pool"
        )(features)
    elif pooling == "max":
        features = layers.GlobalMaxPooling2D(
            data_format=data_format, name="max_pool"
        )(features)
    if not include_top:
        return features
    if dropout:
        features = layers.Dropout(dropout, name="dropout")(features)
    # The softmax stays in float32 under mixed precision.
    logits = layers.Dense(classes, name="logits", dtype="float32")(features)
    if activation is None:
        return logits
    return layers.Activation(activation, name="predictions", dtype="float32")(
        logits
    )


def _check_arguments(
    repeats: int,
    filters: int,
    stem: str,
    classes: int,
    include_top: bool,
    pooling: str | None,
) -> None:
    smallest = 4 if stem == "imagenet" else 1
    for argument, value, least in (
        ("repeats", repeats, 1),
        ("filters", filters, smallest),
        ("classes", classes, 1),
    ):
        if type(value) is not int or value < least:
            raise ValueError(
                f"Invalid value for argument `{argument}`. Expected an "
                f"integer of at least {least}. Received: "
                f"{argument}={value!r}."
            )
    if stem not in ("cifar", "imagenet"):
        raise ValueError(
            "Invalid value for argument `stem`. Expected 'cifar' or "
            f"'imagenet'. Received: stem={stem!r}."
        )
    if pooling not in (None, "avg", "max"):
        raise ValueError(
            "Invalid value for argument `pooling`. Expected None, 'avg' or "
            f"'max'. Received: pooling={pooling!r}."
        )


def _check_input_shape(
    input_shape: Any, stem: str, conventions: Conventions
) -> None:
    smallest = 8 if stem == "cifar" else 32
    sizes = [] if len(input_shape) != 3 else list(input_shape)
    channels = sizes.pop(conventions.channel_axis % 4 - 1) if sizes else None
    if channels is None or any(
        size is not None and size < smallest for size in sizes
    ):
        raise ValueError(
            "Invalid value for argument `input_shape`. Expected height, "
            f"width and channels ({conventions.data_format}), height and "
            f"width at least {smallest} with the {stem} stem, or None. "
            f"Received: input_shape={tuple(input_shape)}."
        )


def load_model(path: Any) -> keras.Model:
    """Loads a model saved as a `.keras` file.

    As `keras.models.load_model`, which does the same once this module is
    imported.
    """
    return keras.models.load_model(path)


__all__ = ["PlannedCell", "build_network", "load_model", "plan_cells"]
