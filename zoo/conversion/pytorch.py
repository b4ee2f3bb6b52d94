"""Weights of PyTorch's networks that are stacks of units, as safetensors: of
timm, torchvision and osmr/imgclsmob (`pytorchcv`), into ours.

The n-th unit of a file is the n-th of ours that has weights, whatever both
call it; within a unit the layers have names that a row of `SOURCES` lists.
Where a `.pth` is published, `safetensors.torch.save_file(torch.load(path,
weights_only=True), "model.safetensors")` makes one of these of it.

The rows of the zoo with PyTorch's padding and epsilon give PyTorch's numbers
at once. Mobile networks do with `strided_padding="symmetric"`, and with the
`bn_epsilon` of the source; a warning says so where a network has others.
"""

import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
from safetensors import safe_open

from nasnet_keras.layers.parts.channel_gather import ChannelGather
from nasnet_keras.layers.parts.convolution_unit import (
    DepthwiseConvolutionBatchNorm,
)
from nasnet_keras.quotation import quoted
from zoo.conversion.assign import Arrays, assign
from zoo.conversion.places import Place, places
from zoo.conversion.torch_tensors import (
    convolution_and_norm,
    tensor_names,
    transposed,
)

_SUFFIXES = {
    "convolution": (".weight",),
    "bias": (".bias",),
    "batch_norm": (".weight", ".bias", ".running_mean", ".running_var"),
    "index": (".index",),
    "dense": (".weight", ".bias"),
}

# Of tensors that NumPy has too.
_TYPES = ("F64", "F32", "F16", "I64", "I32")

# Of a place, what the source calls its kernel and its batch norm or bias.
_Names = tuple[str, ...]


class ConventionsWarning(UserWarning):
    """A network computes otherwise than the source of its weights."""


@dataclass(frozen=True)
class Source:
    """What a source calls the layers of a family.

    Attributes:
        known_by: A tensor that only these files have.
        unit: What the names of the tensors of a unit begin with, a regular
            expression.
        stem: The convolutions of the stem, in order.
        within: The layers of a unit, by what they are in ours: the name of
            the convolution in mobile networks, else branch and step, and in a
            squeeze-and-excite its name.
        head: The layers behind the units, in the same way.
        classifier: The last.
        first: What comes in the place of `unit` in the first unit, if it is
            no match of that.
        without_expansion: `within` of mobile units that have none.
        bn_epsilon: What its batch norms add to variances. Default: PyTorch's.
    """

    known_by: str
    unit: str
    stem: tuple[_Names, ...]
    within: Mapping[Any, _Names]
    head: Mapping[Any, _Names]
    classifier: str
    first: str | None = None
    without_expansion: Mapping[Any, _Names] | None = None
    bn_epsilon: float = 1e-5


def _sequence(name: str, *places: int) -> dict[int, _Names]:
    """Convolutions at places in a `Sequential`, each a batch norm behind."""
    return {
        number: (f"{name}.{place}", f"{name}.{place + 1}")
        for number, place in enumerate(places)
    }


def _bottleneck(excite: str) -> dict[Any, _Names]:
    return {
        **{(0, n): (f"conv{n + 1}", f"bn{n + 1}") for n in range(3)},
        (0, 3, "squeeze"): (f"{excite}.fc1",) * 2,
        (0, 3, "excite"): (f"{excite}.fc2",) * 2,
        (1, 0): ("downsample.0", "downsample.1"),
    }


_TIMM_RESIDUAL: dict[str, Any] = {
    "unit": r"layer[1-4]\.\d+",
    "within": _bottleneck("se"),
    "head": {},
    "classifier": "fc",
}
_OSMR: dict[str, Any] = {
    "unit": r"features\.stage\d+\.unit\d+",
    "classifier": "output",
}
_OSMR_STEM = (convolution_and_norm("features.init_block"),)
_OSMR_LAST = convolution_and_norm("features.final_block")
_LAST = (0, 0)

