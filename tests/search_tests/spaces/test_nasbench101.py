import itertools

import numpy as np
import pytest

from nasnet_keras.kinds.graphs.vertex_module import MAX_EDGES
from search.benchmark.compare import benchmark
from search.spaces.nasbench101 import NASBench101Space

SPACE = NASBench101Space()
# A 3x3 convolution, in two places of seven vertices.
TEXTS = (
    "010/001/000 input conv3x3-bn-relu output",
    "0010/0000/0001/0000 input maxpool3x3 conv3x3-bn-relu output",
)


def vectors(space):
    return itertools.product(
        *(range(len(decision.choices)) for decision in space.decisions)
    )


def test_the_decisions_are_edges_and_operations():
    kinds = [decision.kind for decision in SPACE.decisions]
    assert (kinds.count("input"), kinds.count("operation")) == (21, 5)
    assert SPACE.size == 2**21 * 3**5
    assert SPACE.groups == 6


# 1, 6, 84 and 2,441 modules of NAS-Bench-101 have 2, 3, 4 and 5 vertices.
@pytest.mark.parametrize(("vertices", "modules"), [(3, 7), (4, 91), (5, 2532)])
def test_the_modules_are_those_of_the_benchmark(vertices, modules):
    space = NASBench101Space(vertices)
    assert len({space.canonical(each) for each in vectors(space)}) == modules


def test_27_percent_of_random_vectors_would_be_refused():
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(2000):
        module = SPACE.decode(SPACE.sample(rng))
        assert 1 <= len(module.pruned.edges) <= MAX_EDGES
        matrix = np.zeros((7, 7), int)
        for edge in module.edges:
            matrix[edge] = 1
        # How many paths lead from one vertex to another.
        paths = sum(np.linalg.matrix_power(matrix, n) for n in range(7))
        live = sum(
            paths[0, source] * paths[vertex, 6] > 0
            for source, vertex in module.edges
        )
        refused += not 1 <= live <= MAX_EDGES
    assert refused / 2000 == pytest.approx(0.27, abs=0.03)


def test_a_table_names_modules_by_their_matrix(tmp_path):
    """By any of those that are the same; what it lacks fails."""
    path = tmp_path / "table.csv"
    path.write_text(f"arch,short,long\n{TEXTS[1]},70,80\n")
    forms = {SPACE.canonical(SPACE.from_key(text)) for text in TEXTS}
    assert len(forms) == 1
    results, _ = benchmark(
        path,
        *("short", "long"),
        ["grid"],
        576,
        1,
        space="nasbench101",
        space_options={"vertices": 4},
    )
    assert [(r.search_mean, r.mean) for r in results[-1:]] == [(70, 80)]


def test_modules_of_more_vertices_are_refused():
    with pytest.raises(ValueError, match="at most 3 vertices. Received: 4"):
        NASBench101Space(3).from_key(TEXTS[1])


@pytest.mark.parametrize("vertices", [2, 8, "7", None])
def test_errors_name_the_argument(vertices):
    with pytest.raises(ValueError, match="`vertices`.*Received: vertices="):
        NASBench101Space(vertices)
