"""How a network is trained, as data: `Recipe` and `RECIPES`.

Neither Keras nor TensorFlow is imported here.
"""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field

from nasnet_keras.quotation import quoted

Augmentation = Literal["none", "crop", "crop-flip", "inception"]


@pydantic.dataclasses.dataclass(
    frozen=True,
    kw_only=True,
    config=pydantic.ConfigDict(extra="forbid", allow_inf_nan=False),
)
class Recipe:
    """A training from start to end.

    Each attribute says what it is in its description, which
    `nasnet-train run --help` shows. Values are checked.
    """

    epochs: Annotated[
        int,
        Field(ge=1, le=10**6, description="Passes over the training images."),
    ]
    batch_size: Annotated[
        int, Field(ge=1, le=10**6, description="Images of a step.")
    ]
    learning_rate: Annotated[
        float, Field(gt=0, description="Learning rate at the first step.")
    ]
    schedule: Annotated[
        Literal["cosine", "exponential"],
        Field(
            description="How the rate falls: to 0 along a half cosine, or by "
            "a factor every few epochs."
        ),
    ] = "cosine"
    decay_rate: Annotated[
        float, Field(gt=0, le=1, description="Factor of exponential decay.")
    ] = 0.97
    decay_epochs: Annotated[
        float, Field(gt=0, description="Epochs between two such factors.")
    ] = 2.4
    optimizer: Annotated[
        Literal["momentum", "rmsprop"], Field(description="The optimizer.")
    ] = "momentum"
    momentum: Annotated[
        float, Field(ge=0, lt=1, description="Momentum of the updates.")
    ] = 0.9
    epsilon: Annotated[
        float, Field(gt=0, description="Epsilon of RMSProp, within the root.")
    ] = 1.0
    l2: Annotated[
        float,
        Field(
            ge=0,
            description="L2 penalty: weight of half the sum of squares of the "
            "kernels.",
        ),
    ] = 0.0
    clip_norm: Annotated[
        float | None,
        Field(gt=0, description="Largest global norm of the gradients."),
    ] = None
    label_smoothing: Annotated[
        float, Field(ge=0, lt=1, description="Share spread over all classes.")
    ] = 0.0
    dropout: Annotated[
        float, Field(ge=0, lt=1, description="Dropout before the classifier.")
    ] = 0.0
    drop_path_rate: Annotated[
        float,
        Field(
            ge=0, lt=1, description="Final rate of the last cell's drop path."
        ),
    ] = 0.0
    auxiliary_weight: Annotated[
        float,
        Field(
            ge=0, description="Weight of the auxiliary head's loss; 0: no head."
        ),
    ] = 0.0
    average_weights: Annotated[
        float | None,
        Field(
            gt=0,
            lt=1,
            description="Decay of the moving average of the weights, with "
            "which the training ends. Default: no average.",
        ),
    ] = None
    bn_momentum: Annotated[
        float | None,
        Field(
            gt=0,
            lt=1,
            description="Momentum of the batch norms' moving statistics. "
            "Default: the network's.",
        ),
    ] = None
    augmentation: Annotated[
        Augmentation | None,
        Field(
            description="Augmentation. Default: chosen by the data set: "
            "crop-flip, or crop for characters."
        ),
    ] = None
    cutout: Annotated[
        int,
        Field(
            ge=0,
            le=10**4,
            description="Side of the square that cutout blanks, in pixels.",
        ),
    ] = 0
    randaugment: Annotated[
        int,
        Field(
            ge=0,
            le=100,
            description="RandAugment's operations on each image; 0: none.",
        ),
    ] = 0
    randaugment_magnitude: Annotated[
        float,
        Field(ge=0, le=10, description="How much these operations change."),
    ] = 9.0
    mixup: Annotated[
        float,
        Field(
            ge=0,
            le=100,
            description="Alpha of mixup, which blends two images and their "
            "labels; 0: none.",
        ),
    ] = 0.0
    cutmix: Annotated[
        float,
        Field(
            ge=0,
            le=100,
            description="Alpha of CutMix, which sets a box of one image into "
            "another. With mixup each batch gets one of the two. 0: none.",
        ),
    ] = 0.0
    frozen_epochs: Annotated[
        int,
        Field(
            ge=0,
            description="First epochs, in which only the classifier learns; "
            "as many as `epochs`: a linear probe.",
        ),
    ] = 0
    frozen_learning_rate: Annotated[
        float, Field(gt=0, description="Learning rate of the frozen epochs.")
    ] = 0.1

    @pydantic.model_validator(mode="after")
    def _check_frozen_epochs(self) -> "Recipe":
        if self.frozen_epochs > self.epochs:
            raise ValueError(
                "Expected at most as many `frozen_epochs` as `epochs`, "
                f"{self.epochs}. Received: frozen_epochs={self.frozen_epochs}"
            )
        return self

    @property
    def mixes(self) -> bool:
        """Whether images are mixed, and their labels are shares of classes."""
        return bool(self.mixup or self.cutmix)

    @property
    def phases(self) -> "tuple[Recipe, ...]":
        """The trainings it consists of, one after the other: of the
        classifier, all of whose epochs are frozen, and of all, if there are
        such."""
        if not self.frozen_epochs:
            return (self,)
        head = dataclasses.replace(
            self,
            epochs=self.frozen_epochs,
            learning_rate=self.frozen_learning_rate,
        )
        rest = self.epochs - self.frozen_epochs
        if not rest:
            return (head,)
        return head, dataclasses.replace(self, epochs=rest, frozen_epochs=0)


