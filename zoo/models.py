"""Builders of the published networks, as in keras.applications."""

import fnmatch
import inspect
from collections.abc import Callable
from typing import Any

import keras

from nasnet_keras.architectures import find_kind
from nasnet_keras.network.build import dtype_policy
from zoo import weights as pretrained
from zoo.preset import Preset, find
from zoo.presets import PRESETS


def list_models(pattern: str = "*") -> list[str]:
    """The names that `create_model` takes.

    Args:
        pattern: A file name pattern. Default: all.

    Example:

    >>> list_models("pnasnet*")
    ['pnasnet_5_cifar', 'pnasnet_5_large', 'pnasnet_5_mobile']
    """
    return sorted(fnmatch.filter(PRESETS, pattern))


def create_model(
    preset: str,
    input_shape: tuple[int | None, ...] | None = None,
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int | None = None,
    classifier_activation: str | None = "softmax",
    name: str | None = None,
    *,
    repeats: int | None = None,
    filters: int | None = None,
    drop_path_rate: float = 0.0,
    drop_path_steps: int | None = None,
    dropout: float = 0.0,
    auxiliary_head: bool = False,
    features: bool = False,
    squeeze_excite: float = 0.0,
    include_preprocessing: bool = False,
    bn_momentum: float | None = None,
    bn_epsilon: float | None = None,
    pool_padding: str = "same",
    strided_padding: str | None = None,
    data_format: str | None = None,
    dtype: Any = None,
) -> keras.Model:
    """Builds a published network.

    The eight arguments after `preset` are those of keras.applications in their
    order. The others are keywords.

    Args:
        preset: One of `list_models()`.
        input_shape: `(height, width, channels)`, channels first if the data
            format says so. Height and width may be None, with weights too.
            Weights for other channels are made to fit, and a warning says
            how. Default: the size that the network was published for, in
            colour.
        include_top: Whether to end in the classifier. Default True.
        weights: `"imagenet"` (NASNet-A Mobile and Large; Keras downloads the
            file once), `"cifar10"` (the nano network; comes with the
            package), the path of a file of weights, see `zoo.weights`, or
            None: random.
        input_tensor: A Keras tensor to build upon. Default None: a new input.
        pooling: Without the top: None for a feature map, `"avg"` or `"max"`
            for its global average or maximum. Default None.
        classes: The number of classes. Default: 1000, or 10 for networks of
            CIFAR-10. With weights of another number the classifier starts
            anew.
        classifier_activation: The activation of the classifier, None for
            logits. Default `"softmax"`. Weights by name were trained for a
            softmax: with another activation, such as `"sigmoid"`, the
            classifier starts anew.
        name: The name of the model. Default: the preset's.
        repeats: N, the normal cells of each stage, in networks of cells; see
            `nasnet_keras.build_network`. Default: the preset's.
        filters: F, the filters of the first stage, in networks of cells.
            Default: the preset's.
        drop_path_rate: The probability to drop a path of the last cell at the
            end of the training; earlier cells have less, in proportion to
            their depth. Default 0.
        drop_path_steps: The number of steps over which the probability rises
            from 0. Default None: it is constant.
        dropout: The dropout rate before the classifier. Default 0.
        auxiliary_head: Whether to add a second classifier for training, to
            networks of cells. The output is then a dict of `predictions` and
            `auxiliary_predictions`. Its variables are the same for every
            size of images. Default False.
        features: Whether the output is a dict of feature maps for detection
            and segmentation: `"P1"` has half the height and width of the
            images, `"P2"` a quarter, and so on. `include_top` is then
            ignored. Default False.
        squeeze_excite: The channels within a squeeze-and-excite that is added
            to each cell, or to each unit that has none, as a share of the
            channels: of a cell's output, of a unit's branch, of what a mobile
            layer reads. Not for NASNet-B. Default 0: none is added. SENet:
            1/16.
        include_preprocessing: Whether the model takes pixels from 0 to 255
            and scales them to -1 to 1 itself. Not for weights of PyTorch that
            expect other values, see `zoo.weights`. Default False.
        bn_momentum: The momentum of the moving statistics of batch norms.
            Default: the preset's, 0.9997 on ImageNet. Choose 0.9 for a
            training of some thousand steps or less.
        pool_padding: What strided pools make of the padding of an image.
            `"same"` leaves it out, as TF-slim does, which trained the
            published weights; `"zeros"` counts it as zeros, as
            keras.applications does. Default `"same"`.
        bn_epsilon: What batch norms add to variances. Default: the preset's;
            PyTorch's weights of mobile networks need 1e-5, those of
            ProxylessNAS 1e-3.
        strided_padding: `"same"` (TensorFlow) or `"symmetric"` (PyTorch), see
            `Conventions`. Default: the preset's.
        data_format: `"channels_last"` or `"channels_first"`. Default: that of
            the Keras configuration.
        dtype: A dtype or a dtype policy such as `"mixed_float16"`. Default:
            the global policy.

    Returns:
        An ordinary `keras.Model`, not compiled. Images have the shape
        `(batch_size, height, width, channels)`, the output
        `(batch_size, classes)`.

    Raises:
        ValueError: There is no such preset or weights, or an argument is out
            of range.
        RuntimeError: The weights cannot be fetched.

    Example:

    >>> model = create_model("darts_v2_cifar", classes=37, repeats=3)
    >>> model.output_shape
    (None, 37)
    """
    chosen = find_preset(preset)
    arguments = chosen.network_arguments()
    data_format = data_format or keras.config.image_data_format()
    if data_format == "channels_first":
        *sides, channels = chosen.input_shape
        arguments["input_shape"] = (channels, *sides)
    _replace(
        arguments,
        input_shape=input_shape,
        classes=classes,
        repeats=repeats,
        filters=filters,
    )
    # What networks of all kinds have, and what is asked for of theirs alone.
    if auxiliary_head:
        arguments |= {
            "auxiliary_head": True,
            "nominal_size": chosen.input_shape[:2],
        }
    _replace(
        arguments["conventions"],
        pool_padding=pool_padding,
        data_format=data_format,
        strided_padding=strided_padding,
        bn_momentum=bn_momentum,
        bn_epsilon=bn_epsilon,
    )
    pretrained.check(weights, preset)
    with dtype_policy(dtype):
        model = find_kind(chosen.kind).build(
            chosen.architecture,
            **arguments,
            include_top=include_top,
            pooling=pooling,
            classifier_activation=classifier_activation,
            dropout=dropout,
            drop_path_rate=drop_path_rate,
            drop_path_steps=drop_path_steps,
            features=features,
            squeeze_excite=squeeze_excite,
            include_preprocessing=include_preprocessing,
            input_tensor=input_tensor,
            name=name or preset,
        )
    if weights is not None:
        pretrained.load(model, weights, preset)
    return model


