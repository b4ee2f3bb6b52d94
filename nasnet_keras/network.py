"""From a genotype to a `keras.Model`: stem, the stack of cells, head.

Importing this module registers every layer of a network, and the optimizer of
a trained one, so that saved models load.
"""

from typing import Any

import keras
from keras import layers

from nasnet_keras.auxiliary_head import AuxiliaryHead
from nasnet_keras.batch_normalization import BatchNormalization
from nasnet_keras.cell import Cell
from nasnet_keras.conventions import Conventions
from nasnet_keras.frames import (
    FRAMES,
    Frame,
    PlannedCell,
    PlannedConvolution,
    Stem,
    plan_cells,
    plan_stem,
)
from nasnet_keras.genotype import Genotype

if keras.backend.backend() == "tensorflow":
    import nasnet_keras.training.optimizer  # noqa: F401


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
    frame: str = "nasnet",
    features: bool = False,
    include_preprocessing: bool = False,
    input_tensor: Any = None,
) -> keras.Model:
    """Builds the network of a genotype.

    Args:
        genotype: The two cells.
        input_shape: `(height, width, channels)`, channels first if the
            conventions say so. Height and width may be None. At least 8 with
            the CIFAR stem and 32 with the ImageNet stem. Default: CIFAR's.
        classes: The number of classes. Default 10.
        repeats: N, the normal cells of each of the three stages; in the frame
            of DARTS the number of all cells. Default 6 (NASNet-A 6@768).
        filters: F, the filters of the first stage. Default 32 (6@768).
        stem: `"cifar"`: a 3x3 convolution; `"imagenet"`: a 3x3 convolution
            with stride 2 and two reduction cells, or as the frame has it.
            Default `"cifar"`.
        stem_filters: The filters of the stem's convolution. Default: see
            `plan_stem`.
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
        frame: How the cells are stacked, a key of `FRAMES`. Default
            `"nasnet"`.
        features: Whether the output is a dict of feature maps for detection
            and segmentation instead: `"P1"` has half the height and width of
            the images, `"P2"` a quarter, and so on, each the ReLU of the last
            output of that size. Then `include_top` is not looked at. Default
            False.
        include_preprocessing: Whether the model takes pixels from 0 to 255
            and brings them to -1 to 1 itself. Default False.
        input_tensor: A Keras tensor to build upon, in the place of a new
            input. Default None.

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
    if input_tensor is not None:
        input_shape = tuple(input_tensor.shape[1:])
    check_arguments(
        genotype,
        input_shape,
        classes,
        repeats,
        filters,
        stem,
        stem_filters,
        conventions,
        frame,
        skip_reduction_layer_input,
    )
    if pooling not in (None, "avg", "max"):
        raise ValueError(
            "Invalid value for argument `pooling`. Expected None, 'avg' or "
            f"'max'. Received: pooling={pooling!r}."
        )
    convolutions = plan_stem(filters, stem, stem_filters, frame)
    cells = plan_cells(
        repeats, filters, stem, skip_reduction_layer_input, frame
    )

    # === Stem ===
    if input_tensor is None:
        inputs = images = layers.Input(shape=tuple(input_shape))
    else:
        sources = keras.utils.get_source_inputs(input_tensor)
        inputs = sources[0] if len(sources) == 1 else sources
        images = input_tensor
    if include_preprocessing:
        images = layers.Rescaling(1 / 127.5, -1, name="preprocessing")(images)
    outputs = []
    for convolution in convolutions:
        images = _apply_stem(images, convolution, conventions)
        outputs.append(images)

    # === Cells ===
    for depth, place in enumerate(cells, start=1):
        cell = Cell(
            genotype.reduction if place.reduction else genotype.normal,
            place.filters,
            strides=2 if place.reduction else 1,
            input_strides=place.input_strides,
            projection=FRAMES[frame].projection,
            drop_path_rate=drop_path_rate * depth / len(cells),
            drop_path_steps=drop_path_steps,
            conventions=conventions,
            name=place.name,
        )
        outputs.append(cell([outputs[source] for source in place.inputs]))

    # === Heads ===
    name = name or "nasnet"
    if features:
        pyramid = _apply_pyramid(outputs, convolutions, cells)
        return keras.Model(inputs, pyramid, name=name)
    predictions = _apply_head(
        outputs[-1],
        classes,
        include_top,
        pooling,
        dropout,
        classifier_activation,
        conventions,
        FRAMES[frame],
    )
    if auxiliary_head:
        second = [cell.name for cell in cells].index("reduction_cell_2")
        read = len(convolutions) + second + FRAMES[frame].auxiliary
        auxiliary = AuxiliaryHead(
            classes,
            activation=classifier_activation,
            conventions=conventions,
            name="auxiliary_head",
        )
        predictions = {
            "predictions": predictions,
            "auxiliary_predictions": auxiliary(outputs[read]),
        }
    return keras.Model(inputs, predictions, name=name)


def _apply_stem(
    inputs: Any, convolution: PlannedConvolution, conventions: Conventions
) -> Any:
    """A 3x3 convolution and batch norm."""
    if convolution.activate:
        inputs = layers.ReLU(name=f"{convolution.name}_activation")(inputs)
    outputs = layers.Conv2D(
        convolution.filters,
        3,
        strides=convolution.strides,
        padding=convolution.padding,
        use_bias=False,
        kernel_initializer=keras.initializers.VarianceScaling(
            2.0, "fan_out", "truncated_normal"
        ),
        data_format=conventions.data_format,
        name=f"{convolution.name}_convolution",
    )(inputs)
    return BatchNormalization(
        axis=conventions.channel_axis,
        momentum=conventions.bn_momentum,
        epsilon=conventions.bn_epsilon,
        name=f"{convolution.name}_batch_norm",
    )(outputs)


def _apply_pyramid(
    outputs: list[Any],
    convolutions: tuple[PlannedConvolution, ...],
    cells: tuple[PlannedCell, ...],
) -> dict[str, Any]:
    """The ReLU of the last output of each size but the whole."""
    levels: list[int] = []  # how often each output was halved
    for convolution in convolutions:
        before = levels[-1] if levels else 0
        levels.append(before + convolution.strides - 1)
    for cell in cells:
        levels.append(levels[cell.inputs[0]] + cell.reduction)
    last = dict(zip(levels, outputs, strict=True))
    return {
        f"P{level}": layers.ReLU(name=f"P{level}")(output)
        for level, output in last.items()
        if level
    }


def _apply_head(
    features: Any,
    classes: int,
    include_top: bool,
    pooling: str | None,
    dropout: float,
    activation: str | None,
    conventions: Conventions,
    frame: Frame,
) -> Any:
    if frame.activate_features:
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
    logits = layers.Dense(
        classes,
        use_bias=frame.classifier_bias,
        name="logits",
        dtype="float32",
    )(features)
    if activation is None:
        return logits
    return layers.Activation(activation, name="predictions", dtype="float32")(
        logits
    )


def check_arguments(
    genotype: Any,
    input_shape: Any,
    classes: int,
    repeats: int,
    filters: int,
    stem: str,
    stem_filters: int | None,
    conventions: Conventions,
    frame: str = "nasnet",
    skip_reduction_layer_input: bool = False,
) -> None:
    """Checks what says which network is meant.

    Raises:
        ValueError: An argument is out of range, or no network has it.
    """
    if not isinstance(genotype, Genotype) or genotype.normal.inputs != 2:
        raise ValueError(
            "Invalid value for argument `genotype`. Expected a `Genotype` of "
            f"cells with 2 inputs. Received: genotype={genotype!r}."
        )
    if stem not in ("cifar", "imagenet"):
        raise ValueError(
            "Invalid value for argument `stem`. Expected 'cifar' or "
            f"'imagenet'. Received: stem={stem!r}."
        )
    if frame not in FRAMES:
        raise ValueError(
            "Invalid value for argument `frame`. Expected one of "
            f"{', '.join(FRAMES)}. Received: frame={frame!r}."
        )
    parts = FRAMES[frame]
    if skip_reduction_layer_input and not parts.extra_reductions:
        raise ValueError(
            "Invalid value for argument `skip_reduction_layer_input`. "
            f"Expected False: the frame {frame!r} has no cell between a "
            "reduction and the cell before it. Received: True."
        )
    # The first cell behind the ImageNet stem has a quarter of the filters,
    # the first of its convolutions in the frame of DARTS half.
    cifar = stem == "cifar"
    for argument, value, least in (
        ("classes", classes, 1),
        ("repeats", repeats, 1 if parts.cells_per_repeat == 3 else 3),
        ("filters", filters, 1 if cifar else 4),
        (
            "stem_filters",
            2 if stem_filters is None else stem_filters,
            1 if cifar or parts.stem_cells else 2,
        ),
    ):
        if type(value) is not int or value < least:
            raise ValueError(
                f"Invalid value for argument `{argument}`. Expected an "
                f"integer of at least {least}. Received: "
                f"{argument}={value!r}."
            )
    _check_input_shape(input_shape, stem, conventions)


def _check_input_shape(
    input_shape: Any, stem: str, conventions: Conventions
) -> None:
    least = [8, 8] if stem == "cifar" else [32, 32]
    least.insert(conventions.channel_axis % 4 - 1, 1)
    sides = list(input_shape) if isinstance(input_shape, list | tuple) else []
    known = [side for side in sides if side is not None]
    if (
        len(sides) != 3
        or sides[conventions.channel_axis % 4 - 1] is None
        or any(type(side) is not int for side in known)
        or any(
            side is not None and side < smallest
            for side, smallest in zip(sides, least, strict=True)
        )
    ):
        raise ValueError(
            "Invalid value for argument `input_shape`. Expected height, "
            f"width and channels ({conventions.data_format}), height and "
            f"width at least {max(least)} with the {stem} stem, or None. "
            f"Received: input_shape={input_shape!r}."
        )


def load_model(path: Any) -> keras.Model:
    """Loads a model saved as a `.keras` file.

    As `keras.models.load_model`, which does the same once this module is
    imported.
    """
    return keras.models.load_model(path)


__all__ = ["PlannedCell", "Stem", "build_network", "load_model", "plan_cells"]
