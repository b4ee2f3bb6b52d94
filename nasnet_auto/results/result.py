"""What a run has come to: `Result`."""

import functools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasnet_keras.console.accuracy import standard_error
from nasnet_keras.console.command_line import InputError
from nasnet_keras.files import check_path
from nasnet_keras.strict_json import read_json

if TYPE_CHECKING:
    import keras
    import numpy as np

    from nasnet_keras.deployment.classifier import Guess


class Result:
    """A finished run.

    Args:
        folder: The folder of the run.

    Attributes:
        folder: The folder of the run.
        leaderboard: The candidates that were tried, the best first. Each is a
            dict with the fields of `nasnet_auto.trainings.candidates.Row`.
        test_accuracy: The accuracy of the chosen network on the test images,
            which are used only once.

    Raises:
        InputError: There is no finished run.

    Example:

    >>> import nasnet_auto
    >>> result = nasnet_auto.run("digits", hours=1 / 60, output="runs/auto")
    >>> result.leaderboard[0]["name"] == result.chosen
    True
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        check_path("folder", folder)
        self.folder = Path(folder)
        file = self.folder / "leaderboard.json"
        try:
            self._board: dict[str, Any] = read_json(file)
            self.leaderboard: list[dict[str, Any]] = self._board["rows"]
        except (OSError, LookupError, TypeError, ValueError):
            raise InputError(
                "Expected the folder of a finished run of nasnet-auto. "
                f"Received: {folder}, which has no whole leaderboard.json. "
                "Finish it by the command that began it."
            ) from None

    def __repr__(self) -> str:
        return f"Result({str(self.folder)!r})"

    @property
    def chosen(self) -> str:
        """The name of the network that was chosen."""
        return self._board["chosen"]

    @property
    def test_accuracy(self) -> float:
        return self._board["test_accuracy"]

    @property
    def test_images(self) -> int:
        """On how many images the test accuracy was measured."""
        return self._board["test_images"]

    @property
    def test_error(self) -> float:
        """The standard error of the test accuracy."""
        return standard_error(self.test_accuracy, self.test_images)

    @property
    def files(self) -> list[Path]:
        """What was written for use."""
        names = (
            *("model", "model.*", "predict.py"),
            *("report.html", "architecture.json", "leaderboard.json"),
        )
        return [
            file for name in names for file in sorted(self.folder.glob(name))
        ]

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(self._board["class_names"])

    @property
    def report(self) -> Path:
        """A page to read."""
        return self.folder / "report.html"

    @functools.cached_property
    def model(self) -> "keras.Model":
        """The network: it takes pixels from 0 to 255."""
        from nasnet_keras.network.build import load_model

        return load_model(self.folder / "model.keras")

    def predict(
        self,
        images: "str | os.PathLike[str] | Sequence[str | os.PathLike[str]] "
        "| np.ndarray",
        top: int = 5,
    ) -> "list[list[Guess]]":
        """Says of images what they show; see
        `nasnet_keras.deployment.classifier.classify`."""
        from nasnet_keras.deployment.classifier import classify

        return classify(self.model, images, top)


def load(folder: str | os.PathLike[str]) -> Result:
    """The result of a finished run.

    Raises:
        InputError: There is none.
    """
    return Result(folder)
