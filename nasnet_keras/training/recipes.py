"""How a network is trained, as data: `Recipe` and `RECIPES`."""

from dataclasses import dataclass

from nasnet_keras.training.pipeline import Augmentation


@dataclass(frozen=True)
class Recipe:
    """A training from start to end.

    Attributes:
        epochs: How often each training image is seen.
        batch_size: Images per step.
        learning_rate: At the first step; it falls to 0 over the training
            along a half cosine.
        momentum: Of the gradients.
        l2: Weight of the L2 regularisation, halved as in TF-slim.
        clip_norm: The largest global norm of the gradients.
        drop_path_rate: The final drop probability of the last cell's paths.
        auxiliary_weight: Of the auxiliary head's loss; 0 for no such head.
        augmentation: See `training_pipeline`.
        cutout: The side of the square put out, in pixels; 0 for none.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float = 0.9
    l2: float = 0.0
    clip_norm: float | None = None
    drop_path_rate: float = 0.0
    auxiliary_weight: float = 0.0
    augmentation: Augmentation = "none"
    cutout: int = 0


RECIPES: dict[str, Recipe] = {
    # The paper's child in small. Paper A.1, A.6: 20 epochs, momentum 0.9, a
    # cosine, L2, crop and flip. TF-slim on CIFAR: L2 5e-4, clip 5. The rate
    # is twice TF-slim's 0.025 (batch 32), for batches of 64. Children of a
    # few hundred steps underfit, so paths are dropped less than the 0.4 of
    # TF-slim's 937,500 steps.
    "search-proxy": Recipe(
        epochs=20,
        batch_size=64,
        learning_rate=0.05,
        momentum=0.9,
        l2=5e-4,
        clip_norm=5.0,
        drop_path_rate=0.1,
        augmentation="crop-flip",
    ),
}
