"""Data sets in folders: a sub-folder of images for each class."""

import functools
import hashlib
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nasnet_keras.console.activity import tell_activity
from nasnet_keras.files import resolved
from nasnet_keras.quotation import quoted
from nasnet_keras.training.data.holding import (
    BY_MEMORY,
    Holding,
    hold,
)
from nasnet_keras.training.data.readers.layout import (
    Classes,
    Layout,
    check_outside,
    counted,
    find_layout,
    images_of,
    shown,
)
from nasnet_keras.training.data.readers.pictures import (
    Header,
    NotAPicture,
    read_header,
    read_picture,
)
from nasnet_keras.training.data.readers.source import (
    PURPOSES,
    Arrays,
    Source,
    extremes,
    listed,
)
from nasnet_keras.training.data.resizer import Shape, fit
from nasnet_keras.training.data.streaming import in_parallel

ENDS = 2**15  # bytes of either end of a file, by which it is known again
WAY_ON = (
    "mend, convert or remove such files, or skip them with `skip_broken` "
    "(--skip-broken)"
)


def read_folder(
    path: Path,
    image_size: int | None,
    skip_broken: bool = False,
    holding: Holding = BY_MEMORY,
) -> Source:
    """A sub-folder of images for each class, or one for each part (`train`,
    and `val` or `test` or both) with those. Classes and files are in the
    order of their names; images below a class's sub-folder are of the class.

    Args:
        path: The folder.
        image_size: Height and width to bring the images to; None for theirs.
        skip_broken: Whether to leave out files that are no whole images.
        holding: Where the images are held.

    Raises:
        ValueError: There is no class, a class has no image, the classes of
            the parts differ, files are no images, the images differ in size
            and there is no `image_size`, or the cache would be read as a
            class.
    """
    if holding.cache is not None:
        check_outside(holding.cache, str(resolved(path)), "cache")
    layout = find_layout(path)
    files = {name: images_of(part) for name, part in layout.parts.items()}
    looks, broken = _survey(
        {file: skip_broken or name == "test" for file, name in _parted(files)}
    )
    if broken and not skip_broken:
        raise broken_files(path)
    parts = {
        name: {
            label: [file for file in members if file not in broken]
            for label, members in part.items()
        }
        for name, part in layout.parts.items()
    }
    names = tuple(parts["train"])
    empty = [name for name in names if not parts["train"][name]]
    if empty:
        raise ValueError(
            f"Invalid folder {str(path)!r}. Expected images of each class. "
            "Received: only files that cannot be read of "
            f"{listed(map(quoted, empty))}."
        )
    parts = {name: part for name, part in parts.items() if any(part.values())}
    seen = [
        looks[file].header
        for part in parts.values()
        for file in images_of(part)
    ]
    shape = _common_shape(path, seen, image_size)

    def reader(part: str) -> Callable[..., Arrays]:
        members = parts[part]
        found = images_of(members)
        labels = np.repeat(
            [names.index(label) for label in members],
            [len(each) for each in members.values()],
        ).astype(np.int32)
        # Texts, for paths take several times the memory.
        paths = np.array([os.fspath(file) for file in found], object)
        shorter = np.array(
            [shown(file.relative_to(layout.root)) for file in found], object
        )
        digests = np.array([looks[file].digest for file in found], np.uint64)

        def read(chosen: np.ndarray | None = None) -> Arrays:
            rows = slice(None) if chosen is None else chosen
            one = functools.partial(_picture, paths[rows], shorter[rows], shape)
            try:
                images = hold(holding, shape, digests[rows], one)
            except NotAPicture:
                raise broken_files(path) from None
            return images, labels[rows], shorter[rows], digests[rows]

        return read

    labels = np.repeat(
        np.arange(len(names), dtype=np.int32),
        [len(members) for members in parts["train"].values()],
    )
    return Source(
        class_names=names,
        read_labels=lambda: labels,
        read_train=reader("train"),
        read_test=reader("test") if "test" in parts else None,
        read_validation=reader("validation") if "validation" in parts else None,
        sizes=extremes(header.size for header in seen),
        notes=_notes(layout, parts, seen, broken),
    )


def _picture(
    paths: np.ndarray, names: np.ndarray, shape: Shape, row: int
) -> np.ndarray:
    """The picture of a row, brought to a shape."""
    try:
        return fit(read_picture(Path(paths[row]), shape[2] == 1), shape)
    except NotAPicture as error:
        raise NotAPicture(f"{names[row]!r} ({error}); {WAY_ON}") from None


