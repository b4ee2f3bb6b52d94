"""The decoded images of a run: `LoadedImages`."""

from nasnet_keras.console.activity import tell_activity
from nasnet_keras.training.settings import (
    TrainingData,
    TrainingSettings,
    load_data,
)


class LoadedImages:
    """The images of one size, kept from one training to the next: decoding
    many photographs takes minutes."""

    def __init__(self) -> None:
        self._shape: list[int | None] = []
        self._data: TrainingData | None = None

    def of(self, settings: TrainingSettings) -> TrainingData:
        """The images of a training of the run."""
        shape = [*settings.network["input_shape"]]
        if self._data is None or shape != self._shape:
            self._data = None  # Both may not fit into memory.
            tell_activity("reading the data")
            self._shape, self._data = shape, load_data(settings)
        return self._data