def find_preset(name: Any) -> Preset:
    """The preset of that name.

    Raises:
        ValueError: There is none.
    """
    return find(PRESETS, name, "preset", "`zoo.list_models()`")


def _replace(arguments: dict[str, Any], **given: Any) -> None:
    """What was given takes the place of the preset's."""
    arguments.update({k: v for k, v in given.items() if v is not None})


def _builder(
    function_name: str, preset: str, weights: str | None = None
) -> Callable[..., keras.Model]:
    """A function with the arguments of keras.applications, in their order."""

    def build(
        input_shape: tuple[int | None, ...] | None = None,
        include_top: bool = True,
        weights: Any = weights,
        input_tensor: Any = None,
        pooling: str | None = None,
        classes: int = PRESETS[preset].classes,
        classifier_activation: str | None = "softmax",
        name: str = preset,
        **options: Any,
    ) -> keras.Model:
        return create_model(
            preset,
            input_shape,
            include_top,
            weights,
            input_tensor,
            pooling,
            classes,
            classifier_activation,
            name,
            **options,
        )

    signature = inspect.signature(build)
    *shared, _ = signature.parameters.values()
    own = inspect.signature(create_model).parameters.values()
    build.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*shared, *(p for p in own if p.kind is p.KEYWORD_ONLY)]
    )
    build.__name__ = build.__qualname__ = function_name
    build.__doc__ = _docstring(function_name, preset, weights)
    return build


