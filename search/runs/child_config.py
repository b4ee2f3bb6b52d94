"""The children of a run: `ChildConfig`.

Neither Keras nor TensorFlow is imported here.
"""

from typing import Annotated

from pydantic import Field

from nasnet_keras.console.command_line import LARGEST
from search.runs.objective_config import Settings


class ChildConfig(Settings):
    """The size of a child, and its images: with the recipe, what trades trust
    in the reward for time."""

    repeats: Annotated[
        int | None,
        Field(
            ge=1,
            le=10**4,
            description="N, the normal cells of each stage; the space's if "
            "not given, 1 for cells.",
        ),
    ] = None
    filters: Annotated[
        int | None,
        Field(
            ge=1,
            le=10**4,
            description="F, the filters of the first cell; the space's if not "
            "given, 8 for cells.",
        ),
    ] = None
    image_size: Annotated[
        int | None,
        Field(
            ge=8,
            le=10**4,
            description="Height and width to train at: the centred square of "
            "each image, scaled; the data's own if not given.",
        ),
    ] = None
    train_images: Annotated[
        int | None,
        Field(
            ge=1,
            le=LARGEST,
            description="Images to train on; all if not given.",
        ),
    ] = None
    validation_images: Annotated[
        int | None,
        Field(
            ge=1,
            le=LARGEST,
            description="Images to validate on; a tenth if not given.",
        ),
    ] = None
    threads: Annotated[
        int | None,
        Field(
            ge=1,
            le=10**4,
            description="Threads, on which results depend; all if not given.",
        ),
    ] = None
    skip_broken: Annotated[
        bool,
        Field(
            description="Leave out files that are no whole images, instead of "
            "refusing them all by name."
        ),
    ] = False

    @property
    def scale(self) -> dict[str, int]:
        """What sets the size of the networks, as far as it is given."""
        given = {"repeats": self.repeats, "filters": self.filters}
        return {name: value for name, value in given.items() if value}
