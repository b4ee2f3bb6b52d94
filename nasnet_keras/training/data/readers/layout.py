"""What a folder of images holds, and which of it is meant: `find_layout`."""

import dataclasses
import itertools
import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from nasnet_keras.console.command_line import InputError
from nasnet_keras.files import resolved
from nasnet_keras.quotation import printable, system_reason
from nasnet_keras.training.data.readers.part_names import certain, words_of
from nasnet_keras.training.data.readers.pictures import suffixes
from nasnet_keras.training.data.readers.source import PURPOSES, listed

# What systems and programs leave in folders, in small letters.
SYSTEM = (
    *("__macosx", "@eadir", "#recycle", "@recycle", "#snapshot", "@tmp"),
    *("$recycle.bin", "recycler", "system volume information", "lost+found"),
    *("found.000", "thumbs", "thumbs.db", "ehthumbs.db", "desktop.ini"),
    *("icon\r", "network trash folder", "temporary items", "__pycache__"),
)
LOOSE = "outside of a class"
DEEPEST = 50  # folders one in another

Classes = dict[str, list[Path]]


@dataclasses.dataclass(frozen=True, eq=False)
class Folder:
    """A folder, which may be a class, hold classes, or hold parts.

    Attributes:
        path: Where it is.
        loose: The images that lie in it.
        folders: Its sub-folders by name.
        skipped: How many other files lie in it, by the reason.
    """

    path: Path
    loose: list[Path]
    folders: dict[str, "Folder"]
    skipped: Counter[str]

    @cached_property
    def count(self) -> int:
        """How many images are in it and below."""
        below = (each.count for each in self.folders.values())
        return len(self.loose) + sum(below)

    @cached_property
    def images(self) -> list[Path]:
        """Those in it and below."""
        below = (each.images for each in self.folders.values())
        return sorted([*self.loose, *itertools.chain.from_iterable(below)])

    @cached_property
    def full(self) -> dict[str, "Folder"]:
        """The sub-folders with images."""
        return {name: each for name, each in self.folders.items() if each.count}

    @cached_property
    def classes(self) -> Classes:
        """The images of each sub-folder."""
        return {name: each.images for name, each in self.folders.items()}

    @property
    def skipped_in_all(self) -> Counter[str]:
        below = (each.skipped_in_all for each in self.folders.values())
        return sum(below, self.skipped)


class Layout(NamedTuple):
    """What a folder holds.

    Attributes:
        root: The folder, or the only one in it, which holds the classes.
        parts: The classes of each part; `"train"` is among them.
        names: Under which name each part was found.
        left_alone: Sub-folders that are not read, each with the reason.
        skipped: How many files are not read, by the reason.
        doubts: Sentences on folders that may be meant in another way.
    """

    root: Path
    parts: dict[str, Classes]
    names: dict[str, str]
    left_alone: list[str]
    skipped: Counter[str]
    doubts: list[str]


def find_layout(path: Path) -> Layout:
    """Finds the classes, and the parts if there are some.

    Raises:
        ValueError: There is no class, one has no image, or it cannot be told
            whether sub-folders are classes or parts.
    """
    tree = _scan(path)
    root = _unwrapped(tree)
    names = _names_of_parts(root)
    within = {} if names else _names_within_classes(root)
    left_alone: dict[str, str] = {}
    top = root  # of the classes to train on
    if names:
        top = _unwrapped(root.folders[names["train"]])
        parts, left_alone = _parts(root, names, top.classes)
        names = {part: names[part] for part in parts}
    elif within:
        names = {part: found[0] for part, found in within.items()}
        parts = {
            part: {
                label: [
                    image
                    for name in found
                    if name in each.folders
                    for image in each.folders[name].images
                ]
                for label, each in root.folders.items()
            }
            for part, found in within.items()
        }
    else:
        parts = {"train": root.classes}
    skipped = _skipped(
        tree,
        [root.folders[name] for name in left_alone],
        sum(len(images_of(part)) for part in parts.values()),
    )
    _check_classes(top.path, parts["train"], skipped)
    for part in parts.keys() - {"train"}:
        _check_same(root.path, parts["train"], parts[part], names[part])
    return Layout(
        root.path,
        parts,
        names,
        [f"{name} ({reason})" for name, reason in left_alone.items()],
        skipped,
        [] if names else _doubts(root),
    )


