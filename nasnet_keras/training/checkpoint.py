"""A training on disk, to be resumed: `save_training`, `restore_training`.

The file is one of Keras' own, with all weights and the optimizer's state, and
a network of the same form loads it with `load_weights`. Keras leaves out the
state of random layers, without which a resumed training would drop other
paths: this state is added.
"""

import math
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from nasnet_keras.files import check_room, sync

RANDOM_STATES, STEPS, EPOCHS = "random_states", "steps", "epochs"
STEPS_IN_ALL = "steps_in_all"
FILE_OVERHEAD = 2048  # bytes of an array, at most, beside its values


def save_training(
    model: keras.Model, path: Path, epochs: int = 0, steps_in_all: int = 0
) -> None:
    """Writes the state of a training; after a kill or a power cut the file is
    the old one or the new one, in whole.

    Args:
        model: A compiled network whose optimizer is built, as
            `compile_network` leaves it.
        path: The file, which ends in `.weights.h5`.
        epochs: After how many epochs, for `epochs_taken`. The steps do not
            say: one whose gradients overflow in half precision is none.
        steps_in_all: To how many steps the learning rate is drawn, for
            `restore_training`. Default 0.

    Raises:
        OSError: It cannot be written.
    """
    draft = path.with_name(f".{path.name}")
    save_weights(model, draft)
    with h5py.File(draft, "r+") as file:
        file[RANDOM_STATES] = np.array(
            [np.asarray(state.value) for state in _random_states(model)],
            np.uint32,
        )
        file[RANDOM_STATES].attrs[STEPS] = _steps_of(model)
        file[RANDOM_STATES].attrs[EPOCHS] = epochs
        file[RANDOM_STATES].attrs[STEPS_IN_ALL] = steps_in_all
    sync(draft)
    draft.replace(path)


def save_weights(model: keras.Model, path: Path) -> None:
    """Writes the weights of a model, and of its optimizer if it has one.

    Raises:
        OSError: It cannot be written.
    """
    optimizer = getattr(model, "optimizer", None)
    variables = [*model.variables, *(optimizer.variables if optimizer else [])]
    values = sum(math.prod(each.shape) for each in variables)
    check_room(path.parent, 4 * values + FILE_OVERHEAD * len(variables) + 2**16)
    model.save_weights(path)


def _steps_of(model: keras.Model) -> int:
    """How many steps a model has been trained for."""
    # The variable of several replicas is no number, but an array of one.
    return int(np.asarray(model.optimizer.iterations.value))


def steps_taken(path: Path) -> int:
    """After how many steps `save_training` wrote the file."""
    with h5py.File(path) as file:
        return int(file[RANDOM_STATES].attrs[STEPS])


def epochs_taken(path: Path) -> int:
    """After how many epochs `save_training` wrote the file, as it was told."""
    with h5py.File(path) as file:
        return int(file[RANDOM_STATES].attrs[EPOCHS])


def restore_training(
    model: keras.Model, path: Path, steps_in_all: int | None = None
) -> None:
    """Takes a training up where `save_training` left it; the steps that were
    taken are `model.optimizer.iterations`.

    Args:
        model: A network as it was before the training: of the same form,
            compiled by the same recipe.
        path: The file.
        steps_in_all: What `save_training` was given; None, the default, for
            whatever that was.

    Raises:
        ValueError: The file is of another network, or of a training of other
            length.
        KeyError: The file was not written by `save_training`.
        OSError: The file cannot be read.
    """
    with h5py.File(path) as file:
        stored = np.asarray(file[RANDOM_STATES])
        length = int(file[RANDOM_STATES].attrs[STEPS_IN_ALL])
    if steps_in_all not in (None, length):
        raise ValueError(
            f"Expected a training of {steps_in_all} steps in {path}. "
            f"Received: one of {length}."
        )
    model.load_weights(path)
    states = _random_states(model)
    for state, value in zip(states, stored, strict=True):
        state.assign(value)


def _random_states(model: keras.Model) -> list[Any]:
    """The variables of the model's generators, in order."""
    return [
        variable
        for variable in model.variables
        if variable.name == "seed_generator_state"
    ]
