import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from search.evaluation.tabular import ArchitectureTable
from search.spaces.nasbench201 import NASBench201Space

SPACE = NASBench201Space()
REAL = (
    Path(__file__).parents[4] / "shared/benchmarks/nasbench201_cifar10.csv.gz"
)


def test_the_decisions_are_the_operations_of_edges():
    assert SPACE.size == 15_625
    assert [decision.name for decision in SPACE.decisions] == [
        f"{edge}/operation"
        for edge in ("1/0", "2/0", "2/1", "3/0", "3/1", "3/2")
    ]
    assert [each.group for each in SPACE.decisions] == [0, 1, 1, 2, 2, 2]
    assert {each.kind for each in SPACE.decisions} == {"operation"}


def test_6466_cells_are_distinct():
    """As the paper counts."""
    vectors = itertools.product(range(5), repeat=6)
    assert len({SPACE.canonical(vector) for vector in vectors}) == 6_466


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        # Nodes 1 and 2 change places.
        (
            "|nor_conv_1x1~0|+|avg_pool_3x3~0|none~1|+|none~0|none~1|none~2|",
            "|avg_pool_3x3~0|+|nor_conv_1x1~0|none~1|+|none~0|none~1|none~2|",
            True,
        ),
        # What nothing hears of.
        (
            "|nor_conv_3x3~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|",
            "|nor_conv_1x1~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|",
            True,
        ),
        (
            "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|none~2|",
            "|nor_conv_1x1~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|none~2|",
            False,
        ),
    ],
)
def test_cells_that_compute_the_same(one, other, same):
    forms = {SPACE.canonical(SPACE.from_key(text)) for text in (one, other)}
    assert (len(forms) == 1) == same


@pytest.mark.parametrize(
    "arguments",
    [
        *({"nodes": nodes} for nodes in (1, 5, "4")),
        *(
            {"operations": some}
            for some in ((), ("pool",), ("none", "none"), "none")
        ),
    ],
)
def test_errors_name_the_argument(arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=f"`{name}`.*Received: {name}="):
        NASBench201Space(**arguments)


@pytest.mark.skipif(not REAL.exists(), reason="needs NAS-Bench-201's table")
def test_its_table_has_every_cell():
    table = ArchitectureTable(REAL, SPACE)
    assert len(table.rows) == SPACE.size
    values = table.values("cifar10_val_accuracy_12_epochs")
    assert max(values.values()) == 84.892


def test_importing_loads_no_framework():
    code = (
        "import sys, search.spaces.nasbench201 as one\n"
        "one.NASBench201Space().canonical((0,) * 6)\n"
        "sys.exit(any(m in sys.modules for m in ('keras', 'tensorflow')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
