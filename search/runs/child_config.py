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
            description="N, the normal cells of each stage. Default: the "
            "space's, 1 for cells.",
        ),
    ] = None
    filters: Annotated[
        int | None,
        Field(
            ge=1,
            le=10**4,
            description="F, the filters of the first cell. Default: the "
            "space's, 8 for cells.",
        ),
    ] = None
    image_size: Annotated[
        int | None,
        Field(
            ge=8,
            le=10**4,
            description="Height and width to train at: the centred square of "
            "each image, scaled. Default: the data set's own.",
        ),
    ] = None
    train_images: Annotated[
        int | None,
        Field(
            ge=1,
            le=LARGEST,
            description="Images to train on. Default: all.",
        ),
    ] = None
    validation_images: Annotated[
        int | None,
        Field(
            ge=1,
            le=LARGEST,
            description="Images to validate on. Default: the validation "
            "images of the data set, or a tenth of the training images.",
        ),
    ] = None
    threads: Annotated[
        int | None,
        Field(
            ge=1,
            le=10**4,
            description="Threads of a child; results depend on them. Default: "
            "all cores; with workers, the cores divided by the workers.",
        ),
    ] = None
    skip_broken: Annotated[
        bool,
        Field(
            description="Leave out broken image files. Default: they are an "
            "error, which names them."
        ),
    ] = False

    @property
    def scale(self) -> dict[str, int]:
        """What sets the size of the networks, as far as it is given."""
        given = {"repeats": self.repeats, "filters": self.filters}
        return {name: value for name, value in given.items() if value}
