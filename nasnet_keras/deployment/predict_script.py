"""A script that classifies photographs by an exported file, and needs its
runtime, Pillow and NumPy alone: `write_predict_script`."""

from pathlib import Path

from nasnet_keras.deployment.formats import find_format

NAME = "predict.py"

_SCRIPT = '''\
"""python predict.py PHOTO ...: says what each shows, the likeliest first."""
import io, json, sys
from pathlib import Path
import numpy as np
from PIL import Image, ImageOps

HERE = Path(__file__).parent
{runtime}
about = json.loads(about)
(height, width), channels = about["image_size"], about["channels"]


def read(path):
    photo = Image.open(io.BytesIO(Path(path).read_bytes()))
    mode, clear = photo.mode, photo.info.get("transparency")
    negative = photo.format == "TIFF" and not photo.tag_v2.get(262, 1)
    unclear = mode == "I" and photo.format not in ("PNG", "PPM")
    photo = ImageOps.exif_transpose(photo)
    if mode[0] in "IF":  # more than 8 bits a channel: of 16 the upper 8
        pixels = np.asarray(photo)
        if negative:  # a TIFF in which 0 is white
            pixels = 65535 - pixels
        if unclear or mode == "F" or 0 < pixels.max() < 4096:
            raise ValueError("expected 8 bits a channel, or all of 16")
        photo = Image.fromarray((pixels >> 8).astype("uint8"))
        photo.putalpha(Image.fromarray(np.uint8(255) * (pixels != clear)))
    paint = photo.convert("RGBA")
    for ground in ("white", "black"):  # black where the photo is white itself
        photo = Image.new("RGBA", paint.size, ground)
        photo.alpha_composite(paint)
        if np.ptp(np.asarray(photo.convert("L"))) >= 16:
            break
    photo = photo.convert("L" if channels == 1 else "RGB")
    photo = ImageOps.fit(photo, (width, height), Image.BILINEAR)
    return np.float32(photo).reshape(1, height, width, channels)


failed = 0
for path in sys.argv[1:]:
    try:
        photo = read(path)
    except Exception as error:  # Pillow raises all kinds on damaged files.
        print(f"{{path}} cannot be read: {{error}}", file=sys.stderr)
        failed = 2
        continue
    shares = run(photo)
    best = [(about["class_names"][i], shares[i]) for i in np.argsort(-shares)]
    shown = [f"{{name}} {{share:.2%}}" for name, share in best[:5]]
    print(path, *shown, sep="\\t")
sys.exit(failed)
'''


def write_predict_script(folder: Path, format: str) -> Path:
    """Writes predict.py, for the file `model` of a format beside it.

    Args:
        folder: Where the exported file is.
        format: Its format, of `FORMATS`.

    Returns:
        The script.

    Raises:
        ValueError: There is no such format.

    Example:

    >>> write_predict_script(Path("."), "onnx").name
    'predict.py'
    """
    script = folder / NAME
    runtime = find_format(format).script
    script.write_text(_SCRIPT.format(runtime=runtime))
    return script
