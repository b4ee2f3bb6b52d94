"""The arrays of a file into the layers of a model, or an account of why not."""

import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import keras
import numpy as np

from zoo.conversion.places import Place, places

# TF-slim counts a background class before the 1000 of ImageNet.
_CLASSES, _WITH_BACKGROUND = 1000, 1001
_LISTED = 6  # names of one reason

AROUND = "since it is of layers around the network"


@dataclass
class Arrays:
    """What a file holds.

    Attributes:
        path: Where the file is.
        by_name: The arrays, in our layouts.
        heads: What the names of classifiers begin with.
        notices: What one should know of them.
    """

    path: str | os.PathLike
    by_name: dict[str, np.ndarray]
    heads: tuple[str, ...]
    notices: list[str] = field(default_factory=list)

    def set_aside(
        self, names: Iterable[str], reason: str, others: Iterable[str] = ()
    ) -> None:
        """Drops arrays that no model has a place for, with a notice, which
        names others too that are not among the arrays."""
        names = list(names)
        for name in names:
            del self.by_name[name]
        if names := [*names, *others]:
            self.notices.append(f"Not used, {reason}: {_first(names)}.")


def assign(
    model: keras.Model,
    arrays: Arrays,
    name: Callable[[Place], tuple[str, ...]],
    suffixes: Mapping[str, tuple[str, ...]],
) -> None:
    """Sets all weights of a model, or none.

    Classifiers that the file has not, or has for other classes, stay as they
    are. The first kernel is made one for the channels of the model. One
    warning says so, and lists what of the file was not used.

    Args:
        model: The model.
        arrays: The arrays of the file; those that are assigned are taken out.
        name: What the file calls the kernels and the batch norm of a place;
            nothing if it has no such place.
        suffixes: The ends of the names, for each of `Place.kinds`.

    Raises:
        ValueError: Arrays are missing in the file, left over or have other
            shapes; they are listed.
    """
    pairs, problems, notices = [], [], arrays.notices
    anew: dict[str, list[str]] = {}
    for number, place in enumerate(places(model)):
        layer, parts = place.layer, name(place)
        expected = [tuple(weight.shape) for weight in layer.weights]
        values = _take(arrays, place, parts, suffixes)
        if place.head and _has_background(values, expected):
            values = [value[..., 1:] for value in values]
            notices.append(
                f"{' + '.join(parts)} has {_WITH_BACKGROUND} classes: the "
                "first, TF-slim's background, was left out."
            )
        if not number and _of_other_channels(values, expected):
            (kernel, *rest), channels = values, expected[0][2]
            values = [to_channels(kernel, channels), *rest]
            notices.append(
                f"{parts[0]} is of {kernel.shape[2]} channels, images have "
                f"{channels}: channels that both have keep their kernels, "
                "others have the mean, scaled to the same sum."
            )
        shapes = [value.shape for value in values]
        named = " + ".join(parts) or layer.path
        if shapes == expected:
            pairs.append((layer, values))
        elif place.head:
            anew.setdefault(place.head, []).append(
                f"{named} is {shapes} in the file, {expected} in the network"
                if shapes
                else f"{named} is not in the file"
            )
        else:
            problems.append(
                f"{named}: {shapes or 'not there'} in the file, {expected} in "
                f"{layer.path}"
            )
    arrays.set_aside(
        [name for name in arrays.by_name if name.startswith(arrays.heads)],
        "since the model has no such classifier",
    )
    if problems or arrays.by_name:
        raise ValueError(
            f"The weights of {os.fspath(arrays.path)} are not those of "
            f"{model.name}" + _account(len(pairs), problems, arrays)
        )
    for head, differences in anew.items():
        notices.append(f"The {head} starts anew: {_first(differences, '; ')}.")
    for layer, values in pairs:
        layer.set_weights(values)
    if notices:
        warnings.warn(
            f"{model.name} has the weights of {os.fspath(arrays.path)}. "
            + "\n".join(notices),
            stacklevel=3,
        )


def to_channels(kernel: np.ndarray, channels: int) -> np.ndarray:
    """A kernel for images of another number of channels.

    With more channels the first keep theirs, and the others have the mean;
    with fewer all have the mean. Images that are alike in all channels give
    what they gave before: of three channels, one gets the sum.

    Args:
        kernel: `[height, width, channels, filters]`.
        channels: Those of the images.

    Example:

    >>> kernel = np.array([1.0, 2.0, 6.0]).reshape(1, 1, 3, 1)
    >>> to_channels(kernel, 1).ravel(), to_channels(kernel, 4).ravel()
    (array([9.]), array([0.75, 1.5 , 4.5 , 2.25]))
    """
    before = kernel.shape[2]
    kept = kernel if channels > before else kernel[:, :, :0]
    mean = kernel.mean(axis=2, keepdims=True)
    means = np.repeat(mean, channels - kept.shape[2], axis=2)
    return np.concatenate([kept, means], axis=2) * (before / channels)


def _of_other_channels(
    values: list[np.ndarray], expected: list[tuple[int, ...]]
) -> bool:
    """Whether a kernel would fit if it were not for the channels."""
    if not values or len(values) != len(expected) or len(expected[0]) != 4:
        return False
    height, width, channels, filters = expected[0]
    found = values[0].shape
    alike = (*found[:2], *found[3:]) == (height, width, filters)
    return alike and found[2] != channels


def _first(names: list[str], separator: str = ", ") -> str:
    """The first of them, and how many more."""
    more = len(names) - _LISTED
    listed = separator.join(names[:_LISTED])
    return f"{listed} and {more} more" if more > 0 else listed


def _account(fits: int, problems: list[str], arrays: Arrays) -> str:
    """Why not: all that differs, unless most does."""
    places = fits + len(problems)
    end = ":\n"
    if len(problems) > max(fits, _LISTED):
        end = (
            f". Of {places} places {fits} fit: this is a file of another "
            "network, or of one with other arguments:\n"
        )
        problems = [_first(problems, "\n")]
    if arrays.by_name:
        left = _first(list(arrays.by_name))
        problems = [*problems, f"{left}: only in the file"]
    return end + "\n".join(problems)


def _take(
    arrays: Arrays,
    place: Place,
    parts: tuple[str, ...],
    suffixes: Mapping[str, tuple[str, ...]],
) -> list[np.ndarray]:
    """The arrays of a place that there are, out of those of the file."""
    names = [
        part + suffix
        for part, kind in zip(parts, place.kinds, strict=False)
        for suffix in suffixes[kind]
    ]
    return [
        arrays.by_name.pop(name) for name in names if name in arrays.by_name
    ]


def _has_background(
    values: list[np.ndarray], expected: list[tuple[int, ...]]
) -> bool:
    """Whether these are of ImageNet's classes and one, for a model without."""
    return (
        bool(values)
        and expected[-1] == (_CLASSES,)
        and values[-1].shape == (_WITH_BACKGROUND,)
    )
