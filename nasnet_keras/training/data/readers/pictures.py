"""Picture files: what a person sees when they are opened, or what is wrong
with them.

Pillow is imported when the first file is looked at.
"""

import contextlib
import functools
import os
import re
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

# Of Pillow, those that it decodes by itself: PostScript starts a program, and
# others need a decoder that nobody has.
FORMATS = (
    *("AVIF", "BMP", "DDS", "DIB", "GIF", "ICO", "JPEG", "JPEG2000", "PCX"),
    *("PNG", "PPM", "PSD", "QOI", "SGI", "TGA", "TIFF", "WEBP", "XBM", "XPM"),
)
GREY_MODES = ("1", "L", "LA")  # of Pillow, with up to 8 bits a channel
WIDE_MODES = ("I", "F")  # how those with more begin
SCALED = ("PNG", "PPM")  # formats whose mode I is 16 bits, as is I;16
ON_ITS_SIDE = range(5, 9)  # notes of orientation that change height and width
GROUNDS = ("white", "black")  # what transparent pictures are painted on
CONTRAST = 16  # of 255, with which a picture can be seen on a ground
# A picture with no brighter pixel, of 65,535, looks black.
DARK = 16 * 256

OF_PILLOW = re.compile(r"PIL\.")  # modules
REASON_LENGTH = 80  # of Pillow's errors within ours
BEGINNING = 64  # bytes, by which a file is known
KINDS = {
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself",
    b"%PDF": "a PDF",
    b"%!PS": "PostScript",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a gzip archive",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"II*\0": "a TIFF of an unusual kind; save it as PNG",
    b"MM\0*": "a TIFF of an unusual kind; save it as PNG",
    b"<": "a page of HTML or XML",
}
HEIF = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypmsf1")  # from byte 4
SPECIAL = {
    stat.S_ISDIR: "a folder",
    stat.S_ISFIFO: "a named pipe",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}


class NotAPicture(Exception):
    """A file cannot be read as a picture. The text says what it is."""


class Header(NamedTuple):
    """What a picture's file says before it is decoded.

    Attributes:
        size: Width and height, upright.
        grey: Whether it has no colours.
        transparent: Whether its pixels may be.
        animated: Whether it has more frames or pages than the first.
    """

    size: tuple[int, int]
    grey: bool
    transparent: bool
    animated: bool


@functools.cache
def suffixes() -> frozenset[str]:
    """How the names of pictures end, in small letters."""
    from PIL import Image

    known = Image.registered_extensions()
    return frozenset(end for end, form in known.items() if form in FORMATS)


def read_header(path: Path, whole: bool = False) -> Header:
    """Looks at a picture without decoding it.

    Args:
        path: The file.
        whole: Whether to decode it all the same, as coarsely as its format
            allows, to see that all of it is there.

    Raises:
        NotAPicture: It is none, or a broken one.
    """
    with _opened(path) as image:
        from PIL import ExifTags, Image

        # The method of PNG's own class would decode the picture.
        note = Image.Image.getexif(image).get(ExifTags.Base.Orientation)
        # Pillow itself turns those of TIFF.
        turned = note in ON_ITS_SIDE and image.format != "TIFF"
        header = Header(
            image.size[::-1] if turned else image.size,
            image.mode in GREY_MODES or _is_wide(image),
            image.has_transparency_data,
            # Cameras keep a second, smaller picture in an MPO.
            image.format != "MPO" and getattr(image, "is_animated", False),
        )
        if whole:
            image.draft("L", (1, 1))
            image.load()
            if _is_wide(image):
                _in_8_bits(image, _white_is_zero(image))
        return header


def read_picture(path: Path, grey: bool) -> np.ndarray:
    """A picture as it is seen: upright, of an animation the first frame, and
    on a white ground where it is transparent, or a black one if it is white.
    Of 16 bits a channel the upper 8 are read, as Pillow does of colours.

    Args:
        path: The file.
        grey: Whether to return one channel; else three.

    Returns:
        `[H, W, C]`, uint8.

    Raises:
        NotAPicture: It is none, or a broken one.
    """
    with _opened(path) as image:
        from PIL import Image, ImageOps

        negative = _white_is_zero(image)
        # Cameras turn the picture by a note, not in its pixels.
        image = ImageOps.exif_transpose(image)
        if _is_wide(image):
            image = _in_8_bits(image, negative)
        if image.has_transparency_data:
            paint = image.convert("RGBA")
            for ground in GROUNDS:
                image = Image.new("RGBA", paint.size, ground)
                image.alpha_composite(paint)
                if np.ptp(np.asarray(image.convert("L"))) >= CONTRAST:
                    break
        if grey:
            return np.asarray(image.convert("L"))[..., np.newaxis]
        return np.asarray(image.convert("RGB"))


