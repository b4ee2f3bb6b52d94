"""`Candidate`, a training to try, as data, and `Row`, its result."""

import dataclasses
import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from nasnet_auto.trainings.ensemble import write_ensemble
from nasnet_auto.trainings.images import LoadedImages
from nasnet_keras.architectures import find_kind, to_data
from nasnet_keras.console.accuracy import standard_error
from nasnet_keras.console.command_line import RunError
from nasnet_keras.deployment.latency.measurement import measure_latency
from nasnet_keras.kinds.layerwise import (
    ConvolutionLayer,
    LayerwiseArchitecture,
)
from nasnet_keras.network.build import load_model
from nasnet_keras.training.evaluation.evaluate_run import evaluate_run
from nasnet_keras.training.progress import Progress
from nasnet_keras.training.recipes import Recipe
from nasnet_keras.training.run import (
    load_settings,
    read_history,
    run_training,
)
from nasnet_keras.training.settings import TrainingSettings, build_model
from zoo import weights as pretrained

PLAIN_FILTERS = (32, 64, 64, 128, 128, 256)  # of its 3 x 3 convolutions
PLAIN_STRIDES = (1, 2, 1, 2, 1, 2)
LARGE = 48  # from this image size on the first convolution is strided too

NO_ROOM = (MemoryError, tf.errors.ResourceExhaustedError)
TOO_LARGE = "it takes more memory than there is"
SLOW = "slower than asked for"
NO_TIME = "no time is left"


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A training to try.

    Attributes:
        name: The name of its row in the leaderboard, and of its folder.
        settings: Of `TrainingSettings`, as JSON data.
        preset: The network of the zoo whose weights it begins with; None for
            random weights.
        reason: Why it is not trained, if it is not.
        members: Of an ensemble, the trained candidates whose probabilities
            it averages, the best first; it has the settings of the best. Of a
            single network, none.
        start_seconds: Until its first step has ended, as timed.
        epoch_seconds: Of one of its epochs, as timed; None: not timed.
    """

    name: str
    settings: dict[str, Any]
    preset: str | None = None
    reason: str | None = None
    members: Sequence[str] = ()
    start_seconds: float = 0.0
    epoch_seconds: float | None = None

    @property
    def training(self) -> TrainingSettings:
        return TrainingSettings(**self.settings)

    @property
    def image_size(self) -> int:
        return self.settings["network"]["input_shape"][0]

    @property
    def recipe(self) -> Recipe:
        return self.training.recipe

    def changed(self, name: str, **values: Any) -> "Candidate":
        """A copy with another name and other values of the recipe, or with
        another `seed` or `image_size`: with the latter the time of an epoch
        is scaled by the number of pixels."""
        settings = json.loads(json.dumps(self.settings))
        if "seed" in values:
            settings["seed"] = values.pop("seed")
        size, epoch = values.pop("image_size", None), self.epoch_seconds
        if size is not None:
            channels = settings["network"]["input_shape"][-1]
            settings["network"]["input_shape"] = [size, size, channels]
            if epoch is not None:
                epoch *= (size / self.image_size) ** 2
        recipe = dataclasses.replace(Recipe(**settings["recipe"]), **values)
        settings["recipe"] = dataclasses.asdict(recipe)
        return dataclasses.replace(
            self,
            name=name,
            settings=settings,
            reason=None,
            epoch_seconds=epoch,
        )

    @property
    def is_probe(self) -> bool:
        """Whether the classifier alone learns."""
        return self.recipe.frozen_epochs == self.recipe.epochs

    def repeats(self, other: "Candidate") -> bool:
        """Whether another trains in the same way, for as many epochs or
        more."""
        ours, theirs = (
            {
                **each.settings,
                "preset": each.preset,
                "recipe": dataclasses.replace(
                    each.recipe, epochs=1, frozen_epochs=int(each.is_probe)
                ),
            }
            for each in (self, other)
        )
        return ours == theirs and self.recipe.epochs <= other.recipe.epochs

    def seconds(self, epochs: int) -> float:
        """How long so many of its epochs take, as timed."""
        return self.start_seconds + epochs * (self.epoch_seconds or 0.0)


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of the leaderboard.

    Attributes:
        name: Of the candidate.
        accuracy: On the images that networks are chosen by; None where there
            is none.
        error: The standard error of that.
        parameters: Of the network.
        latency: The seconds of one image in the runtime asked for; None
            unless a limit was given.
        image_size: Height and width of the images.
        epochs: How long it was trained.
        seconds: Of the training.
        reason: Why there is no accuracy, or why it cannot be chosen.
    """

    name: str
    accuracy: float | None = None
    error: float | None = None
    parameters: int | None = None
    latency: float | None = None
    image_size: int | None = None
    epochs: int | None = None
    seconds: float | None = None
    reason: str | None = None

    @property
    def can_be_chosen(self) -> bool:
        return self.accuracy is not None and self.reason is None

    @property
    def accuracy_text(self) -> str:
        """The accuracy with its error, empty if there is none."""
        if self.accuracy is None or self.error is None:
            return ""
        return f"{self.accuracy:.1%} ± {self.error:.1%}"


