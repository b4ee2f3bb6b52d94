"""Networks of cells as backbones and image classifiers of KerasHub.

    import keras_hub
    from zoo.hub import NASNetImageClassifier

    classifier = NASNetImageClassifier.from_zoo("nasnet_mobile", num_classes=37)
    classifier.save_to_preset("mobile")
    classifier = keras_hub.models.ImageClassifier.from_preset("mobile")

`from_preset` reads the directories of these classes once this module is
imported. KerasHub comes with `pip install nasnet-keras[hub]`.
"""

from collections.abc import Mapping
from typing import Any

import keras
import keras_hub
import numpy as np

from nasnet_keras.genotype import Genotype
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.network.build import build_network, dtype_policy
from nasnet_keras.network.skeletons import FRAMES
from zoo.models import create_model
from zoo.preset import Preset, find
from zoo.presets import PRESETS
from zoo.weights import warn_of_activation

# What variables a network has follows from its preset and from these.
_VARIABLE = ("repeats", "filters", "drop_path_rate")


@keras.saving.register_keras_serializable(package="nasnet_keras")
class NASNetBackbone(keras_hub.models.FeaturePyramidBackbone):
    """The network of a genotype without its classifier.

    Its output is the feature map that the classifier pools. `pyramid_outputs`
    are the last maps of each size, `"P1"` with half the height and width of
    the images, `"P2"` with a quarter, and so on, each after a ReLU; detectors
    of KerasHub take the backbone as their `image_encoder`.

    Args:
        genotype: A `Genotype` or its `to_dict`.
        repeats: N, the normal cells of each of the three stages; in the frame
            of DARTS the number of all cells.
        filters: F, the filters of the first stage.
        stem: `"cifar"`: a 3x3 convolution; `"imagenet"`: a 3x3 convolution
            with stride 2 and two reduction cells, or as the frame has it.
            Default `"imagenet"`.
        stem_filters: The filters of the stem's last convolution. Default: 3F
            with the CIFAR stem; with the ImageNet stem 32, or F in the frame
            of DARTS.
        skip_reduction_layer_input: What the normal cell after a reduction
            cell takes as its second input: the output of the cell before the
            reduction (False: Mobile and CIFAR), or of the cell before that
            one (True: Large). Default False.
        frame: How the cells are stacked, a key of `FRAMES`. Default
            `"nasnet"`.
        conventions: A `Conventions` or its `to_dict`. Default: the defaults.
        drop_path_rate: The final drop probability of the last cell's paths;
            earlier cells have less, in proportion to depth. Default 0.
        drop_path_steps: Over how many steps that probability is reached: the
            length of the training. Default None: from the start.
        image_shape: `(height, width, channels)`, channels first if the
            conventions say so; height and width may be None. Default: any
            size, 3 channels.
        dtype: A dtype or a dtype policy. Default: the global policy.

    Raises:
        ValueError: An argument is out of range.

    Example:

    >>> backbone = NASNetBackbone.from_zoo("nasnet_mobile")
    >>> backbone.pyramid_outputs["P5"].shape
    (None, None, None, 1056)
    """

    def __init__(
        self,
        genotype: Genotype | Mapping[str, Any],
        repeats: int,
        filters: int,
        stem: Any = "imagenet",
        stem_filters: int | None = None,
        skip_reduction_layer_input: bool = False,
        frame: str = "nasnet",
        conventions: Any = None,
        drop_path_rate: float = 0.0,
        drop_path_steps: int | None = None,
        image_shape: Any = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        unknown = sorted(set(kwargs) - {"name", "trainable"})
        if unknown:
            raise ValueError(
                "Expected arguments of NASNetBackbone; the number of classes "
                "is `num_classes` of NASNetImageClassifier, the size of the "
                f"images `image_shape`. Received: {', '.join(unknown)}."
            )
        if not isinstance(genotype, Genotype):
            genotype = Genotype.from_dict(genotype)
        conventions = Conventions.from_dict(conventions)
        if image_shape is None:
            first = conventions.data_format == "channels_first"
            image_shape = (3, None, None) if first else (None, None, 3)
        arguments = {
            "repeats": repeats,
            "filters": filters,
            "stem": stem,
            "stem_filters": stem_filters,
            "skip_reduction_layer_input": skip_reduction_layer_input,
            "frame": frame,
            "drop_path_rate": drop_path_rate,
            "drop_path_steps": drop_path_steps,
        }
        with dtype_policy(dtype):
            network = build_network(
                genotype,
                tuple(image_shape),
                conventions=conventions,
                features=True,
                **arguments,
            )
        last = network.get_layer(list(network.output)[-1])
        activated = FRAMES[frame].activate_features
        super().__init__(
            inputs=network.inputs[0],
            outputs=last.output if activated else last.input,
            dtype=dtype,
            **kwargs,
        )
        self.pyramid_outputs = dict(network.output)
        self.genotype = genotype
        self.conventions = conventions
        self.data_format = conventions.data_format
        self.image_shape = tuple(image_shape)
        self.arguments = arguments

    @classmethod
    def from_zoo(
        cls, name: str, weights: Any = None, **options: Any
    ) -> "NASNetBackbone":
        """The backbone of a published network of cells.

        Args:
            name: A network of cells of `zoo.list_models()`: NASNet, PNASNet,
                AmoebaNet, ENAS or DARTS.
            weights: See `zoo.create_model`. Default None: random.
            **options: Arguments of the constructor, in the place of the
                network's; `conventions` is a dict of those that differ.

        Raises:
            ValueError: There is no such network or weights, or an argument
                is out of range.
        """
        preset = _preset(name)
        arguments = preset.network_arguments()
        del arguments["input_shape"], arguments["classes"]
        arguments["conventions"] |= options.pop("conventions", {})
        backbone = cls(
            **{
                "name": name,
                "genotype": preset.architecture,
                **arguments,
                **options,
            }
        )
        if weights is not None:
            warn_of_activation(backbone)
            source = _source(name, weights, backbone, features=True)
            _copy_weights(backbone, source.get_weights())
        return backbone

    def get_config(self):
        return {
            **super().get_config(),
            "genotype": self.genotype.to_dict(),
            "conventions": self.conventions.to_dict(),
            "image_shape": self.image_shape,
            **self.arguments,
        }


@keras.saving.register_keras_serializable(package="nasnet_keras")
class NASNetImageConverter(keras_hub.layers.ImageConverter):
    """Brings pixels from 0 to 255 to -1 to 1, and images to one size.

    Args:
        image_size: `(height, width)` or None, the default: as they are.
        scale: Default 1 / 127.5.
        offset: Default -1.
        **kwargs: See `keras_hub.layers.ImageConverter`.
    """

    backbone_cls = NASNetBackbone

    def __init__(
        self,
        image_size: tuple[int, int] | None = None,
        scale: Any = 1 / 127.5,
        offset: Any = -1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(image_size, scale, offset, **kwargs)

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format}


@keras.saving.register_keras_serializable(package="nasnet_keras")
class NASNetImageClassifierPreprocessor(
    keras_hub.models.ImageClassifierPreprocessor
):
    """A `NASNetImageConverter` for the images; labels pass as they are."""

    backbone_cls = NASNetBackbone
    image_converter_cls = NASNetImageConverter


@keras.saving.register_keras_serializable(package="nasnet_keras")
class NASNetImageClassifier(keras_hub.models.ImageClassifier):
    """A `NASNetBackbone`, a global pool and a dense layer.

    The arguments are those of `keras_hub.models.ImageClassifier`.

    Example:

    >>> classifier = NASNetImageClassifier.from_zoo("nasnet_mobile")
    >>> pixels = np.zeros((1, 300, 200, 3), "uint8")
    >>> classifier.predict(pixels, verbose=0).shape
    (1, 1000)
    """

    backbone_cls = NASNetBackbone
    preprocessor_cls = NASNetImageClassifierPreprocessor

    @classmethod
    def from_zoo(
        cls,
        name: str,
        weights: Any = None,
        num_classes: int | None = None,
        activation: str | None = "softmax",
        dropout: float = 0.0,
        **options: Any,
    ) -> "NASNetImageClassifier":
        """A published network of cells. It takes pixels from 0 to 255, of any
        size; they are brought to that of the backbone's `image_shape`, by
        default the published one.

        Args:
            name: A network of cells of `zoo.list_models()`: NASNet, PNASNet,
                AmoebaNet, ENAS or DARTS.
            weights: See `zoo.create_model`. Default None: random.
            num_classes: Default: 1000, or 10 for networks of CIFAR-10. With
                weights for another number the classifier starts anew.
            activation: Of the classifier, None for logits. Default
                `"softmax"`.
            dropout: The dropout rate before the classifier. Default 0.
            **options: See `NASNetBackbone.from_zoo`.

        Raises:
            ValueError: There is no such network or weights, or an argument
                is out of range.
        """
        preset = _preset(name)
        backbone = NASNetBackbone.from_zoo(name, **options)
        if num_classes is None:
            num_classes = preset.classes
        first = backbone.data_format == "channels_first"
        sides = backbone.image_shape[1:] if first else backbone.image_shape[:2]
        height, width = (side or preset.image_size for side in sides)
        converter = NASNetImageConverter(
            (height, width), data_format=backbone.data_format
        )
        classifier = cls(
            backbone,
            num_classes,
            NASNetImageClassifierPreprocessor(converter),
            activation=activation,
            dropout=dropout,
            name=f"{name}_classifier",
        )
        if weights is not None:
            source = _source(
                name,
                weights,
                backbone,
                classes=num_classes,
                classifier_activation=activation,
            )
            # Some classifiers have no bias; KerasHub's always has.
            head = source.get_layer("logits").get_weights()
            _copy_weights(backbone, source.get_weights()[: -len(head)])
            classifier.output_dense.set_weights(
                [*head, np.zeros(num_classes)][:2]
            )
        return classifier


def _preset(name: str) -> Preset:
    preset = find(PRESETS, name, "name", "`zoo.list_models()`")
    if preset.kind != "nasnet":
        raise ValueError(
            "Invalid value for argument `name`. Expected a network of cells "
            "(NASNet, PNASNet, AmoebaNet, ENAS or DARTS); "
            "`zoo.create_model` builds the others. Received: "
            f"name={name!r}, a network of the kind {preset.kind!r}."
        )
    return preset


def _copy_weights(backbone: NASNetBackbone, weights: list[Any]) -> None:
    ours = [tuple(weight.shape) for weight in backbone.weights]
    if ours != [weight.shape for weight in weights]:
        raise ValueError(
            "Expected with `weights` the stem of the published network. "
            "Received: other `stem_filters`, `skip_reduction_layer_input` or "
            "`frame`."
        )
    backbone.set_weights(weights)


def _source(
    name: str, weights: Any, backbone: NASNetBackbone, **options: Any
) -> keras.Model:
    """The network of the zoo that has the weights for a backbone."""
    same = {key: backbone.arguments[key] for key in _VARIABLE}
    first = backbone.data_format == "channels_first"
    channels = backbone.image_shape[0 if first else -1]
    return create_model(
        name,
        (*_preset(name).input_shape[:2], channels),
        weights=weights,
        data_format="channels_last",
        **same,
        **options,
    )
