import subprocess
import sys

import pytest

from nasnet_keras.graph_nodes import (
    Convolution,
    Gather,
    Normalization,
    Pool,
    Shuffle,
    Squeeze,
)
from nasnet_keras.units import Unit


def test_channels_of_joined_branches():
    branch = (Gather(0.5), Normalization(), Convolution(12, 3), Shuffle(3))
    assert Unit((branch, ()), "concatenate").output_channels(8) == 20
    assert (
        Unit((branch, ()), "concatenate", split=True).output_channels(8) == 16
    )
    assert Unit((branch, (Convolution(12),))).output_channels(8) == 12
    assert Unit(((Convolution(None, 3), Squeeze()),)).output_channels(8) == 8


def test_strides_are_those_of_all_steps():
    halved = (Convolution(None, 3, 2), Pool("average"))
    assert Unit((halved,)).strides == 4
    assert Unit(((), (Convolution(4),))).strides == 1


@pytest.mark.parametrize(
    ("unit", "received"),
    [
        (Unit(((Convolution(12),), ())), r"\(12, 8\) channels"),
        (Unit(((), (), ()), "concatenate", split=True), "8 channels"),
        (Unit(((Convolution(8),),), shuffle=3), "8 channels"),
        (Unit(((Convolution(9, groups=3),),)), "8 channels"),
        (Unit(((Convolution(10, groups=4),),)), "10 channels"),
    ],
)
def test_units_that_do_not_fit_are_a_sentence(unit, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        unit.output_channels(8)


def test_branches_of_other_strides_are_a_sentence():
    unit = Unit(((Convolution(8, 3, 2),), ()))
    with pytest.raises(ValueError, match="Received: .* divide them by 1 and 2"):
        unit.output_channels(8)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Convolution(0),
        lambda: Convolution(True),
        lambda: Convolution(10**9),
        lambda: Convolution(8, 4),
        lambda: Convolution(8, 3, 3),
        lambda: Convolution(8, groups=0),
        lambda: Pool("minimum"),
        lambda: Pool("average", padding="valid"),
        lambda: Pool("average", strides=3),
        lambda: Shuffle(0),
        lambda: Squeeze(0),
        lambda: Gather(2.0),
        lambda: Unit(()),
        lambda: Unit(((),) * 5),
        lambda: Unit(((3,),)),
        lambda: Unit(((),), "multiply"),
        lambda: Unit(((),), repeats=0),
        lambda: Unit(((Shuffle(2),) * 101,)),
    ],
)
def test_values_are_checked(make):
    with pytest.raises(ValueError):
        make()


def test_importing_loads_no_framework():
    code = (
        "import sys, nasnet_keras.units, nasnet_keras.kinds.multibranch\n"
        "sys.exit(any(m in sys.modules for m in ('keras', 'tensorflow')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
