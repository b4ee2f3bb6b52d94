"""What a folder of images holds, and which of it is meant: `find_layout`."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from nasnet_keras.files import resolved
from nasnet_keras.quotation import printable
from nasnet_keras.training.data.readers.pictures import suffixes
from nasnet_keras.training.data.readers.source import PURPOSES, listed

PARTS = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
# What systems and programs leave in folders, in small letters.
SYSTEM = (
    *("__macosx", "@eadir", "$recycle.bin", "system volume information"),
    *("lost+found", "__pycache__", "thumbs.db", "desktop.ini"),
)
LOOSE = "outside of a class"
DEEPEST = 50  # folders one in another

Classes = dict[str, list[Path]]


class Branch(NamedTuple):
    """A sub-folder, which may be a class or hold classes.

    Attributes:
        path: Where it is.
        loose: The images that lie in it.
        classes: Those in each of its sub-folders, and below.
        skipped: How many other files there are, by the reason.
    """

    path: Path
    loose: list[Path]
    classes: Classes
    skipped: Counter[str]

    @property
    def images(self) -> list[Path]:
        return sorted([*self.loose, *images_of(self.classes)])

    @property
    def divided(self) -> bool:
        """Whether some of its sub-folders hold images."""
        return any(self.classes.values())


class Layout(NamedTuple):
    """What a folder holds.

    Attributes:
        root: The folder, or the only one in it, which holds the classes.
        parts: The classes of each part; `"train"` is among them.
        names: Under which name each part was found.
        left_alone: Sub-folders that are not read, each with the reason.
        skipped: How many files are not read, by the reason.
    """

    root: Path
    parts: dict[str, Classes]
    names: dict[str, str]
    left_alone: list[str]
    skipped: Counter[str]


def find_layout(path: Path) -> Layout:
    """Finds the classes, and the parts if there are some.

    Raises:
        ValueError: There is no class, one has no image, or it cannot be told
            whether sub-folders are classes or parts.
    """
    skipped: Counter[str] = Counter()
    branches = _branches(path, skipped)
    # An archive is often unpacked into a folder of its own name.
    while len(branches) == 1:
        (only,) = branches.values()
        if only.loose or not only.divided:
            break
        path, skipped = only.path, Counter()
        branches = _branches(path, skipped)
    named = _named_parts(path, branches)
    if not _is_divided(path, branches, named):
        classes = {name: each.images for name, each in branches.items()}
        for branch in branches.values():
            skipped += branch.skipped
        _check_classes(path, classes, skipped)
        return Layout(path, {"train": classes}, {}, [], skipped)
    parts, names, left_alone = {}, {}, []
    for name, branch in branches.items():
        part = next((p for p, each in named.items() if each is branch), None)
        reason = _useless(branch, named["train"])
        if part is None:
            left_alone.append(f"{name} (no part)")
        elif part != "train" and reason:
            left_alone.append(f"{name} ({reason})")
        else:
            parts[part], names[part] = branch.classes, name
            skipped += branch.skipped
            skipped += Counter({LOOSE: len(branch.loose)})
    _check_classes(named["train"].path, parts["train"], skipped)
    for part in parts.keys() - {"train"}:
        _check_same(path, parts["train"], parts[part], names[part])
    return Layout(path, parts, names, left_alone, skipped)


def holds_images(path: Path) -> bool:
    """Whether a folder has a sub-folder with images, in it or below."""
    return any(
        next(_walk(entry, Counter()), None) is not None
        for entry in _visible(path, Counter())
        if entry.is_dir()
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


def _branches(path: Path, skipped: Counter[str]) -> dict[str, Branch]:
    branches = {}
    for entry in _visible(path, skipped):
        if entry.is_dir():
            branches[shown(entry.name)] = _branch(entry)
        else:
            skipped[LOOSE if _is_image(entry) else _kind(entry)] += 1
    return branches


def _branch(path: Path) -> Branch:
    loose, classes, skipped = [], {}, Counter[str]()
    for entry in _visible(path, skipped):
        if entry.is_dir():
            below = _walk(entry, skipped, (resolved(path),))
            classes[shown(entry.name)] = list(below)
        elif _is_image(entry):
            loose.append(entry)
        else:
            skipped[_kind(entry)] += 1
    return Branch(path, loose, classes, skipped)


def _walk(
    path: Path, skipped: Counter[str], above: tuple[Path, ...] = ()
) -> Iterator[Path]:
    """The images in a folder and below; links may lead to a folder, but not
    in a circle."""
    if resolved(path) in above:
        return
    if len(above) > DEEPEST:
        raise ValueError(
            f"Invalid folder {str(above[0])!r}. Expected at most {DEEPEST} "
            "folders one in another. Received: more."
        )
    above = (*above, resolved(path))
    for entry in _visible(path, skipped):
        if entry.is_dir():
            yield from _walk(entry, skipped, above)
        elif _is_image(entry):
            yield entry
        else:
            skipped[_kind(entry)] += 1


def _visible(path: Path, skipped: Counter[str]) -> list[Path]:
    try:
        entries = sorted(path.iterdir())
    except OSError as error:
        raise ValueError(
            f"Invalid folder {str(path)!r}. Expected one that can be read. "
            f"Received: {error.strerror}."
        ) from None
    visible = []
    for entry in entries:
        if entry.name.lower() in SYSTEM:
            skipped["of the system"] += 1
        elif entry.name.startswith("."):
            skipped["hidden"] += 1
        else:
            visible.append(entry)
    if len({shown(entry.name) for entry in visible}) < len(visible):
        _check_names(path, visible)
    return visible


def _check_names(path: Path, entries: list[Path]) -> None:
    names = [shown(entry.name) for entry in entries if entry.is_dir()]
    (name, count), *_ = Counter(names).most_common(1) or [("", 0)]
    if count > 1:
        raise ValueError(
            f"Invalid folder {str(path)!r}. Expected sub-folders of different "
            f"names. Received: {name!r} {count} times, its accents written in "
            "different ways; put them together."
        )


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in suffixes()


def _kind(path: Path) -> str:
    suffix = shown(path.suffix.lower())
    return f"{suffix} files" if suffix else "files without an ending"


# Which of it is meant


def _named_parts(path: Path, branches: dict[str, Branch]) -> dict[str, Branch]:
    """The sub-folders that are named like parts."""
    named = {}
    for part, names in PARTS.items():
        found = [branches[name] for name in branches if name.lower() in names]
        full = [branch for branch in found if branch.images]
        if len(full) > 1:
            raise ValueError(
                f"Invalid folder {str(path)!r}. Expected one sub-folder "
                f"{PURPOSES[part]}. Received: {_quoted(full)}; rename the "
                "others."
            )
        if found:
            named[part] = (full or found)[0]
    return named


def _quoted(branches: Iterable[Branch]) -> str:
    return listed(repr(shown(branch.path.name)) for branch in branches)


def _is_divided(
    path: Path, branches: dict[str, Branch], named: dict[str, Branch]
) -> bool:
    """Whether the sub-folders are parts, of which each holds the classes.

    Raises:
        ValueError: They are named like parts and hold no classes, or may as
            well be classes.
    """
    train = named.get("train")
    others = [each for each in branches.values() if each is not train]
    others = [each for each in others if each.images]
    if train is None or not train.divided:
        # One folder of such a name may well be a class.
        if len(named) > 1 or any(
            each.classes.keys() & branches.keys() for each in named.values()
        ):
            raise ValueError(
                f"Invalid folder {str(path)!r}. Expected a sub-folder 'train' "
                "with a sub-folder of images for each class. Received: none, "
                f"but {_quoted(named.values())} among the sub-folders, named "
                "like the parts of a data set."
            )
        return False
    if len(named) == 1 and others and not train.loose:
        raise ValueError(
            f"Invalid folder {str(path)!r}. Expected either classes or parts. "
            f"Received: {train.path.name!r} with sub-folders of images, as a "
            f"part has them, beside {_quoted(others)}; move those, or rename "
            f"{train.path.name!r} if it is a class."
        )
    return len(named) > 1 or not others


def _useless(branch: Branch, train: Branch) -> str:
    """Why a part cannot be measured on; empty if it can."""
    if not branch.images:
        return "no images"
    if not branch.divided:
        return f"{len(branch.loose)} images without classes"
    full = {name for name, members in branch.classes.items() if members}
    if not full & train.classes.keys():
        return f"other classes: {listed(sorted(full))}"
    return ""


def _check_classes(path: Path, classes: Classes, skipped: Counter[str]) -> None:
    if not classes:
        raise ValueError(
            f"Invalid folder {str(path)!r}. Expected a sub-folder of images "
            f"for each class. Received: no sub-folder{_besides(skipped)}."
        )
    for name, members in classes.items():
        if not members:
            raise ValueError(
                f"Invalid folder {str(path / name)!r}. Expected images in the "
                "sub-folder of each class; move away what is no class. "
                f"Received: none{_besides(skipped)}."
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
