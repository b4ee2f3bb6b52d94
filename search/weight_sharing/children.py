"""Who was evaluated with shared weights, on disk: `Children`."""

import json
import os
from pathlib import Path

from nasnet_keras.command_line import RunError
from nasnet_keras.genotype import Genotype
from search.spaces.nasnet import NASNetSpace
from search.trial import Decisions


class Children:
    """The children that were evaluated, in order, each once."""

    def __init__(self, space: NASNetSpace) -> None:
        self._space = space
        self._numbers: dict[str, int] = {}  # by the name of the weights' file
        self._decisions: list[Decisions] = []
        self._path: Path | None = None

    def open(self, path: Path) -> None:
        """Takes up those in a file, a line each, and keeps it.

        Raises:
            RunError: The file is damaged.
        """
        self._path = path
        if not path.exists():
            return
        *lines, torn = path.read_bytes().split(b"\n")
        try:
            for line in lines:
                entry = json.loads(line)
                self._note(
                    str(entry["child"]),
                    self._space.from_names(entry["decisions"]),
                )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(f"{path} is damaged: {error}") from error
        if torn:  # by a kill
            os.truncate(path, path.stat().st_size - len(torn))

    def add(self, genotype: Genotype, weights: Path | None) -> int:
        """The number of a child, one more than the last if it is new."""
        name = str(len(self._decisions)) if weights is None else weights.name
        if name not in self._numbers:
            decisions = self._space.encode(genotype)
            self._note(name, decisions)
            if self._path is not None:
                names = self._space.to_names(decisions)
                with open(self._path, "a", encoding="utf-8") as file:
                    file.write(
                        json.dumps({"child": name, "decisions": names}) + "\n"
                    )
                    file.flush()
                    os.fsync(file.fileno())
        return self._numbers[name]

    def _note(self, name: str, decisions: Decisions) -> None:
        self._numbers[name] = len(self._decisions)
        self._decisions.append(decisions)

    def __getitem__(self, number: int) -> Genotype:
        return self._space.decode(self._decisions[number])
