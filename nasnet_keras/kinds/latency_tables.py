"""Reads a table of latencies of whichever kind: `load_table`."""

from pathlib import Path

from nasnet_keras.deployment.latency.latency_table import LatencyTable
from nasnet_keras.kinds.mobile.layer_table import LayerTable
from nasnet_keras.strict_json import MAX_BYTES, parse_json, read_bytes


def load_table(path: Path) -> LatencyTable | LayerTable:
    """The table in a file: of layers, or of the operations of cells.

    Raises:
        ValueError: The file is no table.
        OSError: The file cannot be read.
    """
    try:
        content = parse_json(read_bytes(path, MAX_BYTES))
    except ValueError:
        content = None  # What is wrong, `LatencyTable.load` says.
    of_layers = isinstance(content, dict) and "layers" in content
    return LayerTable.load(path) if of_layers else LatencyTable.load(path)