def _parted(files: Mapping[str, list[Path]]) -> Iterator[tuple[Path, str]]:
    for name, members in files.items():
        yield from ((file, name) for file in members)


class Look(NamedTuple):
    """What is known of a picture that is not decoded.

    Attributes:
        header: What its file says of it.
        digest: A number that changes with the file's size or either end.
    """

    header: Header
    digest: int


def _survey(
    files: Mapping[Path, bool],
) -> tuple[dict[Path, Look], dict[Path, str]]:
    """Looks at every file, and decodes those for which it is asked.

    Returns:
        What is known of the pictures, and what the others are.
    """
    looks: dict[Path, Look] = {}
    broken: dict[Path, str] = {}
    found = in_parallel(_look, files.items())
    for row, (file, look) in enumerate(zip(files, found, strict=True)):
        tell_activity("looking at files", row, len(files))
        if isinstance(look, Look):
            looks[file] = look
        else:
            broken[file] = look
    return looks, broken


def _look(item: tuple[Path, bool]) -> Look | str:
    path, whole = item
    try:
        return Look(read_header(path, whole), _digest(path))
    except NotAPicture as error:
        return str(error)


def _digest(path: Path) -> int:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        digest = hashlib.blake2b(size.to_bytes(8), digest_size=8)
        digest.update(file.read(ENDS))
        file.seek(max(file.tell(), size - ENDS))
        digest.update(file.read())
    return int.from_bytes(digest.digest())


def broken_files(path: Path) -> ValueError:
    """The error of a folder with a file that is broken: it names all of
    them."""
    layout = find_layout(path)
    files = {name: images_of(part) for name, part in layout.parts.items()}
    _, broken = _survey({file: True for file, _ in _parted(files)})
    return ValueError(
        f"Invalid folder {str(layout.root)!r}. Expected images. Received: "
        f"{len(broken)} that cannot be read, {_each(layout.root, broken)}; "
        f"{WAY_ON}."
    )


def _each(root: Path, broken: Mapping[Path, str]) -> str:
    return listed(
        f"{shown(file.relative_to(root))!r} ({reason})"
        for file, reason in broken.items()
    )


def _common_shape(
    path: Path, headers: Collection[Header], image_size: int | None
) -> Shape:
    channels = 1 if all(header.grey for header in headers) else 3
    if image_size is not None:
        return image_size, image_size, channels
    sizes = {header.size for header in headers}
    if len(sizes) > 1:
        (width, height), (widest, highest) = extremes(sizes)
        raise ValueError(
            f"The images of {str(path)!r} differ in size. Expected the "
            "argument `image_size`, the height and width to bring them to. "
            f"Received: image_size=None and {len(sizes)} sizes from "
            f"{width} x {height} to {widest} x {highest}."
        )
    width, height = sizes.pop()
    return height, width, channels


def _notes(
    layout: Layout,
    parts: Mapping[str, Classes],
    headers: Collection[Header],
    broken: Mapping[Path, str],
) -> tuple[str, ...]:
    """What is read, what is not and why."""
    read = ", ".join(
        f"{len(images_of(parts[part])):,} {purpose}"
        + (f" ({layout.names[part]})" if part in layout.names else "")
        for part, purpose in PURPOSES.items()
        if part in parts
    )
    notes = [
        f"{shown(layout.root)}: {len(parts['train'])} classes "
        f"({listed(parts['train'])}); images: {read}."
    ]
    notes += layout.doubts
    if layout.left_alone:
        notes.append(f"Left alone: {listed(layout.left_alone)}.")
    if layout.skipped:
        notes.append(f"Skipped: {counted(layout.skipped)}.")
    if broken:
        notes.append(
            f"Skipped as unreadable: {len(broken)}, "
            f"{_each(layout.root, broken)}."
        )
    for what, count in {
        "{} of them can be transparent and are painted on white, or on black "
        "where they are white.": sum(header.transparent for header in headers),
        "{} of them have several frames, of which the first is read.": sum(
            header.animated for header in headers
        ),
    }.items():
        if count:
            notes.append(what.format(f"{count:,}"))
    for part, classes in parts.items():
        lacking = [name for name in parts["train"] if not classes.get(name)]
        if lacking:
            notes.append(
                f"No images {PURPOSES[part]} of the classes: {listed(lacking)}."
            )
    return tuple(notes)
