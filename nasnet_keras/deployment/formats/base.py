"""What every format of exports can do: `Format`."""

import abc
import importlib.util
import os
import re
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nasnet_keras.processor import usable_cores

# Takes images `[B, H, W, C]`, returns the outputs in the order of their names.
Runner = Callable[[np.ndarray], list[np.ndarray]]

NOTHING: Mapping[str, Any] = types.MappingProxyType({})
KEY = "nasnet_keras"  # under which files keep what they say of themselves


def runtime_threads() -> int:
    """How many threads a runtime gets: as many as TensorFlow has in this
    process, which a search sets for its workers, or one for each core."""
    import tensorflow as tf

    chosen = tf.config.threading.get_intra_op_parallelism_threads()
    return chosen or usable_cores()


class Format(abc.ABC):
    """Writes a frozen function to a file, and runs such a file.

    Attributes:
        suffix: Of the file; empty for a folder.
        modules: What has to be installed.
        int8_modules: What else for int8; None where there is no int8.
        script: Python that reads such a file, named FILE and beside it, by
            the format's runtime alone, in four lines beside imports: it
            defines `about`, the data of that method, and `run`, from a batch
            of one to its probabilities.
    """

    suffix: str
    modules: tuple[str, ...]
    int8_modules: tuple[str, ...] | None = None
    script: str

    @abc.abstractmethod
    def write(
        self,
        function: Any,
        path: Path,
        calibration: Sequence[np.ndarray] | None = None,
        about: Mapping[str, Any] = NOTHING,
    ) -> None:
        """Writes a file.

        Args:
            function: Of `frozen_function`.
            path: The file; others that belong to it come beside.
            calibration: For int8, batches as the function takes them, by which
                the ranges of activations are found; None for float32.

        Raises:
            ValueError: The format has no such operations.
        """

    @abc.abstractmethod
    def load(self, path: Path) -> Runner:
        """The file in the format's runtime, on `runtime_threads`."""

    @abc.abstractmethod
    def about(self, path: Path) -> dict[str, Any]:
        """The metadata in a file; empty if it has none."""

    def files(self, path: Path) -> list[Path]:
        """The files that `write` makes."""
        return [path]

    def check(self, int8: bool = False) -> None:
        """Raises:
        ValueError: The format cannot be written here.
        """
        if int8 and self.int8_modules is None:
            raise ValueError(
                f"The format {type(self).__name__} is not written in int8. "
                "Expected int8 with openvino or litert."
            )
        needed = (*self.modules, *(self.int8_modules or () if int8 else ()))
        missing = [
            name for name in needed if importlib.util.find_spec(name) is None
        ]
        if missing:
            raise ValueError(
                f"The format {type(self).__name__} needs "
                f"{' and '.join(missing)}, which is not installed. Install it "
                "by `pip install 'nasnet-keras[export]'`."
            )

    def check_path(self, path: Path) -> None:
        """Raises:
        ValueError: The path is not that of a new file of this format.
        """
        if path.suffix != self.suffix:
            kind = (
                f"a file *{self.suffix}"
                if self.suffix
                else "a folder without a dot in its name"
            )
            raise ValueError(
                f"Invalid value for argument `path`. Expected {kind}. "
                f"Received: path='{path}'."
            )
        taken = [file for file in self.files(path) if os.path.lexists(file)]
        if taken:
            raise ValueError(
                "Invalid value for argument `path`. Expected a new file, or a "
                f"new folder. Received: path='{path}', where {taken[0].name} "
                "exists already: delete it, or choose another path."
            )
        if not path.absolute().parent.is_dir():
            raise ValueError(
                "Invalid value for argument `path`. Expected a file in a "
                f"folder that exists. Received: path='{path}'."
            )
        if not os.access(path.absolute().parent, os.W_OK):
            raise ValueError(
                "Invalid value for argument `path`. Expected a file in a "
                f"folder that can be written. Received: path='{path}'."
            )


def unknown_operations(format: str, error: Exception) -> ValueError:
    """What a converter says in many lines of operations that it does not
    know, as one sentence.

    Args:
        format: The name of the format.
        error: The converter's.

    Example:

    >>> unknown_operations("LiteRT", RuntimeError("Failed.\\nFlex ops: Erf"))
    ValueError('Invalid value for the network to write as LiteRT. ...')
    """
    text = str(error)
    named = re.search(r"(?:for operations|Custom ops|Flex ops): (.+)", text)
    received = named[1] if named else text.partition("\n")[0]
    return ValueError(
        f"Invalid value for the network to write as {format}. Expected "
        "operations that its converter knows. Received: "
        f"{received.strip().rstrip('.')}."
    )