# What differs from the network of the same name in keras.applications.
_POOLS = """\
Difference from keras.applications:
    Both read the same file of weights, and their outputs differ. A strided
    pool at the edge of an image leaves the padding out here, as in TF-slim,
    which trained the weights; in keras.applications it counts the padding as
    zeros. `pool_padding="zeros"` gives the outputs of keras.applications.
    With weights the size of the images is free here.
"""
_SAME = """\
Difference from keras.applications:
    None with the same weights: the outputs agree within rounding.
"""
_DIFFERENCES = {
    "nasnet_mobile": _POOLS,
    "nasnet_large": _POOLS,
    "mobilenet_v2": _SAME,
}
_DOCSTRING = """\
{title}: the network of {source}.

The first eight arguments are those of keras.applications in their order. The
same network is `create_model({preset!r})`.

Note on preprocessing:
    Images have values from -1 to 1: `zoo.preprocess_input` scales pixels from
    0 to 255, and `include_preprocessing=True` does it inside the model.
    Weights from a file may expect other values, see `zoo.weights`. The
    network was published for images of {size} x {size} pixels; others work
    too.

{difference}
{arguments}
Example:

>>> model = {name}(weights=None)
>>> model.output_shape
(None, {classes})
"""


def _docstring(name: str, preset: str, weights: str | None) -> str:
    """The docstring of a builder: that of `create_model`, and what holds for
    this network alone."""
    chosen = PRESETS[preset]
    shared = inspect.getdoc(create_model) or ""
    _, _, arguments = shared.partition(" One of `list_models()`.\n")
    arguments, _, _ = arguments.partition("Example:")
    named = ", ".join(f'`"{each}"`' for each in pretrained.names(preset))
    default = f'`"{weights}"`' if weights else "None"
    first, _, after = arguments.partition("    weights: ")
    _, _, after = after.partition("    input_tensor: ")
    arguments = (
        f"Args:\n{first}    weights: {named + ', t' if named else 'T'}he path "
        "of a file of weights, see\n        `zoo.weights`, or None: random. "
        f"Default {default}.\n    input_tensor: {after}"
    )
    return _DOCSTRING.format(
        title=chosen.title,
        source=chosen.published.source,
        preset=preset,
        size=chosen.image_size,
        difference=_DIFFERENCES.get(preset, ""),
        arguments=arguments.rstrip() + "\n",
        name=name,
        classes=chosen.classes,
    ).replace("\n\n\n", "\n\n")


NASNetMobile = _builder("NASNetMobile", "nasnet_mobile", "imagenet")
NASNetLarge = _builder("NASNetLarge", "nasnet_large", "imagenet")
NASNetCIFAR = _builder("NASNetCIFAR", "nasnet_a_cifar")
NASNetCIFARNano = _builder("NASNetCIFARNano", "nasnet_a_cifar_nano")
PNASNet5Mobile = _builder("PNASNet5Mobile", "pnasnet_5_mobile")
PNASNet5Large = _builder("PNASNet5Large", "pnasnet_5_large")
AmoebaNetA = _builder("AmoebaNetA", "amoebanet_a_6_190")
MobileNetV2 = _builder("MobileNetV2", "mobilenet_v2")
MnasNetA1 = _builder("MnasNetA1", "mnasnet_a1")
MnasNetB1 = _builder("MnasNetB1", "mnasnet_b1")
MnasNetSmall = _builder("MnasNetSmall", "mnasnet_small")
ProxylessNASCPU = _builder("ProxylessNASCPU", "proxylessnas_cpu")
ProxylessNASGPU = _builder("ProxylessNASGPU", "proxylessnas_gpu")
ProxylessNASMobile = _builder("ProxylessNASMobile", "proxylessnas_mobile")
SEResNet50 = _builder("SEResNet50", "se_resnet_50")
SENet154 = _builder("SENet154", "senet_154")
ShuffleNetV1 = _builder("ShuffleNetV1", "shufflenet_v1_g3")
ShuffleNetV2 = _builder("ShuffleNetV2", "shufflenet_v2")
CondenseNet74 = _builder("CondenseNet74", "condensenet_74_g4")
