import subprocess
import sys

from nasnet_keras.genotype import Genotype
from nasnet_keras.published import NASNET_A


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


def test_written_and_read_again():
    assert Genotype.from_json(NASNET_A.to_json()) == NASNET_A


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
