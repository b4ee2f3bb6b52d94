"""The formats of exports; FORMATS: name -> format.

Neither TensorFlow nor what runs a format is imported before it is used.
"""

from nasnet_keras.deployment.formats.base import Format
from nasnet_keras.deployment.formats.litert import LiteRT
from nasnet_keras.deployment.formats.onnx import ONNX
from nasnet_keras.deployment.formats.openvino import OpenVINO
from nasnet_keras.deployment.formats.saved_model import SavedModel
from nasnet_keras.quotation import quoted

__all__ = ["FORMATS", "Format", "find_format"]

FORMATS: dict[str, Format] = {
    "openvino": OpenVINO(),
    "onnx": ONNX(),
    "litert": LiteRT(),
    "saved_model": SavedModel(),
}


def find_format(name: str) -> Format:
    """The format of that name.

    Raises:
        ValueError: There is none.
    """
    if not isinstance(name, str) or name not in FORMATS:
        raise ValueError(
            "Invalid value for argument `format`. Expected one of "
            f"{', '.join(FORMATS)}. Received: format={quoted(name)}."
        )
    return FORMATS[name]
