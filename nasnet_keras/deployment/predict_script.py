"""A script that classifies photographs by an exported file, and needs its
runtime, Pillow and NumPy alone: `write_predict_script`."""

import json
from pathlib import Path

from nasnet_keras.deployment.formats import find_format
from nasnet_keras.files import write_text

NAME = "predict.py"

# Of at most 15 lines beside the imports, to be read and changed. It sees in
# photographs what `read_picture` does.
_SCRIPT = '''\
"""python predict.py PHOTO ...: says what each shows, the likeliest first."""
import io, json, sys
from pathlib import Path
import numpy as np
from PIL import Image, ImageOps
{runtime}
for path in sys.argv[1:] or sys.exit(__doc__):
    photo = Image.open(io.BytesIO(Path(path).read_bytes()))
    if photo.mode[0] in "IF": sys.exit(f"{{path}}: expected 8 bits a channel")
    rgba = ImageOps.exif_transpose(photo).convert("RGBA")
    on = lambda c: Image.alpha_composite(Image.new("RGBA", rgba.size, c), rgba)
    photo = on("black" if np.ptp(on("white").convert("L")) < 16 else "white")
    photo = photo.convert("L" if about["channels"] == 1 else "RGB")
    photo = ImageOps.fit(photo, about["image_size"][::-1], Image.BILINEAR)
    shares = run(np.float32(photo).reshape(1, *about["image_size"], -1))
    for i in np.argsort(-shares)[:5]:
        print(path, about["class_names"][i], f"{{shares[i]:.2%}}", sep="\\t")
'''


def write_predict_script(file: Path, format: str) -> Path:
    """Writes predict.py beside an exported classifier.

    Args:
        file: What `nasnet_keras.export` wrote of a model that knows its
            classes.
        format: Its format, of `FORMATS`.

    Returns:
        The script.

    Raises:
        ValueError: There is no such format.

    Example:

    >>> write_predict_script(Path("model.onnx"), "onnx").name
    'predict.py'
    """
    script = file.with_name(NAME)
    name = json.dumps(file.name, ensure_ascii=False)
    runtime = find_format(format).script.replace("FILE", name)
    write_text(script, _SCRIPT.format(runtime=runtime))
    return script
