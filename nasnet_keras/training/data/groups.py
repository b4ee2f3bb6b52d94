"""Images that belong together, by the names of their files: `groups_of`,
`grouped`."""

import re
from typing import NamedTuple

import numpy as np

# What photographs are taken of several times, before a number in the name of a
# file or of a folder below that of the class: patient12_3.jpg, sub-01/7.png.
WORDS = (
    *("patient", "subject", "sub", "person", "participant", "case", "animal"),
    *("plant", "video", "clip", "scene", "sequence", "slide", "specimen"),
)
# A class has so many groups at the least for one to be held out whole.
LEAST_GROUPS = 3
_GROUP = re.compile(rf"(?<![a-z])({'|'.join(WORDS)})[-_ ]?([0-9]+)", re.I)


class Groups(NamedTuple):
    """Which images belong together.

    Attributes:
        word: What they are of, of `WORDS`.
        numbers: `[N]`, that of each image, from 0.
    """

    word: str
    numbers: np.ndarray

    @property
    def total(self) -> int:
        return int(self.numbers.max()) + 1


def groups_of(files: np.ndarray | None, labels: np.ndarray) -> Groups | None:
    """The groups that the names of files tell of: if all have the same one of
    `WORDS` before a number, some have the same number, and the groups are not
    the classes themselves, as in folders `person1`, `person2`.

    Args:
        files: `[N]`, their names; None where the images are no files.
        labels: `[N]`, integers.

    Example:

    >>> names = ["a/patient1_1.jpg", "a/patient1_2.jpg", "b/patient2_1.jpg"]
    >>> groups_of(np.array(names), np.array([0, 1, 1])).numbers
    array([0, 0, 1])
    """
    if files is None or not len(files):
        return None
    found = [_GROUP.search(name) for name in _below_classes(files, labels)]
    keys = [(each[1].lower(), int(each[2])) for each in found if each]
    word = keys[0][0] if keys else ""
    if len(keys) < len(files) or any(each != word for each, _ in keys):
        return None
    numbers = np.unique([number for _, number in keys], return_inverse=True)[1]
    groups = Groups(word, numbers)
    pairs = set(zip(numbers.tolist(), np.asarray(labels).tolist(), strict=True))
    if len(pairs) == groups.total == len(np.unique(labels)):
        return None
    return groups if 1 < groups.total < len(files) else None


def _below_classes(files: np.ndarray, labels: np.ndarray) -> list[str]:
    """The names of files below the folder of their class, which is the first
    that each class has for itself; all of a name where there is none."""
    paths = [str(file).split("/") for file in files]
    classes = len(np.unique(labels))
    for depth in range(min(map(len, paths)) - 1):
        folders = [path[depth] for path in paths]
        pairs = set(zip(folders, np.asarray(labels).tolist(), strict=True))
        if len(pairs) == len(set(folders)) == classes:
            return ["/".join(path[depth + 1 :]) for path in paths]
    return list(map("/".join, paths))


def grouped(
    labels: np.ndarray, numbers: np.ndarray, count: int, seed: int
) -> np.ndarray:
    """The indices of whole groups, ascending: of each class no more than its
    share of `count` images, rounded up, or else one group that is no more than
    a third of it; none of a class without such a group.

    Args:
        labels: `[N]`, integers from 0.
        numbers: `[N]`, the group of each, from 0.
        count: About how many images to take.
        seed: Chooses the groups.

    Example:

    >>> labels, numbers = np.zeros(6, int), np.array([0, 0, 1, 1, 2, 2])
    >>> len(grouped(labels, numbers, 3, seed=0))
    2
    """
    members = np.zeros((numbers.max() + 1, labels.max() + 1), int)
    np.add.at(members, (numbers, labels), 1)
    total = members.sum(axis=0)
    room = np.minimum(np.ceil(total * count / len(labels)), total - 1)
    taken: list[int] = []
    for group in np.random.default_rng(seed).permutation(len(members)):
        images = members[group]
        if (images <= room).all() and images.sum() <= count:
            taken.append(group)
            room, count = room - images, count - images.sum()
    left = np.maximum(room, total // LEAST_GROUPS - members[taken].sum(axis=0))
    for label in np.flatnonzero(members[taken].sum(axis=0) == 0):
        smallest_first = np.argsort(members.sum(axis=1), kind="stable")
        for group in smallest_first:
            if members[group, label] and (members[group] <= left).all():
                taken.append(group)
                left = left - members[group]
                break
    return np.flatnonzero(np.isin(numbers, taken))
