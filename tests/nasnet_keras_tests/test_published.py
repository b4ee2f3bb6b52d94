import subprocess
import sys

import pytest

from nasnet_keras import published
from nasnet_keras.genotype import Genotype
from nasnet_keras.published import NASNET_A

PUBLISHED = {
    name: value
    for name, value in vars(published).items()
    if isinstance(value, Genotype)
}
# How many states, or their widths, the two cells concatenate.
MULTIPLES = {
    "NASNET_A": (6, 4),
    "NASNET_A_FIGURE": (5, 3),
    "NASNET_B": (4, 4),
    "NASNET_C": (5, 5),
    "PNASNET_5": (5, 5),
    "AMOEBANET_A": (4, 5),
    "AMOEBANET_B": (4, 2),
    "AMOEBANET_C": (5, 6),
    "AMOEBANET_D": (4, 3),
    "AMOEBANET_A_DARTS": (3, 3),
    "ENAS_MICRO": (5, 4),
    "DARTS_V1": (4, 4),
    "DARTS_V2": (4, 4),
}


def test_nasnet_a_concatenates_what_the_checkpoints_do():
    assert NASNET_A.normal.output_states == (1, 2, 3, 4, 5, 6)
    assert NASNET_A.reduction.output_states == (3, 4, 5, 6)


def test_nasnet_a_has_the_operations_of_figure_4():
    """Figure 4 of the paper, counted."""
    normal = [o for block in NASNET_A.normal.blocks for o in block.operations]
    reduction = [
        o for block in NASNET_A.reduction.blocks for o in block.operations
    ]
    assert {name: normal.count(name) for name in normal} == {
        "sep_conv_5x5": 2,
        "sep_conv_3x3": 3,
        "avg_pool_3x3": 3,
        "identity": 2,
    }
    assert {name: reduction.count(name) for name in reduction} == {
        "sep_conv_7x7": 2,
        "sep_conv_5x5": 2,
        "sep_conv_3x3": 1,
        "max_pool_3x3": 2,
        "avg_pool_3x3": 2,
        "identity": 1,
    }


def test_each_is_as_wide_as_its_source_says():
    assert MULTIPLES == {
        name: (cell.normal.output_multiple, cell.reduction.output_multiple)
        for name, cell in PUBLISHED.items()
    }


@pytest.mark.parametrize("name", PUBLISHED)
def test_written_and_read_again(name):
    genotype = PUBLISHED[name]
    assert Genotype.from_json(genotype.to_json()) == genotype


def test_importing_loads_no_framework():
    code = (
        "import sys, nasnet_keras.published\n"
        "print(sorted({'keras', 'tensorflow', 'matplotlib'}"
        " & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