# Steps 250,000 at 1,600 images, of 1,281,167: 312 epochs.
_IMAGENET: dict[str, Any] = {
    "epochs": 312,
    "schedule": "exponential",
    "optimizer": "rmsprop",
    "clip_norm": 10.0,
    "label_smoothing": 0.1,
    "dropout": 0.5,
    "auxiliary_weight": 0.4,
    "average_weights": 0.9999,
    "augmentation": "inception",
}

# All recipes by name.
RECIPES: dict[str, Recipe] = {
    # TF-slim's NASNet-A on CIFAR: 937,500 steps of 32, momentum, a cosine from
    # 0.025, L2 5e-4, clip 5, drop path 0.4, auxiliary weight 0.4. Paper A.1:
    # crop and flip, which is what CIFAR gets by its name. Table 1: cutout, of
    # 16 pixels.
    "cifar": Recipe(
        epochs=600,
        batch_size=32,
        learning_rate=0.025,
        l2=5e-4,
        clip_norm=5.0,
        drop_path_rate=0.4,
        auxiliary_weight=0.4,
        cutout=16,
    ),
    # Paper A.7: RMSProp with decay 0.9 and epsilon 1, label smoothing 0.1,
    # auxiliary weight 0.4, average of the weights 0.9999, dropout 0.5.
    # TF-slim: 0.97 every 2.4 epochs, clip 10, L2 4e-5 (Mobile) and 5e-5
    # (Large), drop path 0.3 (Large), and rates of 0.04 x 50 workers of 32
    # images (Mobile) and 0.015 x 100 of 16 (Large), of which one worker's are
    # here: with another batch the rate goes in proportion.
    "imagenet-mobile": Recipe(
        batch_size=32, learning_rate=0.04, l2=4e-5, **_IMAGENET
    ),
    "imagenet-large": Recipe(
        batch_size=16,
        learning_rate=0.015,
        l2=5e-5,
        drop_path_rate=0.3,
        **_IMAGENET,
    ),
    # The paper's child in small. Paper A.1, A.6: 20 epochs, momentum 0.9, a
    # cosine, L2, crop and flip. TF-slim on CIFAR: L2 5e-4, clip 5. The rate
    # is twice TF-slim's 0.025 (batch 32), for batches of 64. Children of a
    # few hundred steps underfit, so no path is dropped: evaluators were judged
    # so (docs/ground-truth.md).
    "search-proxy": Recipe(
        epochs=20,
        batch_size=64,
        learning_rate=0.05,
        l2=5e-4,
        clip_norm=5.0,
    ),
    # Ours: first the new classifier, then all, at a tenth of the rate of a
    # new network. Moving statistics follow a small data set in tens of steps
    # (momentum 0.9), not in thousands (0.9997, the published networks').
    "fine-tune": Recipe(
        epochs=20,
        batch_size=32,
        learning_rate=0.005,
        clip_norm=5.0,
        bn_momentum=0.9,
        frozen_epochs=5,
    ),
}


def find_recipe(name: Any) -> Recipe:
    """The recipe of that name.

    Raises:
        ValueError: There is none.
    """
    if not isinstance(name, str) or name not in RECIPES:
        raise ValueError(
            "Invalid value for `recipe`. Expected one of "
            f"{', '.join(RECIPES)}. Received: {quoted(name)}."
        )
    return RECIPES[name]


def adapted(
    recipe: Recipe, unsupported: Mapping[str, str], side: int | None = None
) -> Recipe:
    """A recipe without what a training does not follow: those values are at
    the defaults that change nothing.

    Args:
        recipe: The recipe.
        unsupported: The names of these values, each with the reason, as of
            `ArchitectureKind.unsupported`.
        side: Height and width of the images. Cutout blanks at most half of
            it, as the published 16 pixels do of 32. Default: not known.

    Example:

    >>> from nasnet_keras.architectures import find_kind
    >>> adapted(RECIPES["cifar"], find_kind("layerwise").unsupported)
    Recipe(...)
    """
    changed = {name: _default(name) for name in unsupported}
    if side is not None:
        changed.setdefault("cutout", min(recipe.cutout, side // 2))
    return dataclasses.replace(recipe, **changed)


def check_cutout(recipe: Recipe, side: int) -> None:
    """Raises:
    ValueError: The square that cutout blanks is as large as images of this
        height and width: of most it would leave little or nothing.
    """
    if recipe.cutout >= side:
        raise ValueError(
            f"Invalid value for `cutout`. Expected less than {side}, the side "
            "of the images, of which it would leave too little: give another "
            f"(--cutout). Received: {recipe.cutout}."
        )


def check_supported(recipe: Recipe, unsupported: Mapping[str, str]) -> None:
    """Raises:
    ValueError: The recipe has a value that a training does not follow.
    """
    for name, reason in unsupported.items():
        value, default = getattr(recipe, name), _default(name)
        if value != default:
            raise ValueError(
                f"Invalid value for `{name}`. Expected {default!r}: {reason}. "
                f"Received: {quoted(value)}."
            )


def _default(name: str) -> Any:
    return Recipe.__dataclass_fields__[name].default