def holds_images(path: Path) -> bool:
    """Whether a folder has a sub-folder with images, in it or below."""
    return bool(_scan(path).full)


def check_outside(
    written: str | os.PathLike[str], images: str, argument: str = "output"
) -> None:
    """Checks that what is written is not read as images.

    Args:
        written: The folder to write.
        images: A source of images; if it is an absolute path, a folder.
        argument: Which argument gives `written`, for the message.

    Raises:
        InputError: The folder to write is that of the images, or is in it
            and does not lie beside parts, where nothing is read.

    Example:

    >>> check_outside("runs/best", "cifar10")
    """
    folder = Path(images)
    if not (folder.is_absolute() and folder.is_dir()):
        return
    root, inner = resolved(folder), resolved(Path(written))
    if not inner.is_relative_to(root):
        return
    name = (*inner.relative_to(root).parts, "")[0]
    words = certain(words_of(each.name for each in root.iterdir()))
    parts = {word.part for word in words.values()}
    if name and "train" in parts and len(parts) > 1 and not words_of([name]):
        return
    raise InputError(
        f"Invalid value for argument `{argument}`. Expected a folder that is "
        "not in the folder of the images, where it would be read as a class. "
        f"Received: {written}, in {folder}."
    )


def shown(name: str | Path) -> str:
    """A name that can be printed, and that is one however accents are
    written; what is not UTF-8 is escaped."""
    return printable(unicodedata.normalize("NFC", str(name)))


def images_of(classes: Mapping[str, list[Path]]) -> list[Path]:
    return [file for members in classes.values() for file in members]


def counted(skipped: Counter[str]) -> str:
    return listed(
        f"{count:,} {reason}"
        for reason, count in sorted(skipped.items())
        if count
    )


# What is where


def _scan(path: Path, above: tuple[Path, ...] = ()) -> Folder:
    """A folder and all below; links may lead to a folder, but not in a
    circle."""
    if len(above) > DEEPEST:
        raise ValueError(
            f"Invalid folder {str(above[0])!r}. Expected at most {DEEPEST} "
            "folders one in another. Received: more."
        )
    above = (*above, resolved(path))
    folder = Folder(path, [], {}, Counter())
    for entry in _visible(path, folder.skipped):
        if entry.is_dir():
            if resolved(entry) not in above:
                folder.folders[_name(entry)] = _scan(entry, above)
        elif entry.suffix.lower() in suffixes():
            folder.loose.append(entry)
        else:
            folder.skipped[_kind(entry)] += 1
    return folder


def _visible(path: Path, skipped: Counter[str]) -> list[Path]:
    try:
        entries = sorted(path.iterdir())
    except OSError as error:
        raise ValueError(
            f"Invalid folder {str(path)!r}. Expected one that can be read. "
            f"Received: {system_reason(error)}."
        ) from None
    visible = []
    for entry in entries:
        if entry.name.lower() in SYSTEM:
            skipped["of the system"] += 1
        elif entry.name.startswith("."):
            skipped["hidden"] += 1
        else:
            visible.append(entry)
    if len({_name(entry) for entry in visible}) < len(visible):
        _check_names(path, visible)
    return visible


def _name(path: Path) -> str:
    name = shown(path.name)
    return name.strip() or name


def _check_names(path: Path, entries: list[Path]) -> None:
    names = [_name(entry) for entry in entries if entry.is_dir()]
    (name, count), *_ = Counter(names).most_common(1) or [("", 0)]
    if count > 1:
        raise ValueError(
            f"Invalid folder {str(path)!r}. Expected sub-folders of different "
            f"names. Received: {name!r} {count} times, its accents or spaces "
            "written in different ways; put them together."
        )


def _kind(path: Path) -> str:
    suffix = shown(path.suffix.lower())
    return f"{suffix} files" if suffix else "files without an ending"


