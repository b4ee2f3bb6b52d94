"""The arguments of what is called from Python, checked in one place before
anything begins: `checked_arguments`.

Neither Keras nor TensorFlow is imported here.
"""

import functools
import inspect
import numbers
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, TypeVar

from nasnet_keras.console.command_line import InputError
from nasnet_keras.files import PATHS, is_path
from nasnet_keras.quotation import quoted
from nasnet_keras.strict_json import is_json
from nasnet_keras.training.data.datasets import is_source
from nasnet_keras.training.recipes import RECIPES, Recipe
from search.observers.base import Observer
from search.runs.config import RunConfig

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Check(NamedTuple):
    """What an argument may be.

    Attributes:
        expected: What a message says of it.
        fits: Whether a value is such.
    """

    expected: str
    fits: Callable[[Any], bool]


def whole(least: int) -> Check:
    return Check(
        f"a whole number of at least {least}",
        lambda value: type(value) is int and value >= least,
    )


_PATH = Check(PATHS, is_path)

# By the name of the argument; None is taken where it is the default.
CHECKS = {
    "path": _PATH,
    "output": _PATH,
    "table": _PATH,
    "config": Check(
        "a `search.RunConfig`, or its fields as arguments of their own",
        lambda value: isinstance(value, RunConfig),
    ),
    "recipe": Check(
        "a recipe, such as `nasnet_keras.training.recipes.RECIPES"
        f"[{next(iter(RECIPES))!r}]`",
        lambda value: isinstance(value, Recipe),
    ),
    "dataset": Check(
        "a name, a path, a pair of images and labels or a tf.data.Dataset of "
        "them, or two of these, to train and to test on",
        is_source,
    ),
    "on_trial": Check("a function of a trial", callable),
    "observers": Check(
        "a list of `search.Observer`",
        lambda value: (
            isinstance(value, Collection)
            and all(isinstance(each, Observer) for each in value)
        ),
    ),
    "verbose": Check(
        "True, False or None", lambda value: isinstance(value, bool)
    ),
    "trial": Check(
        "the number of a trial",
        lambda value: (
            isinstance(value, numbers.Integral) and not isinstance(value, bool)
        ),
    ),
    "top": whole(1),
    "repeats": whole(1),
    "filters": whole(1),
    "image_size": whole(8),
    "seed": whole(0),
    "seeds": whole(1),
    "trials": whole(1),
    "lag": whole(0),
    "space_options": Check(
        "a dict of what JSON has: texts, numbers, lists and dicts",
        lambda value: isinstance(value, dict) and is_json(value),
    ),
    "cells": whole(2),
    "epochs": whole(1),
}


def check_argument(
    name: str, value: Any, checks: Mapping[str, Check] = CHECKS
) -> None:
    """Raises:
    InputError: The argument of that name is none of what it may be.
    """
    check = checks[name]
    if not check.fits(value):
        raise InputError(
            f"Invalid value for argument `{name}`. Expected {check.expected}. "
            f"Received: {name}={quoted(value)}."
        )


def checked_arguments(function: _Function) -> _Function:
    """A function whose arguments are checked by `CHECKS` before it begins."""
    signature = inspect.signature(function)
    checked = {
        name: parameter
        for name, parameter in signature.parameters.items()
        if name in CHECKS
    }

    @functools.wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        given = signature.bind(*arguments, **keywords).arguments
        for name, parameter in checked.items():
            value = given.get(name, parameter.default)
            if value is not None or parameter.default is not None:
                check_argument(name, value)
        return function(*arguments, **keywords)

    return call  # type: ignore[return-value]
