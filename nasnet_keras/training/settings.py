"""What a training is made of: `TrainingSettings`, and the images and the
network that they stand for."""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import keras
import pydantic
from pydantic import Field

from nasnet_keras import architectures
from nasnet_keras.network.build import dtype_policy
from nasnet_keras.quotation import quoted
from nasnet_keras.training.data.datasets import (
    ImageDataset,
    LabelledImages,
    load_dataset,
)
from nasnet_keras.training.data.holding import BY_MEMORY, Holding
from nasnet_keras.training.data.pipeline import (
    augmentation_note,
)
from nasnet_keras.training.data.splits import split, with_test
from nasnet_keras.training.data.streaming import in_channels
from nasnet_keras.training.recipes import Recipe, check_supported

LARGEST = 10_000  # side of an image, or number of its channels


@pydantic.dataclasses.dataclass(
    frozen=True, kw_only=True, config=pydantic.ConfigDict(extra="forbid")
)
class TrainingSettings:
    """What a training is made of, as data.

    Attributes:
        dataset: A name, a folder or an `.npz` file, for `load_dataset`.
        network: The architecture, as of `architectures.to_data`, and the
            arguments of its network as JSON data, without those that the
            recipe or the data set have. Its `input_shape` says to which size
            and channels the images are brought; channels of None are the
            images' own.
        recipe: How it is trained.
        train_images: How many training images, or which share of them; None
            for all that are left.
        validation_images: How many of the training images, or which share, to
            measure on after each epoch; None for none. Of a data set that
            has images for validation, how many of those; None for all.
        skip_broken: Whether to leave out files of a folder that are no whole
            images.
        class_weights: `"balanced"` weighs the losses of the training images
            so that all classes count alike, see `balanced_weights`; None, all
            images. Metrics and validation count all images alike.
        keep_best: Whether to end with the weights of the epoch of the highest
            validation accuracy, the first of equals, rather than the last.
        early_stopping: After how many epochs without a higher validation
            accuracy to end; None for never. Frozen epochs count, but it ends
            in the last phase alone.
        weights: Where the network's first weights come from, for the record.
        dtype: The dtype policy. Variables are float32 in each.
        seed: Fixes weights, batches, and what is dropped.
        split_seed: Fixes which images are held out. Default: `seed`.
        replicas: How many devices train alike, each on its part of every
            batch: GPUs, or processors where there are none.
    """

    dataset: str
    network: dict[str, Any]
    recipe: Recipe
    train_images: int | float | None = None
    validation_images: int | float | None = None
    skip_broken: bool = False
    class_weights: Literal["balanced"] | None = None
    keep_best: bool = False
    early_stopping: Annotated[int, Field(ge=1)] | None = None
    weights: str | None = None
    dtype: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    seed: int = 0
    split_seed: int | None = None
    replicas: int = 1


@dataclasses.dataclass(frozen=True)
class TrainingData:
    """The images of a training, brought to the channels that its network
    takes.

    Attributes:
        train: What it learns from.
        validation: What it is measured on after each epoch, if anything.
        dataset: The data set they were taken from; it has test images.
        fingerprint: Changes when one of these images or labels does.
        notes: Sentences for the user: what was read, and what may surprise.
    """

    train: LabelledImages
    validation: LabelledImages | None
    dataset: ImageDataset
    fingerprint: str
    notes: tuple[str, ...] = ()

    @property
    def test(self) -> LabelledImages:
        """The test images; held out where the data set has none."""
        images: Any = self.dataset.test
        return _in_channels(images, self.train.images.shape[-1])


def with_channels(
    settings: TrainingSettings, data: TrainingData
) -> TrainingSettings:
    """The settings of a training whose network has the channels of these
    images."""
    height, width, _ = settings.network["input_shape"]
    shape = [height, width, data.train.images.shape[-1]]
    network = {**settings.network, "input_shape": shape}
    return dataclasses.replace(settings, network=network)


