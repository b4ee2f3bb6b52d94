"""The decoded images of a run: `LoadedImages`."""

import time
from collections.abc import Sequence

from nasnet_keras.console.activity import tell_activity
from nasnet_keras.training.settings import (
    TrainingData,
    TrainingSettings,
    load_data,
)


class LoadedImages:
    """The images of one size, kept from one training to the next: decoding
    many photographs takes minutes.

    Attributes:
        seconds: How long reading has taken so far.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._shape: tuple[int | None, ...] = ()
        self._data: TrainingData | None = None
        self._took: dict[tuple[int | None, ...], float] = {}

    def reading(
        self, input_shape: Sequence[int | None], otherwise: float
    ) -> float:
        """The seconds that reading images of a network's shape will take:
        none where they are there, else as many as before; `otherwise` where
        these were not read yet."""
        shape = tuple(input_shape)
        if shape == self._shape:
            return 0.0
        return self._took.get(shape, otherwise)

    def of(self, settings: TrainingSettings) -> TrainingData:
        """The images of a training of the run."""
        shape = tuple(settings.network["input_shape"])
        if self._data is None or shape != self._shape:
            self._shape, self._data = (), None  # Both may not fit into memory.
            tell_activity("reading the data")
            began = time.perf_counter()
            self._data = load_data(settings)
            self._shape = shape
            self._took[shape] = time.perf_counter() - began
            self.seconds += self._took[shape]
        return self._data
