"""Data sets in folders: a sub-folder of images for each class."""

import functools
from pathlib import Path
from typing import Any

import numpy as np

from nasnet_keras.training.data.readers.source import (
    Arrays,
    Shape,
    Source,
    stack,
)

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
GREY_MODES = ("1", "L", "LA")  # of Pillow, with up to 8 bits a channel
WIDE_MODES = ("I", "F")  # with more

Files = list[tuple[Path, int]]  # with their labels


def read_folder(path: Path, image_size: int | None) -> Source:
    """A sub-folder of images for each class, or the sub-folders `train` and
    `test` with those. Classes and files are in the order of their names.

    Raises:
        ValueError: There is no class, a class has no image, training and
            test classes differ, a file is no image, or the images differ in
            size and there is no `image_size`.
    """
    parts = {folder.name: folder for folder in _subfolders(path)}
    if "train" not in parts or not parts.keys() <= {"train", "test"}:
        parts = {"train": path}
    names = {
        part: tuple(folder.name for folder in _subfolders(folder))
        for part, folder in parts.items()
    }
    if len(set(names.values())) > 1:
        raise ValueError(
            f"Invalid folder {str(path)!r}. Expected the same classes in "
            f"`train` and `test`. Received: {', '.join(names['train'])}; and "
            f"{', '.join(names['test'])}."
        )
    files = {part: _files(folder) for part, folder in parts.items()}
    shape = _common_shape(path, files["train"], image_size)
    return Source(
        class_names=names["train"],
        read_labels=lambda: _labels(files["train"]),
        read_train=functools.partial(_read, files["train"], shape),
        read_test=functools.partial(_read, files["test"], shape)
        if "test" in files
        else None,
    )


def _read(
    files: Files, shape: Shape, chosen: np.ndarray | None = None
) -> Arrays:
    if chosen is not None:
        files = [files[index] for index in chosen]
    mode = "L" if shape[2] == 1 else "RGB"
    examples = ((_decode(file, mode), label) for file, label in files)
    return stack(examples, len(files), shape)


def _labels(files: Files) -> np.ndarray:
    return np.array([label for _, label in files], np.int32)


def _subfolders(path: Path) -> list[Path]:
    return [entry for entry in _visible(path) if entry.is_dir()]


def _visible(path: Path) -> list[Path]:
    return sorted(
        entry for entry in path.iterdir() if not entry.name.startswith(".")
    )


def _files(path: Path) -> Files:
    files: Files = []
    folders = _subfolders(path)
    if not folders:
        raise ValueError(
            f"Invalid folder {str(path)!r}. Expected a sub-folder of images "
            "for each class. Received: no sub-folder."
        )
    for label, folder in enumerate(folders):
        images = [
            (entry, label)
            for entry in _visible(folder)
            if entry.suffix.lower() in SUFFIXES
        ]
        if not images:
            raise ValueError(
                f"Invalid folder {str(folder)!r}. Expected images "
                f"({', '.join(SUFFIXES)}) in the sub-folder of each class. "
                "Received: none."
            )
        files += images
    return files


def _common_shape(path: Path, files: Files, image_size: int | None) -> Shape:
    """Reads the headers only."""
    sizes, modes = set(), set()
    for file, _ in files:
        with _open(file) as image:
            sizes.add(image.size)
            modes.add(image.mode)
    channels = 1 if modes <= set(GREY_MODES) else 3
    if image_size is not None:
        return image_size, image_size, channels
    if len(sizes) > 1:
        width, height = min(sizes)
        raise ValueError(
            f"The images of {str(path)!r} differ in size. Expected the "
            "argument `image_size`, the height and width to bring them to. "
            f"Received: image_size=None and {len(sizes)} sizes from "
            f"{width} x {height}."
        )
    width, height = sizes.pop()
    return height, width, channels


def _decode(file: Path, mode: str) -> np.ndarray:
    """An image, `[H, W, C]`; of an animation the first."""
    from PIL import ImageOps

    with _open(file) as image:
        try:
            # Cameras turn the picture by a note, not in its pixels.
            array = np.asarray(ImageOps.exif_transpose(image).convert(mode))
        except (OSError, SyntaxError, ValueError) as error:
            raise _not_an_image(file, error) from None
    return array[..., np.newaxis] if mode == "L" else array


def _open(file: Path) -> Any:
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(file)
    except (UnidentifiedImageError, OSError) as error:
        raise _not_an_image(file, error) from None
    if image.mode.startswith(WIDE_MODES):
        image.close()
        raise _not_an_image(file, "more than 8 bits a channel")
    return image


def _not_an_image(file: Path, reason: object) -> ValueError:
    return ValueError(
        f"Invalid file {str(file)!r}. Expected an image of 8 bits a channel. "
        f"Received: {reason}."
    )
