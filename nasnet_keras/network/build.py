"""From a genotype to a `keras.Model`: stem, the stack of cells, head.

Importing this module registers every layer of a network, and the optimizer
and the loss of a trained one, so that saved models load.
"""

import contextlib
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import keras
from keras import layers

import nasnet_keras.layers.class_names
import nasnet_keras.layers.inverted_residual
import nasnet_keras.layers.operation_graph
import nasnet_keras.optimization.losses
from nasnet_keras.genotype import Genotype
from nasnet_keras.layers.auxiliary_head import AuxiliaryHead, pooled_size
from nasnet_keras.layers.cell import Cell
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.layers.parts.squeeze_excite import (
    SqueezeExcite,
    squeezed_channels,
)
from nasnet_keras.network.ends import (
    begin,
    check_output,
    check_rates,
    check_steps,
    finish,
    shape_of,
)
from nasnet_keras.network.plan import NetworkPlan, check_squeeze
from nasnet_keras.network.skeletons import PlannedConvolution, Stem
from nasnet_keras.quotation import quoted
from nasnet_keras.strict_json import MAX_BYTES

if keras.backend.backend() == "tensorflow":
    import nasnet_keras.optimization.optimizer  # noqa: F401


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
    nominal_size: tuple[int, int] | None = None,
    squeeze_excite: float = 0.0,
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
        stem_filters: The filters of the stem's last convolution. Default: 3F
            with the CIFAR stem, 32 with the ImageNet stem, F in the frame of
            DARTS.
        skip_reduction_layer_input: What the normal cell after a reduction
            cell takes as its second input: the output of the cell before the
            reduction (False: Mobile and CIFAR), or of the cell before that
            one (True: Large). Default False.
        include_top: Whether to end in the classifier. Default True.
        pooling: Without the top: None for a feature map, `"avg"` or `"max"`
            for its global average or maximum. Default None.
        classifier_activation: The activation of the classifier, None for
            logits. Default `"softmax"`.
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
            the images, `"P2"` a quarter, and so on, each the activation of the
            last output of that size. Then `include_top` is not looked at.
            Default False.
        include_preprocessing: Whether the model takes pixels from 0 to 255
            and brings them to -1 to 1 itself. Default False.
        input_tensor: A Keras tensor to build upon, in the place of a new
            input. Default None.
        nominal_size: Height and width of the images for which a convolution
            of the auxiliary head spans the whole map: it has the same
            variables for images of other sizes. Default: those of the input.
        squeeze_excite: The channels within a squeeze-and-excite behind each
            cell, as a share of those of its output. Default 0: there is none.
            SENet: 1/16.

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
    if input_tensor is not None:
        input_shape = shape_of(input_tensor)
    plan = NetworkPlan(
        genotype,
        input_shape,
        classes,
        repeats,
        filters,
        stem,
        stem_filters,
        skip_reduction_layer_input,
        Conventions.from_dict(conventions),
        frame,
    )
    check_rates(drop_path_rate=drop_path_rate, dropout=dropout)
    check_steps(drop_path_steps)
    check_output(pooling, features, auxiliary_head)
    check_squeeze(squeeze_excite, genotype)
    inputs, images = begin(
        plan.input_shape, input_tensor, include_preprocessing
    )
    outputs = _apply_body(
        images, plan, drop_path_rate, drop_path_steps, squeeze_excite
    )
    name = name or "nasnet"
    if features:
        return keras.Model(inputs, _apply_pyramid(outputs, plan), name=name)
    state = outputs[-1]
    if plan.parts.activate_features:
        state = plan.conventions.activation_layer("features")(state)
    predictions = finish(
        state,
        plan.classes,
        plan.conventions.data_format,
        include_top,
        pooling,
        dropout,
        classifier_activation,
        plan.parts.classifier_bias,
    )
    if auxiliary_head:
        predictions = {
            "predictions": predictions,
            "auxiliary_predictions": _apply_auxiliary_head(
                outputs, plan, classifier_activation, nominal_size
            ),
        }
    return keras.Model(inputs, predictions, name=name)


def _apply_body(
    images: Any,
    plan: NetworkPlan,
    drop_path_rate: float,
    drop_path_steps: int | None,
    squeeze_excite: float,
) -> list[Any]:
    """The outputs of the stem's convolutions and of the cells, in order."""
    outputs: list[Any] = []
    for convolution in plan.convolutions:
        images = _apply_stem(images, convolution, plan.conventions)
        outputs.append(images)
    for depth, place in enumerate(plan.cells, start=1):
        cell = Cell(
            plan.spec(place),
            place.filters,
            strides=place.strides,
            input_strides=place.input_strides,
            projection=plan.parts.projection,
            drop_path_rate=drop_path_rate * depth / len(plan.cells),
            drop_path_steps=drop_path_steps,
            conventions=plan.conventions,
            name=place.name,
        )
        states = [outputs[source] for source in place.inputs]
        state = cell(keras.tree.flatten(states))
        if squeeze_excite:
            channels = state.shape[plan.conventions.channel_axis]
            state = SqueezeExcite(
                squeezed_channels(channels, squeeze_excite),
                conventions=plan.conventions,
                name=f"{place.name}_squeeze_excite",
            )(state)
        outputs.append(state)
    if not plan.genotype.normal.separate:
        return outputs
    # The heads take the states of a cell as one.
    first = len(plan.convolutions)
    joined = [
        layers.Concatenate(
            plan.conventions.channel_axis, name=f"{place.name}_states"
        )(states)
        for place, states in zip(plan.cells, outputs[first:], strict=True)
    ]
    return outputs[:first] + joined


