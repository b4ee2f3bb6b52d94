"""Who was evaluated with shared weights, on disk: `ChildLog`."""

import json
import os
from pathlib import Path

from nasnet_keras.console.command_line import RunError
from nasnet_keras.genotype import Genotype
from nasnet_keras.strict_json import parse_json
from search.spaces.nasnet import NASNetSpace
from search.trial import Decisions


class ChildLog:
    """The children that were evaluated, in order, each once."""

    def __init__(self, space: NASNetSpace) -> None:
        self._space = space
        self._positions: dict[int, int] = {}  # by the number of the trial
        self._decisions: list[Decisions] = []
        self._path: Path | None = None

    def open(self, path: Path) -> None:
        """Takes up those in a file, a line each, and keeps it; once.

        Raises:
            RunError: The file is damaged.
        """
        if self._path is not None:
            return
        self._path = path
        if not path.exists():
            return
        *lines, torn = path.read_bytes().split(b"\n")
        try:
            for line in lines:
                entry = parse_json(line)
                self._note(
                    int(entry["trial"]),
                    self._space.from_names(entry["decisions"]),
                )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(
                f"{path} is damaged, so that the children with shared weights "
                "cannot be told apart. Put back the file as the run wrote it, "
                "or begin a new run."
            ) from error
        if torn:  # by a kill
            os.truncate(path, path.stat().st_size - len(torn))

    def add(self, number: int, genotype: Genotype) -> int:
        """The position of the child of a trial, one more than the last if it is
        new."""
        if number not in self._positions:
            decisions = self._space.encode(genotype)
            self._note(number, decisions)
            if self._path is not None:
                names = self._space.to_names(decisions)
                entry = {"trial": number, "decisions": names}
                with open(self._path, "a", encoding="utf-8") as file:
                    file.write(json.dumps(entry) + "\n")
                    file.flush()
                    os.fsync(file.fileno())
        return self._positions[number]

    def position(self, number: int) -> int | None:
        """That of the child of a trial; None if it is not among them."""
        return self._positions.get(number)

    def __len__(self) -> int:
        return len(self._decisions)

    def _note(self, number: int, decisions: Decisions) -> None:
        self._positions[number] = len(self._decisions)
        self._decisions.append(decisions)

    def __getitem__(self, position: int) -> Genotype:
        return self._space.decode(self._decisions[position])
