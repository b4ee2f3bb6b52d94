"""A script that classifies photographs by an exported file, and needs its
runtime, Pillow and NumPy alone: `write_predict_script`."""

from pathlib import Path

from nasnet_keras.deployment.formats import find_format

NAME = "predict.py"

_SCRIPT = '''\
"""python predict.py PHOTO ...: says what each shows, the likeliest first."""
import json, sys
from pathlib import Path
import numpy as np
from PIL import Image, ImageOps

HERE = Path(__file__).parent
{runtime}
about = json.loads(about)
(height, width), channels = about["image_size"], about["channels"]
for path in sys.argv[1:]:
    photo = ImageOps.exif_transpose(Image.open(path)).convert("RGBA")
    photo = Image.alpha_composite(Image.new("RGBA", photo.size, "white"), photo)
    photo = photo.convert("L" if channels == 1 else "RGB")
    photo = ImageOps.fit(photo, (width, height), Image.BILINEAR)
    shares = run(np.float32(photo).reshape(1, height, width, channels))
    best = [(about["class_names"][i], shares[i]) for i in np.argsort(-shares)]
    shown = [f"{{name}} {{share:.2%}}" for name, share in best[:5]]
    print(path, *shown, sep="\\t")
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