def _skipped(
    tree: Folder, left_alone: Iterable[Folder], read: int
) -> Counter[str]:
    skipped, loose = tree.skipped_in_all, tree.count - read
    for folder in left_alone:
        skipped = skipped - folder.skipped_in_all
        loose -= folder.count
    return skipped + Counter({LOOSE: loose})


# Which of it is meant


def _unwrapped(folder: Folder, classes: Iterable[str] = ()) -> Folder:
    """The folder, or the only one in it: archives are often unpacked into a
    folder of their name. One that is named like a class is none such."""
    while len(folder.folders) == 1:
        ((name, only),) = folder.folders.items()
        if name in classes or only.loose or not only.full:
            break
        folder = only
    return folder


def _names_of_parts(root: Folder) -> dict[str, str]:
    """Which sub-folder is which part; nothing where they are classes.

    Raises:
        ValueError: They are named like parts and hold no classes, or may as
            well be classes.
    """
    words = words_of(root.folders)
    sure = certain(words)
    repeating = _repeating(root) & words.keys()

    def doubt(name: str) -> tuple[bool, bool, bool]:
        return (
            name not in root.full,
            name not in sure,
            bool(words[name].rest),
        )

    named: dict[str, list[str]] = {}
    for part in PURPOSES:
        found = [name for name, word in words.items() if word.part == part]
        least = min(map(doubt, found), default=None)
        if found:
            named[part] = [name for name in found if doubt(name) == least]
    name = named.get("train", [""])[0]
    train = root.folders.get(name)
    if train is None or not _unwrapped(train).full:
        # One folder of such a name may well be a class.
        if repeating or len({word.part for word in sure.values()}) > 1:
            found = [each for part in named.values() for each in part]
            likely = [each for each in found if each in sure.keys() | repeating]
            raise ValueError(
                f"Invalid folder {str(root.path)!r}. Expected a sub-folder "
                "'train' with a sub-folder of images for each class. Received: "
                f"none, but {_quoted(likely)} "
                "among the sub-folders, named like the parts of a data set."
            )
        return {}
    chosen = [found[0] for found in named.values()]
    others = [each for each in root.full if each not in chosen]
    alone = len(named) == 1 and bool(others) and not repeating
    if alone and (name not in sure or train.loose):
        return {}
    for part, found in named.items():
        if len(found) > 1 and found[0] in root.full:
            raise ValueError(
                f"Invalid folder {str(root.path)!r}. Expected one sub-folder "
                f"{PURPOSES[part]}. Received: {_quoted(found)}; rename the "
                "others."
            )
    # What names hint at, sub-folders may confirm.
    confirmed = bool(repeating) or sure.keys() >= set(chosen)
    if others and not (confirmed and len(named) > 1):
        raise ValueError(
            f"Invalid folder {str(root.path)!r}. Expected either classes or "
            f"parts. Received: {name!r} with sub-folders of images, as a "
            f"part has them, beside {_quoted(others)}; if these are parts, "
            "name them 'val' or 'test', else move them; or rename "
            f"{name!r} if it is a class."
        )
    return {part: found[0] for part, found in named.items()}


def _repeating(root: Folder) -> set[str]:
    """The sub-folders that have a sub-folder of the name of one beside them,
    or of one in these, as parts have."""
    inner = {
        name: _unwrapped(each).full.keys() for name, each in root.full.items()
    }
    found = Counter(itertools.chain(root.full, *inner.values()))
    # A folder may hold one of its own name.
    return {
        name
        for name, below in inner.items()
        if any(found[each] > 1 and each != name for each in below)
    }


