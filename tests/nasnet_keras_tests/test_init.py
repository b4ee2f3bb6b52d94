import importlib.resources
import subprocess
import sys

import numpy as np
import pytest

import nasnet_keras
from nasnet_keras import published


def test_every_public_name_is_there():
    assert dir(nasnet_keras) == nasnet_keras.__all__
    for name in nasnet_keras.__all__:
        value = getattr(nasnet_keras, name)
        assert getattr(value, "__name__", name) == name


def test_the_functions_and_data_types_are_public():
    assert {
        "Block",
        "CellSpec",
        "Complexity",
        "Conventions",
        "Genotype",
        "LatencyTable",
        "build_network",
        "draw_cell",
        "draw_genotype",
        "export",
        "fuse_for_inference",
        "genotype_complexity",
        "load_dataset",
        "load_model",
        "measure_latency",
        "multiply_adds",
    } <= set(nasnet_keras.__all__)


def test_every_layer_that_a_network_is_made_of_is_public():
    registered = {
        *nasnet_keras.OPERATIONS.values(),
        *nasnet_keras.COMBINERS.values(),
    }
    for layer in registered:
        assert getattr(nasnet_keras, layer.__name__) is layer
    x = np.ones((2, 6, 6, 8), "float32")
    assert nasnet_keras.SeparableConvolution3x3(8)(x).shape == (2, 6, 6, 8)
    assert nasnet_keras.FactorizedReduction(8)(x).shape == (2, 3, 3, 8)
    assert nasnet_keras.DropPath(0.5)(x).shape == (2, 6, 6, 8)
    cell = nasnet_keras.Cell(nasnet_keras.DARTS_V2.normal, filters=8)
    assert cell([x, x]).shape == (2, 6, 6, 32)
    assert nasnet_keras.AuxiliaryHead(10)(x).shape == (2, 10)


def test_every_published_cell_is_public():
    cells = {
        name: value
        for name, value in vars(published).items()
        if isinstance(value, nasnet_keras.Genotype)
    }
    assert cells
    for name, cell in cells.items():
        assert name in nasnet_keras.__all__
        assert getattr(nasnet_keras, name) is cell


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'NASNET_Z'"):
        _ = nasnet_keras.NASNET_Z


def test_importing_loads_no_framework_and_cells_neither():
    code = (
        "import sys, nasnet_keras\n"
        "for name in dir(nasnet_keras):\n"
        "    if '_' in name and name.isupper(): getattr(nasnet_keras, name)\n"
        "nasnet_keras.Genotype, nasnet_keras.CellSpec, nasnet_keras.Block\n"
        "sys.exit(any(m in sys.modules for m in ('keras', 'tensorflow')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_packages_say_that_they_are_typed():
    for package in ("nasnet_auto", "nasnet_keras", "search", "zoo"):
        assert (importlib.resources.files(package) / "py.typed").is_file()