SOURCES = (
    # timm `legacy_seresnet50`, `legacy_senet154`.
    Source(
        "layer0.conv1.weight",
        r"layer[1-4]\.\d+",
        tuple((f"layer0.conv{n}", f"layer0.bn{n}") for n in (1, 2, 3)),
        _bottleneck("se_module"),
        {},
        "last_linear",
    ),
    # timm `senet154`.
    Source(
        known_by="conv1.6.weight",
        stem=(
            ("conv1.0", "conv1.1"),
            ("conv1.3", "conv1.4"),
            ("conv1.6", "bn1"),
        ),
        **_TIMM_RESIDUAL,
    ),
    # timm `seresnet50`.
    Source(
        known_by="layer1.0.se.fc1.weight",
        stem=(("conv1", "bn1"),),
        **_TIMM_RESIDUAL,
    ),
    # torchvision `shufflenet_v2_x1_0` and the like.
    Source(
        "stage2.0.branch2.0.weight",
        r"stage\d\.\d+",
        (("conv1.0", "conv1.1"),),
        {
            **{(0, n): x for n, x in _sequence("branch1", 0, 2).items()},
            **{(1, n): x for n, x in _sequence("branch2", 0, 3, 5).items()},
        },
        {_LAST: ("conv5.0", "conv5.1")},
        "fc",
    ),
    # pytorchcv `shufflenet_g3_w1` and the like.
    Source(
        known_by="features.stage1.unit1.compress_conv1.weight",
        stem=_OSMR_STEM,
        within={
            (0, 0): ("compress_conv1", "compress_bn1"),
            (0, 2): ("dw_conv2", "dw_bn2"),
            (0, 3): ("expand_conv3", "expand_bn3"),
        },
        head={},
        **_OSMR,
    ),
    # pytorchcv `shufflenetv2b_w1`.
    Source(
        known_by="features.stage1.unit1.shortcut_dconv.conv.weight",
        stem=(convolution_and_norm("features.init_block.conv"),),
        within={
            (0, 0): convolution_and_norm("shortcut_dconv"),
            (0, 1): convolution_and_norm("shortcut_conv"),
            (1, 0): convolution_and_norm("conv1"),
            (1, 1): convolution_and_norm("dconv"),
            (1, 2): convolution_and_norm("conv2"),
        },
        head={_LAST: _OSMR_LAST},
        **_OSMR,
    ),
    # pytorchcv `condensenet74_c4_g4`, `condensenet74_c8_g8`.
    Source(
        known_by="features.stage1.unit1.conv1.index",
        stem=_OSMR_STEM,
        within={
            (1, 0): ("conv1",),
            (1, 1): ("conv1.bn",),
            (1, 2): ("conv1.conv",),
            (1, 4): ("conv2.bn",),
            (1, 5): ("conv2.conv",),
        },
        head={(0, 0): ("features.post_activ.bn",), (0, 1): ("output",)},
        **{**_OSMR, "classifier": "output.linear"},
    ),
    # pytorchcv `proxylessnas_cpu`, `_gpu`, `_mobile`.
    Source(
        known_by="features.stage1.unit1.body.dw_conv.conv.weight",
        stem=_OSMR_STEM,
        within={
            "expansion": convolution_and_norm("body.bc_conv"),
            "convolution": convolution_and_norm("body.dw_conv"),
            "projection": convolution_and_norm("body.pw_conv"),
        },
        head={"head_convolution": _OSMR_LAST},
        bn_epsilon=1e-3,
        **_OSMR,
    ),
    # timm `mobilenetv2_100`, `mnasnet_100`, `semnasnet_100` and the like.
    Source(
        "conv_stem.weight",
        r"blocks\.\d+\.\d+",
        (("conv_stem", "bn1"),),
        {
            "expansion": ("conv_pw", "bn1"),
            "convolution": ("conv_dw", "bn2"),
            "projection": ("conv_pwl", "bn3"),
            "squeeze": ("se.conv_reduce",) * 2,
            "excite": ("se.conv_expand",) * 2,
        },
        {"head_convolution": ("conv_head", "bn2")},
        "classifier",
        without_expansion={
            "convolution": ("conv_dw", "bn1"),
            "projection": ("conv_pw", "bn2"),
        },
    ),
    # torchvision `mobilenet_v2`.
    Source(
        "features.1.conv.0.0.weight",
        r"features\.\d+(?=\.conv\.)",
        (("features.0.0", "features.0.1"),),
        {
            "expansion": ("conv.0.0", "conv.0.1"),
            "convolution": ("conv.1.0", "conv.1.1"),
            "projection": ("conv.2", "conv.3"),
        },
        {"head_convolution": ("features.18.0", "features.18.1")},
        "classifier.1",
        without_expansion={
            "convolution": ("conv.0.0", "conv.0.1"),
            "projection": ("conv.1", "conv.2"),
        },
    ),
    # torchvision `mnasnet1_0` and the like, whose first unit is no module.
    Source(
        "layers.8.0.layers.0.weight",
        r"layers\.\d+\.\d+(?=\.layers\.)",
        (("layers.0", "layers.1"),),
        {
            "expansion": ("layers.0", "layers.1"),
            "convolution": ("layers.3", "layers.4"),
            "projection": ("layers.6", "layers.7"),
        },
        {"head_convolution": ("layers.14", "layers.15")},
        "classifier.1",
        first="",
    ),
)


