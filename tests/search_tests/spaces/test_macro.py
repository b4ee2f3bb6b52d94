import itertools
from dataclasses import replace

import pytest

from nasnet_keras.kinds.mobile import MNASNET_A1, MobileKind
from search.benchmark.compare import benchmark
from search.spaces.macro import MacroSpace

SPACE, KIND = MacroSpace(), MobileKind()
IMAGES = ((32, 32, 3), 10)


# By the authors' table.
@pytest.mark.parametrize(
    ("key", "trainable", "products"),
    [
        ("00000000", 387_882, 7_713_280),
        ("11111111", 1_588_874, 53_246_464),
        ("22222222", 2_932_586, 105_660_928),
        ("22212220", 1_985_514, 85_164_544),
    ],
)
def test_costs_are_those_published(key, trainable, products):
    cost = KIND.complexity(SPACE.decode(SPACE.from_key(key)), *IMAGES)
    assert cost.trainable_parameters == trainable
    assert cost.multiply_adds == products


def test_networks_are_built_as_they_are_counted():
    for key in ("00000000", "10020012"):
        architecture = SPACE.decode(SPACE.from_key(key))
        model = KIND.build(architecture, *IMAGES)
        cost = KIND.complexity(architecture, *IMAGES)
        assert model.count_params() == cost.parameters
    # Stem, three layers that halve, one of a stage; head.
    names = [layer.name for layer in model.layers if "block" in layer.name]
    assert names == [
        f"block_{number}_layer_1"
        for number in (1, 3, 4, 6, 7, 8)
        if key[number - 1] != "0" or number in (3, 6)
    ]


def test_3969_networks_are_distinct():
    """As the paper counts."""
    vectors = [*itertools.product(range(3), repeat=8)]
    assert len(vectors) == SPACE.size == 6_561
    forms = {SPACE.canonical(vector) for vector in vectors}
    assert len(forms) == 3_969


def test_identities_are_last_in_their_stage():
    def form(key):
        return SPACE.to_key(SPACE.canonical(SPACE.from_key(key)))

    assert form("01002010") == "01020010"
    assert form("10212202") == "10212220"


@pytest.mark.parametrize(
    "key", ["", "0123", "00000003", "000000000", "0000 000"]
)
def test_other_texts_are_refused_with_a_sentence(key):
    with pytest.raises(ValueError, match="Expected 8 digits of 0, 1, 2"):
        SPACE.from_key(key)


def test_what_is_not_in_the_space_is_refused():
    inside = SPACE.decode((0,) * 8)
    for outside in (
        MNASNET_A1,
        replace(inside, stem_strides=2),
        replace(inside, blocks=inside.blocks[:-1]),
        replace(inside, blocks=inside.blocks[::-1]),
    ):
        with pytest.raises(ValueError, match="8 blocks of the space macro"):
            SPACE.encode(outside)


def test_a_table_of_few_rows(tmp_path):
    """Numbers that look like numbers are texts; a row serves for all that are
    the same."""
    path = tmp_path / "table.csv"
    path.write_text(
        "arch,short,long\n00000000,70,80\n01020010,71,83\n22212220,,93\n"
    )
    results, _ = benchmark(
        path, "short", "long", ["grid"], SPACE.size, 1, space="macro"
    )
    assert [(r.search_mean, r.mean) for r in results[-1:]] == [(71, 83)]