def folder_of(name: str) -> Path:
    """Where a candidate is trained, within the folder of the run.

    Example:

    >>> folder_of("plain network, rate / 3").name
    'plain-network-rate-by-3'
    """
    words = name.replace("/", "by").replace(",", "").split()
    return Path("trainings") / "-".join(words)


def plain_network(image_size: int) -> dict[str, Any]:
    """A plain network, by hand: six convolutions of 3 x 3, each with batch
    norm and ReLU, three of them strided, four of larger images."""
    strides = [*PLAIN_STRIDES]
    if image_size >= LARGE:
        strides[0] = 2
    layers = tuple(
        ConvolutionLayer(
            (3, 3), filters, (number,) if number else (), (stride, stride)
        )
        for number, (filters, stride) in enumerate(
            zip(PLAIN_FILTERS, strides, strict=True)
        )
    )
    architecture = LayerwiseArchitecture(layers)
    return {
        "architecture": to_data(find_kind("layerwise"), architecture),
        "input_shape": [image_size, image_size, 3],
    }


def train(
    candidate: Candidate,
    folder: Path,
    images: LoadedImages,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    progress: Callable[[int], Progress] | None = None,
    runtime: str | None = None,
    max_latency: float | None = None,
) -> Row:
    """Trains a candidate, or resumes its training, and measures it on the
    images that networks are chosen by.

    Args:
        candidate: What to train.
        folder: The folder of its training.
        images: Those of the run.
        callbacks: More Keras callbacks.
        progress: Makes what shows a training of so many epochs.
        runtime: In which the latency is measured; None for no latency.
        max_latency: Slower networks cannot be chosen; seconds.
    """
    row = Row(candidate.name, image_size=candidate.image_size)
    if candidate.reason is not None:
        return dataclasses.replace(row, reason=candidate.reason)
    epochs = candidate.recipe.epochs
    if not candidate.members:
        row = dataclasses.replace(row, epochs=epochs)
    keras.backend.clear_session()
    try:
        if candidate.members:
            root = folder.parent.parent
            members = [root / folder_of(name) for name in candidate.members]
            write_ensemble(folder, candidate.training, members, images)
        else:
            run_training(
                folder,
                candidate.training,
                initialiser(candidate),
                callbacks,
                progress and progress(epochs),
                data=images.of(candidate.training),
            )
    except RunError as error:
        return dataclasses.replace(row, reason=str(error))
    except NO_ROOM:
        return dataclasses.replace(row, reason=TOO_LARGE)
    data = images.of(load_settings(folder))
    measured = evaluate_run(folder, "validation", data=data)
    model = load_model(folder / "model.keras")
    latency = reason = None
    if runtime is not None:
        try:
            latency = measure_latency(model, runtime=runtime)
        except (RunError, ValueError) as error:
            reason = str(error)
    if max_latency is not None and latency and latency > max_latency:
        reason = SLOW
    return dataclasses.replace(
        row,
        accuracy=measured.accuracy,
        error=standard_error(measured.accuracy, len(measured.labels)),
        parameters=model.count_params(),
        latency=latency,
        image_size=model.input_shape[1],
        seconds=sum(epoch["seconds"] for epoch in read_history(folder)),
        reason=reason,
    )


def untrained_latency(
    candidate: Candidate, classes: int, runtime: str
) -> float:
    """The seconds of one image, which depend on no weights; 0 where they
    cannot be measured, which is told when the network is trained."""
    keras.backend.clear_session()
    model = build_model(candidate.training, classes, 1)
    try:
        return measure_latency(model, runtime=runtime)
    except (RunError, ValueError):
        return 0.0


def initialiser(candidate: Candidate) -> Callable[[keras.Model], None] | None:
    """What gives the network its first weights, if they are not random."""
    weights, preset = candidate.settings.get("weights"), candidate.preset
    if weights is None or preset is None:
        return None

    def initialise(model: keras.Model) -> None:
        try:
            with warnings.catch_warnings():
                # Here it is meant; what else is told of the weights is shown.
                warnings.filterwarnings("ignore", r".*\. The classifier starts")
                pretrained.load(model, weights, preset)
        except RuntimeError as error:  # They cannot be fetched.
            raise RunError(str(error)) from error

    return initialise
