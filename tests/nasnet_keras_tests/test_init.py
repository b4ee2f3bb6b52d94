import subprocess
import sys

import pytest

import nasnet_keras


def test_every_public_name_is_there():
    assert (
        {
            "Block",
            "CellSpec",
            "Complexity",
            "Conventions",
            "Genotype",
            "LatencyTable",
            "NASNET_A",
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
        }
        == set(nasnet_keras.__all__)
        == set(dir(nasnet_keras))
    )
    for name in nasnet_keras.__all__:
        assert getattr(nasnet_keras, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'NASNET_Z'"):
        _ = nasnet_keras.NASNET_Z


def test_genotypes_load_no_framework():
    code = (
        "import sys, nasnet_keras\n"
        "nasnet_keras.Genotype, nasnet_keras.NASNET_A\n"
        "sys.exit(any(m in sys.modules for m in ('keras', 'tensorflow')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