def _names_within_classes(root: Folder) -> dict[str, list[str]]:
    """The names of each part within classes, as in `cat/train`, `cat/test`;
    nothing where the sub-folders of classes are no parts.

    Raises:
        ValueError: Some images of the classes are in parts, and some are not.
    """
    found = {
        (label, name): word.part
        for label, each in root.full.items()
        for name, word in certain(words_of(each.full)).items()
    }
    parts = set(found.values())
    if parts <= {"train"}:
        return {}
    names = {
        part: list(dict.fromkeys(n for (_, n), p in found.items() if p == part))
        for part in PURPOSES
        if part in parts
    }
    classes = dict.fromkeys(label for label, _ in found)
    folders = [root.folders[label].folders[name] for label, name in found]
    if any(each.full and not each.loose for each in folders):
        raise ValueError(
            f"Invalid folder {str(root.path)!r}. Expected one data set. "
            "Received: folders with parts of their own and classes in these, "
            f"{_quoted(classes)}; give the path of one."
        )
    elsewhere = list(_elsewhere(root, found))
    if elsewhere or "train" not in parts:
        lacking = (
            f"and other images in {_quoted(elsewhere)}; put them into a part, "
            "or rename what is no part"
            if elsewhere
            else "and none to train on; add them"
        )
        raise ValueError(
            f"Invalid folder {str(root.path)!r}. Expected the classes in each "
            "part, such as 'train/cat', or all parts in each class, such as "
            "'cat/train'. Received: "
            f"{_quoted(itertools.chain.from_iterable(names.values()))} within "
            f"{_quoted(classes)}, {lacking}."
        )
    return names


def _elsewhere(root: Folder, parts: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Where there are images outside of the parts within classes."""
    for label, each in root.full.items():
        if each.loose:
            yield label
        for name in each.full:
            if (label, name) not in parts:
                yield f"{label}/{name}"


def _parts(
    root: Folder, names: Mapping[str, str], train: Classes
) -> tuple[dict[str, Classes], dict[str, str]]:
    """The classes of each part, and the sub-folders that are left alone, each
    with the reason."""
    parts = {"train": train}
    left_alone = {}
    of_name = {name: part for part, name in names.items()}
    for name, folder in root.folders.items():
        part = of_name.get(name)
        if part == "train":
            continue
        classes = _unwrapped(folder, train).classes
        reason = _useless(folder, classes, train) if part else "no part"
        if part and not reason:
            parts[part] = classes
        else:
            left_alone[name] = reason
    return parts, left_alone


def _useless(folder: Folder, classes: Classes, train: Classes) -> str:
    """Why a part cannot be measured on; empty if it can."""
    full = {name for name, members in classes.items() if members}
    if not folder.count:
        return "no images"
    if not full:
        return f"{folder.count} images without classes"
    if not full & train.keys():
        return f"other classes: {listed(sorted(full))}"
    return ""


def _doubts(root: Folder) -> list[str]:
    several = [
        f"{name} ({listed(each.full)})"
        for name, each in root.full.items()
        if len(each.full) > 1 and not each.loose
    ]
    if not several:
        return []
    return [
        "Sub-folders of a class are read as the class, not as classes: "
        f"{listed(several)}."
    ]


def _quoted(names: Iterable[str]) -> str:
    return listed(map(repr, names))


def _check_classes(path: Path, classes: Classes, skipped: Counter[str]) -> None:
    if not classes:
        raise ValueError(
            f"Invalid folder {str(path)!r}. Expected a sub-folder of images "
            f"for each class. Received: no sub-folder{_besides(skipped)}."
        )
    if empty := [name for name, members in classes.items() if not members]:
        raise ValueError(
            f"Invalid folder {str(path)!r}. Expected images in the sub-folder "
            "of each class; move away what is no class. Received: none in "
            f"{_quoted(empty)}{_besides(skipped)}."
        )


def _besides(skipped: Counter[str]) -> str:
    return f", but {counted(skipped)} were skipped" if skipped else ""


def _check_same(path: Path, train: Classes, other: Classes, name: str) -> None:
    """Classes of the training images may lack in the other part; images of
    other classes could not be right."""
    for extra in other.keys() - train.keys():
        if not other[extra]:
            del other[extra]
    if other.keys() - train.keys():
        raise ValueError(
            f"Invalid folder {str(path)!r}. Expected the classes of the "
            f"training images in {name!r} too. Received: "
            f"{listed(train)}; and {listed(other)}."
        )
