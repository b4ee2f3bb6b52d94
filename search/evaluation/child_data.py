"""The images of children, and TensorFlow as they need it: `ChildData`."""

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from nasnet_keras.training.data.datasets import ImageDataset, load_dataset
from nasnet_keras.training.data.pipeline import (
    EVALUATION_BATCH_SIZE,
    augmentation_note,
    default_augmentation,
    evaluation_pipeline,
    recipe_pipeline,
)
from nasnet_keras.training.data.splits import split, with_test
from nasnet_keras.training.data.streaming import Images, StreamedImages
from nasnet_keras.training.process_state import kept_process_state
from nasnet_keras.training.recipes import Augmentation, Recipe, check_cutout
from nasnet_keras.training.train import (
    grow_gpu_memory,
    prepare_short_trainings,
)
from search.evaluation.base import ChildSettings


class ChildData:
    """The images that the children of a run are trained and validated on: a
    division of the training images. The test images are never read.

    Args:
        settings: How the children are made.

    Attributes:
        train_images: `[N, H, W, C]`, uint8; `StreamedImages` where they would
            take too much memory.
        train_labels: `[N]`, int32.
        validation_images: As the training images.
        validation_labels: As the training labels.
        class_names: A name for each class.
        notes: Sentences for the user: what was read, and what was not.
        fingerprint: Changes when an image or a label does.

    Raises:
        ValueError: The data set cannot be read, or has too few images.
    """

    def __init__(self, settings: ChildSettings) -> None:
        data = with_test(
            load_dataset(
                settings.dataset,
                image_size=settings.image_size,
                skip_broken=settings.skip_broken,
            )
        )
        held_out: int | float | None = settings.validation_images
        if held_out is None:  # all where the data set has some
            held_out = 0.1 if data.read_validation else _a_tenth(data)
        parts = split(
            data,
            held_out,
            settings.train_images,
            settings.seed,
        )
        batch_size = settings.recipe.batch_size
        if len(parts.train) < batch_size:
            raise ValueError(
                "Too few images to train on. Expected at least a batch of "
                f"them, {batch_size}. Received: {len(parts.train)}, after "
                "those held out to measure on; give more images"
                f"{', or more `train_images`' * bool(settings.train_images)}, "
                f"or a `batch_size` (--batch-size) of {len(parts.train)} or "
                "less."
            )
        check_cutout(settings.recipe, min(parts.train.images.shape[1:3]))
        self.dataset = data.name
        self.class_names = data.class_names
        self.notes = data.notes
        self.fingerprint = parts.fingerprint
        self.train_images: Images = parts.train.images
        self.train_labels: np.ndarray = parts.train.labels
        self.validation_images: Images = parts.validation.images
        self.validation_labels: np.ndarray = parts.validation.labels

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Height, width and channels."""
        return self.train_images.shape[1:]

    def notes_on(self, recipe: Recipe) -> tuple[str, ...]:
        """The notes, and how the recipe changes the images."""
        note = augmentation_note(
            recipe.augmentation, self.dataset, self.class_names
        )
        return (*self.notes, *filter(None, [note]))

    @property
    def augmentation(self) -> Augmentation:
        """What suits the data set, where the recipe does not say."""
        return default_augmentation(self.dataset, self.class_names)

    def batches(self, recipe: Recipe, seed: int, epoch: int) -> tf.data.Dataset:
        """Training images and labels without end, from an epoch on."""
        return self.as_batches(
            recipe, self.train_images, self.train_labels, seed, epoch
        )

    def as_batches(
        self,
        recipe: Recipe,
        images: Images,
        labels: np.ndarray,
        seed: int,
        epoch: int,
    ) -> tf.data.Dataset:
        """Any of the images and labels as the recipe trains on them."""
        return recipe_pipeline(
            recipe,
            self.dataset,
            images,
            labels,
            seed,
            epoch,
            self.class_names,
        )

    @functools.cached_property
    def validation(self) -> Any:
        """Batches of all validation images, in order."""
        images = self.validation_images
        batches = evaluation_pipeline(
            images,
            self.validation_labels,
            min(EVALUATION_BATCH_SIZE, len(images)),
        )
        if isinstance(images, StreamedImages):
            return batches
        return batches.cache()


def _a_tenth(data: ImageDataset) -> int:
    return max(1, round(0.1 * len(data.train)))


@contextlib.contextmanager
def short_trainings() -> Iterator[None]:
    """Has TensorFlow, for a block or a function, train many small graphs for a
    short time each, and compute the same every time; then all is put back that
    was set in the process, seeds too."""
    with kept_process_state():
        tf.config.experimental.enable_op_determinism()
        prepare_short_trainings()
        yield


def prepare_tensorflow(threads: int | None) -> None:
    """Sets what of TensorFlow is set once in a process: its threads, if they
    are given, and that it takes of GPUs what it needs.

    Raises:
        ValueError: The threads are given, and TensorFlow has begun work.
    """
    grow_gpu_memory()
    if threads is None:
        return
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        raise ValueError(
            "Invalid value for argument `threads`. Expected None, since "
            "TensorFlow has begun work in this process. Received: "
            f"threads={threads}."
        ) from None
