import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from nasnet_keras.training.data.readers.pictures import (
    NotAPicture,
    read_header,
    read_picture,
)
from nasnet_keras.training.data.streaming import in_parallel

TURNED = 6  # an EXIF orientation: a quarter to the right


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
def test_sizes_are_those_of_upright_pictures(tmp_path, ending):
    array = np.zeros((32, 64, 3), np.uint8)
    array[:, :32] = 255  # the left half
    note = Image.Exif()
    note[0x0112] = TURNED
    path = tmp_path / f"1.{ending}"
    Image.fromarray(array).save(path, exif=note)
    assert read_header(path).size == (32, 64)
    picture = read_picture(path, grey=False)
    assert picture.shape == (64, 32, 3)
    assert picture[:28].min() > 200 and picture[36:].max() < 50


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pictures_are_painted_on_white(tmp_path, mode):
    ink = np.random.default_rng(0).integers(0, 2, (8, 8), np.uint8)
    path = tmp_path / "1.png"
    if mode == "P":
        image = Image.fromarray(ink, "P")
        image.putpalette([200, 0, 0, 0, 0, 0])
        image.save(path, transparency=0)
    else:
        black = np.zeros((8, 8, len(mode) - 1), np.uint8)
        array = np.dstack([black, 255 * ink])
        Image.fromarray(array).save(path)
    assert read_header(path).transparent
    expected = 255 * (1 - ink)
    assert np.array_equal(read_picture(path, grey=True)[..., 0], expected)
    assert np.array_equal(read_picture(path, grey=False)[..., 1], expected)


def test_white_ink_is_painted_on_black(tmp_path):
    ink = np.random.default_rng(0).integers(0, 2, (8, 8), np.uint8)
    path = tmp_path / "1.png"
    white = np.full((8, 8, 3), 255, np.uint8)
    Image.fromarray(np.dstack([white, 255 * ink])).save(path)
    assert np.array_equal(read_picture(path, grey=True)[..., 0], 255 * ink)


@pytest.mark.parametrize("value", range(0, 256, 51))
def test_grey_stays_the_same_grey(tmp_path, value):
    path = tmp_path / "1.png"
    Image.new("LA", (2, 2), (value, 255)).save(path)
    assert (read_picture(path, grey=True) == value).all()


WIDE = np.arange(2**16, step=2**10, dtype=np.uint16).reshape(4, 16)


@pytest.mark.parametrize("ending", ["png", "tif", "pgm", "jp2"])
@pytest.mark.parametrize("order", "<>")
def test_of_16_bits_the_upper_8_are_read(tmp_path, ending, order):
    path = tmp_path / f"1.{ending}"
    if ending == "tif" and order == ">":
        Image.fromarray(WIDE.astype(">u2")).save(path)
    else:
        Image.fromarray(WIDE).save(path)
    assert read_header(path, whole=True).grey
    assert np.array_equal(read_picture(path, grey=True)[..., 0], WIDE >> 8)
    assert np.array_equal(read_picture(path, grey=False)[..., 1], WIDE >> 8)


@pytest.mark.parametrize("shape", [(32, 64), (32, 64, 4)])
def test_a_turned_tiff_has_its_pixels_where_they_were(tmp_path, shape):
    array = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    array[..., 3:] = 255
    note = Image.Exif()
    note[0x0112] = TURNED
    Image.fromarray(array).save(tmp_path / "1.tif", exif=note)
    read = read_picture(tmp_path / "1.tif", grey=array.ndim == 2)
    expected = np.rot90(array.reshape(32, 64, -1)[..., :3], -1)
    assert np.array_equal(read, expected)


@pytest.mark.parametrize("orientation", [1, TURNED])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_zero_is_white_where_a_tiff_says_so(tmp_path, orientation, dtype):
    bits = 8 * dtype().itemsize
    seen = WIDE >> (16 - bits)
    note = Image.Exif()
    note[0x0112] = orientation
    path = tmp_path / "1.tif"
    Image.fromarray((2**bits - 1 - seen).astype(dtype)).save(path, exif=note)
    # PhotometricInterpretation, a short: from black is zero to white is zero.
    black, white = (struct.pack("<HHIHH", 262, 3, 1, n, 0) for n in (1, 0))
    content = path.read_bytes()
    assert content.count(black) == 1
    path.write_bytes(content.replace(black, white))
    expected = np.rot90(WIDE >> 8, -(orientation == TURNED))
    assert read_header(path, whole=True).grey
    assert np.array_equal(read_picture(path, grey=True)[..., 0], expected)
    assert np.array_equal(read_picture(path, grey=False)[..., 1], expected)