def _apply_stem(
    inputs: Any, convolution: PlannedConvolution, conventions: Conventions
) -> Any:
    """A 3x3 convolution and batch norm."""
    if convolution.activate:
        name = f"{convolution.name}_activation"
        inputs = conventions.activation_layer(name)(inputs)
    outputs = layers.Conv2D(
        convolution.filters,
        3,
        strides=convolution.strides,
        padding=convolution.padding,
        use_bias=False,
        kernel_initializer=conventions.kernel_initializer,
        data_format=conventions.data_format,
        name=f"{convolution.name}_convolution",
    )(inputs)
    return conventions.batch_norm(name=f"{convolution.name}_batch_norm")(
        outputs
    )


def _apply_pyramid(outputs: list[Any], plan: NetworkPlan) -> dict[str, Any]:
    """The activation of the last output of each size but the whole."""
    last = dict(zip(plan.levels, outputs, strict=True))
    return {
        f"P{level}": plan.conventions.activation_layer(f"P{level}")(output)
        for level, output in last.items()
        if level
    }


def _apply_auxiliary_head(
    outputs: list[Any],
    plan: NetworkPlan,
    activation: str | None,
    nominal_size: tuple[int, int] | None,
) -> Any:
    kernel_size = None
    if nominal_size is not None:
        nominal_map = plan.sizes(nominal_size)[plan.auxiliary_input]
        kernel_size = pooled_size(nominal_map)
    return AuxiliaryHead(
        plan.classes,
        kernel_size,
        activation=activation,
        conventions=plan.conventions,
        name="auxiliary_head",
    )(outputs[plan.auxiliary_input])


def without_auxiliary_head(model: keras.Model) -> keras.Model:
    """A network as it is used after its training: the same layers with the
    same weights and without the auxiliary head's output, not compiled."""
    if isinstance(model, keras.Sequential):
        # `input` is that of the model around it, if there is one.
        (inputs,), (outputs,) = model.inputs, model.outputs
        return keras.Model(inputs, outputs, name=model.name)
    outputs = model.output
    if isinstance(outputs, dict) and "auxiliary_predictions" in outputs:
        outputs = outputs["predictions"]
    return keras.Model(model.input, outputs, name=model.name)


def load_model(path: Any) -> keras.Model:
    """Loads a model saved as a `.keras` file.

    As `keras.models.load_model`, which does the same once this module is
    imported. No code that a file may hold or name is run.

    Args:
        path: The file.

    Returns:
        The `keras.Model`, compiled if it was when it was saved.

    Raises:
        ValueError: The file is damaged, or not one of a network.

    Example:

    >>> from nasnet_keras.published import NASNET_A
    >>> build_network(NASNET_A, repeats=1, filters=8).save("small.keras")
    >>> load_model("small.keras").output_shape
    (None, 10)
    """
    try:
        _check_description(path)
        return keras.models.load_model(path, safe_mode=True)
    # What is wrong with a file, Keras says by exceptions of all kinds.
    except Exception as error:
        if isinstance(error, MemoryError):
            raise
        raise ValueError(
            "Invalid value for argument `path`. Expected a whole .keras file "
            f"of a network. Received: path={str(path)!r}, which cannot be "
            f"loaded: {_reason(error)}."
        ) from error


def _reason(error: Exception) -> str:
    """Why Keras does not load a file; what Keras would have done about it is
    for who calls Keras."""
    text = str(error)
    if "safe_mode" in text:
        return (
            "it holds code, as a Lambda layer does, which is not run; put a "
            "layer of Keras in its place"
        )
    unknown = re.search(r"Could not locate (?:class|function) '([^']+)'", text)
    if unknown:
        return (
            f"it needs {quoted(unknown[1])}, which is not one of Keras; put "
            "a layer of Keras in its place, or load it where that is "
            "registered and call `nasnet_keras.export`"
        )
    # What a layer was to be made of is of no use, and fills pages.
    text = text.rpartition("Exception encountered: ")[2]
    return (text.splitlines() or [type(error).__name__])[0].rstrip(".,: ")


def _check_description(path: Any) -> None:
    """Raises:
    ValueError: The description of the network unfolds to far more than any
        has, before it is read.
    """
    with contextlib.suppress(zipfile.BadZipFile, OSError):
        with zipfile.ZipFile(path) as file:
            for member in file.infolist():
                if (
                    member.filename.endswith(".json")
                    and member.file_size > MAX_BYTES
                ):
                    raise ValueError(
                        f"its {member.filename} has more than "
                        f"{MAX_BYTES // 2**20} MiB"
                    )


@contextlib.contextmanager
def dtype_policy(dtype: Any) -> Iterator[None]:
    """Layers made meanwhile have this policy."""
    before = keras.config.dtype_policy()
    if dtype is not None:
        keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