def _is_wide(image: Any) -> bool:
    return image.mode.startswith(WIDE_MODES)


def _white_is_zero(image: Any) -> bool:
    """Whether 0 is white in a TIFF; Pillow heeds it with up to 8 bits."""
    from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION

    return image.format == "TIFF" and not image.tag_v2.get(
        PHOTOMETRIC_INTERPRETATION, 1
    )


def _in_8_bits(image: Any, negative: bool) -> Any:
    """A grey picture of 16 bits with 8.

    Args:
        image: The picture.
        negative: Whether 0 is white in it.
    """
    from PIL import Image

    values = np.asarray(image)
    if negative:
        values = 65_535 - values
    brightest = int(values.max())
    if 0 < brightest < DARK:
        raise NotAPicture(
            f"of 16 bits a channel, but nearly black: up to {brightest:,} of "
            "65,535; scale it"
        )
    grey = Image.fromarray((values >> 8).astype(np.uint8))
    if "transparency" in image.info:
        seen = values != image.info["transparency"]
        grey.putalpha(Image.fromarray(np.uint8(255) * seen))
    return grey


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The picture in a file; whatever is wrong with it is said."""
    from PIL import Image, UnidentifiedImageError

    _check_regular(path)
    Image.init()
    _ignore_warnings()
    forms = [form for form in FORMATS if form in Image.OPEN]
    try:
        # Given a path, Pillow maps the pixels of a turned TIFF by the height.
        with path.open("rb") as file, Image.open(file, formats=forms) as image:
            mode, form = image.mode, image.format
            if mode == "F" or (mode == "I" and form not in SCALED):
                raise NotAPicture(
                    "of floating-point, signed or 32-bit numbers; save it "
                    "with 8 or 16 bits a channel"
                )
            yield image
    except NotAPicture:
        raise
    except UnidentifiedImageError:
        raise NotAPicture(_kind(path)) from None
    except Image.DecompressionBombError:
        most = round(2e-6 * (Image.MAX_IMAGE_PIXELS or 0))
        raise NotAPicture(f"of more than {most} million pixels") from None
    except Exception as error:  # Decoders raise all kinds on damaged bytes.
        raise NotAPicture(_damage(error)) from None


def _ignore_warnings() -> None:
    """Has Pillow warn of nothing from now on: `catch_warnings` would put back,
    in one thread, what another has set."""
    if not any(
        rule[0] == "ignore" and rule[3] == OF_PILLOW
        for rule in warnings.filters
    ):
        warnings.filterwarnings("ignore", module=OF_PILLOW.pattern)


def _check_regular(path: Path) -> None:
    """Before it is opened, for a pipe would wait for a writer."""
    try:
        status = path.stat()
    except OSError as error:
        if path.is_symlink():
            raise NotAPicture("a link that leads nowhere") from None
        if isinstance(error, FileNotFoundError):
            raise NotAPicture("not there") from None
        raise NotAPicture(f"unreadable: {error.strerror}") from None
    for is_special, name in SPECIAL.items():
        if is_special(status.st_mode):
            raise NotAPicture(name)
    if not status.st_size:
        raise NotAPicture("empty")
    if not os.access(path, os.R_OK):
        raise NotAPicture("unreadable: permission denied")


def _kind(path: Path) -> str:
    """What a file is that is no picture, by its first bytes."""
    with path.open("rb") as file:
        beginning = file.read(BEGINNING)
    for magic, kind in KINDS.items():
        if beginning.lstrip().startswith(magic):
            return kind
    if beginning[4:].startswith(HEIF):
        return "a HEIC photograph; convert it to JPEG"
    if beginning.isascii() and beginning.decode().strip().isprintable():
        return "text"
    return "of no format that is known"


def _damage(error: Exception) -> str:
    reason = " ".join(str(error).split()) or type(error).__name__
    if "truncated" in reason.lower():
        return "cut short"
    return f"damaged: {reason[:REASON_LENGTH]}"