def load_data(
    settings: TrainingSettings, holding: Holding = BY_MEMORY
) -> TrainingData:
    """Loads the images of a training.

    Args:
        settings: The training.
        holding: Where its images are held; they are the same anywhere.

    Raises:
        ValueError: The data set is missing or unusable, or has too few
            images or classes.
    """
    height, width, _ = _input_shape(settings.network)
    if height != width:
        raise ValueError(
            "Invalid value for argument `input_shape`. Expected a height equal "
            f"to the width to train at. Received: {height} and {width}."
        )
    dataset = with_test(
        load_dataset(
            settings.dataset,
            image_size=height,
            skip_broken=settings.skip_broken,
            **holding._asdict(),
        )
    )
    return divided(settings, dataset)


def divided(settings: TrainingSettings, dataset: ImageDataset) -> TrainingData:
    """The images of a training, of a loaded data set with test images; see
    `load_data`."""
    _, _, channels = _input_shape(settings.network)
    seed = settings.seed if settings.split_seed is None else settings.split_seed
    parts = split(
        dataset, settings.validation_images, settings.train_images, seed
    )
    train, validation = (
        _in_channels(part, channels) for part in (parts.train, parts.validation)
    )
    by_validation = [
        name
        for name, asked in {
            "keep_best": settings.keep_best,
            "early_stopping": settings.early_stopping,
        }.items()
        if asked
    ]
    if by_validation and not len(validation):
        raise ValueError(
            f"The argument `{by_validation[0]}` needs validation images. "
            "Expected some in the data set, or held out by "
            "`validation_images`. Received: none."
        )
    note = augmentation_note(
        settings.recipe.augmentation, settings.dataset, dataset.class_names
    )
    return TrainingData(
        train,
        validation if len(validation) else None,
        dataset,
        parts.fingerprint,
        (*dataset.notes, *filter(None, [note])),
    )


def _input_shape(
    network: Mapping[str, Any],
) -> tuple[int, int, int | None]:
    """Height, width and channels to bring the images to.

    Raises:
        ValueError: They are no such numbers.
    """
    shape = network.get("input_shape")
    if not (
        isinstance(shape, list | tuple)
        and len(shape) == 3
        and all(
            type(side) is int and 0 < side <= LARGEST
            for side in (shape[:2] if shape[2] is None else shape)
        )
    ):
        raise ValueError(
            "Invalid value for argument `input_shape`. Expected height, width "
            f"and channels, each from 1 to {LARGEST:,}. Received: "
            f"{quoted(shape)}."
        )
    height, width, channels = shape
    return height, width, channels


def build_model(
    settings: TrainingSettings, classes: int, steps: int
) -> keras.Model:
    """The network of a training of so many steps, untrained.

    Raises:
        ValueError: An argument of the network is out of range.
    """
    arguments = dict(settings.network)
    kind, architecture = architectures.from_data(arguments.pop("architecture"))
    asked = recipe_arguments(settings.recipe, steps, kind)
    conventions = {
        **(arguments.pop("conventions", None) or {}),
        **asked.pop("conventions", {}),
    }
    if conventions:
        arguments["conventions"] = conventions
    shape = tuple(arguments.pop("input_shape"))
    architectures.check_size(
        kind.complexity(
            architecture,
            shape,
            classes,
            **architectures.without_recipe(arguments),
        )
    )
    with dtype_policy(settings.dtype):
        return kind.build(
            architecture,
            shape,
            classes,
            **arguments,
            **asked,
        )


def recipe_arguments(
    recipe: Recipe, steps: int, kind: architectures.ArchitectureKind
) -> dict[str, Any]:
    """The arguments of a network that a recipe asks for, as JSON data; those
    at their defaults are left out.

    Args:
        recipe: The recipe.
        steps: Of the whole training.
        kind: That of the network.

    Raises:
        ValueError: Networks of the kind do not follow a value of the recipe.
    """
    check_supported(recipe, kind.unsupported)
    arguments: dict[str, Any] = {}
    if recipe.auxiliary_weight > 0:
        arguments["auxiliary_head"] = True
    if recipe.dropout:
        arguments["dropout"] = recipe.dropout
    if recipe.drop_path_rate:
        arguments["drop_path_rate"] = recipe.drop_path_rate
        arguments["drop_path_steps"] = steps
    if recipe.bn_momentum is not None:
        arguments["conventions"] = {"bn_momentum": recipe.bn_momentum}
    return arguments


def _in_channels(
    images: LabelledImages, channels: int | None
) -> LabelledImages:
    if channels is None:
        return images
    return dataclasses.replace(
        images, images=in_channels(images.images, channels)
    )