def test_16_bits_that_are_turned_and_transparent(tmp_path):
    note = Image.Exif()
    note[0x0112] = TURNED
    path = tmp_path / "1.png"
    Image.fromarray(WIDE).save(path, exif=note, transparency=int(WIDE[0, 1]))
    assert read_header(path).size == (4, 16)
    expected = WIDE >> 8
    expected[0, 1] = 255
    picture = read_picture(path, grey=True)[..., 0]
    assert np.array_equal(picture, np.rot90(expected, -1))


@pytest.mark.parametrize(
    "values, reason",
    [
        (WIDE.astype(np.float32) / 2**16, "of floating-point, signed or 32-"),
        (WIDE.astype(np.int32), "of floating-point, signed or 32-bit"),
        (WIDE // 2, None),
        (WIDE // 16, "nearly black: up to 4,032 of 65,535"),
        (WIDE * 0, None),
    ],
)
def test_numbers_whose_white_is_not_known(tmp_path, values, reason):
    path = tmp_path / "1.tif"
    Image.fromarray(values).save(path)
    for read in (read_header, read_picture):
        if reason is None:
            read(path, True)
        else:
            with pytest.raises(NotAPicture, match=reason):
                read(path, True)


def bomb(path, side):
    """A small file that says it is a large picture."""
    size = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", size), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(data))
            + kind
            + data
            + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in chunks
        )
    )


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"", "empty"),
        (b"\n<!DOCTYPE html>", "a page of HTML or XML"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git"),
        (b"%PDF-1.7", "a PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        (b"\0\0\0\x18ftypheic", "a HEIC photograph"),
        (b"404: not found", "text"),
        (b"II*\0" + bytes(20), "a TIFF of an unusual kind; save it as PNG"),
        (bytes(range(200, 250)), "of no format"),
        (b"\x89PNG\r\n\x1a\n", "damaged|cut short|of no format"),
    ],
)
def test_it_is_said_what_a_file_is(tmp_path, content, reason):
    path = tmp_path / "1.png"
    path.write_bytes(content)
    for read in (read_header, lambda path: read_picture(path, grey=False)):
        with pytest.raises(NotAPicture, match=f"^({reason})"):
            read(path)


def test_pictures_that_are_none_for_a_network(tmp_path):
    path = tmp_path / "1.png"
    bomb(path, 60_000)
    with pytest.raises(NotAPicture, match="more than 179 million pixels"):
        read_header(path)
    path.unlink()
    path.symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(NotAPicture, match="a link that leads nowhere"):
        read_header(path)
    with pytest.raises(NotAPicture, match="a folder"):
        read_header(tmp_path)


def test_damaged_pictures_are_read_or_refused(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
    wholes = {}
    for ending in ("png", "jpg", "webp", "tif", "gif", "bmp"):
        path = tmp_path / f"1.{ending}"
        Image.fromarray(noise).save(path)
        wholes[path] = path.read_bytes()
    refused = 0
    for number in range(120):
        rng = np.random.default_rng((3, number))
        path = list(wholes)[number % len(wholes)]
        damaged = bytearray(wholes[path])
        for _ in range(rng.integers(1, 4)):
            # Headers have the first bytes.
            at = min(int(rng.exponential(60)), len(damaged) - 1)
            damaged[at] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            read_header(path, whole=True)
            read_picture(path, grey=False)
        except NotAPicture as error:
            refused += 1
            assert "\n" not in str(error) and len(str(error)) < 120
    assert refused > 20


def test_threads_leave_the_filters_of_warnings_alone(tmp_path):
    """And hear nothing of Pillow's, such as of damaged notes."""
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\xff\0\0\0"
    Image.new("RGB", (64, 64)).save(tmp_path / "image.jpg", exif=exif)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        looks = in_parallel(read_header, [tmp_path / "image.jpg"] * 200)
        assert {look.size for look in looks} == {(64, 64)}
        with pytest.raises(UserWarning):
            warnings.warn("of another", UserWarning, stacklevel=1)