def load(model: keras.Model, path: str | os.PathLike) -> None:
    """Loads a file into a model.

    The classifier is left as it is, and a warning says so, where the file has
    none or one of other classes. Another warning says what the source computes
    in another way than the model.

    Args:
        model: A network of the zoo, of units.
        path: A safetensors file.

    Raises:
        ValueError: Tensors are missing in the file, left over or have other
            shapes; they are listed. Or one is of a type that NumPy lacks, or
            the numbers of channels are beyond them.
    """
    with safe_open(path, framework="numpy") as file:
        for name in file.keys():
            _check_type(name, file.get_slice(name).get_dtype())
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    source = next(each for each in SOURCES if each.known_by in tensors)
    naming = _Naming(source, model, tensors)
    depthwise = {
        f"{naming.names(place)[0]}.weight"
        for place in places(model)
        if isinstance(place.layer, DepthwiseConvolutionBatchNorm)
        and naming.names(place)
    }
    arrays = Arrays(
        path,
        {
            name: transposed(tensor, name in depthwise)
            for name, tensor in tensors.items()
        },
        heads=(f"{source.classifier}.",),
    )
    for place in places(model):
        if isinstance(place.layer, ChannelGather):
            _check_index(place.layer, tensors, naming.names(place))
    counters = [
        name for name in tensors if name.endswith("num_batches_tracked")
    ]
    for name in counters:  # PyTorch's alone, and of no use to others.
        del arrays.by_name[name]
    assign(model, arrays, naming.names, _SUFFIXES)
    _warn_of_conventions(model, source)


def _warn_of_conventions(model: keras.Model, source: Source) -> None:
    ours = next(places(model)).layer.conventions
    theirs = {
        "strided_padding": "symmetric",
        "bn_epsilon": source.bn_epsilon,
    }
    needed = [
        f"{name}={value!r}"
        for name, value in theirs.items()
        if getattr(ours, name) != value
    ]
    if needed:
        warnings.warn(
            f"These weights need {' and '.join(needed)}: build {model.name} "
            "with that, or its outputs differ from those of the source.",
            ConventionsWarning,
            stacklevel=3,
        )


def _check_type(name: str, dtype: str) -> None:
    if dtype not in _TYPES:
        raise ValueError(
            f"Invalid tensor {quoted(name)}. Expected one of "
            f"{', '.join(_TYPES)}: convert it by `tensor.float()`. Received: "
            f"{dtype}."
        )


def _check_index(
    layer: ChannelGather, tensors: Mapping[str, Any], names: _Names
) -> None:
    for name in names:
        numbers = tensors.get(f"{name}.index")
        if numbers is None or not numbers.size:
            continue
        if numbers.min() < 0 or numbers.max() >= layer.available:
            raise ValueError(
                f"Invalid tensor {quoted(f'{name}.index')}. Expected numbers "
                f"of {layer.available} channels, from 0. Received: "
                f"{numbers.min()} to {numbers.max()}."
            )


def wrote(path: str | os.PathLike) -> bool:
    """Whether the file is a safetensors file with one of these networks."""
    names = tensor_names(path)
    return any(source.known_by in names for source in SOURCES)


class _Naming:
    """What a file calls the places of a model.

    Args:
        source: Where the file is from.
        model: The model.
        tensors: Those of the file, by name.
    """

    def __init__(
        self, source: Source, model: keras.Model, tensors: Mapping[str, Any]
    ) -> None:
        self.source = source
        matches = (re.match(source.unit, name) for name in tensors)
        found = {match[0] for match in matches if match}
        units = [f"{unit}." for unit in sorted(found, key=_natural)]
        if source.first is not None:
            units.insert(0, source.first)
        layers = dict.fromkeys(_layer(place) for place in places(model))
        # The first is the stem.
        self.units = dict(zip(list(layers)[1:], units, strict=False))
        self.stem = next(iter(layers), "")
        self.expanded = {
            place.part[0]
            for place in places(model)
            if place.part[1:] == ("expansion",)
        }

    def names(self, place: Place) -> _Names:
        """What the file calls the kernel of a place, and what is behind."""
        source, layer = self.source, _layer(place)
        match place.part:
            case ("logits",):
                return (source.classifier,)
            case ("stem",):
                return source.stem[0]
            case ("unit", _, _, int(), int(step), _) if layer == self.stem:
                return (*source.stem, *[()] * step)[step]
            case ("unit", _, _, int(branch), int(step), str(name)):
                excites = name in ("squeeze", "excite")
                key = (branch, step, name) if excites else (branch, step)
                if layer not in self.units:
                    return source.head.get(key, ())
                named = source.within.get(key, ())
            case (str(), str(name)):
                within = source.within
                if layer not in self.expanded and source.without_expansion:
                    within = {**within, **source.without_expansion}
                named = within.get(name, ())
            case (str(name),):
                return source.head.get(name, ())
            case _:
                return ()
        unit = self.units.get(layer, "")
        return tuple(f"{unit}{each}" for each in named)


def _layer(place: Place) -> str:
    """The layer of the model that a place is in."""
    return place.path.partition("/")[0]


def _natural(name: str) -> list[Any]:
    """By which numbers in names ascend."""
    return [
        (int(part) if part.isdigit() else 0, part)
        for part in re.split(r"(\d+)", name)
    ]
