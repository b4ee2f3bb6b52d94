import numpy as np
import pytest

from nasnet_keras.network.build import build_network, load_model
from nasnet_keras.network.complexity import genotype_complexity
from nasnet_keras.network.model_cost import multiply_adds
from nasnet_keras.network.skeletons import FRAMES, plan_cells, plan_stem
from nasnet_keras.published import (
    AMOEBANET_B,
    DARTS_V2,
    NASNET_B,
    NASNET_C,
    PNASNET_5,
)

EVERY = pytest.mark.parametrize("frame", FRAMES)


def reductions(cells):
    return [number for number, cell in enumerate(cells) if cell.reduction]


def test_nasnet_has_reduction_cells_between_its_stages():
    cells = plan_cells(6, 32)
    assert reductions(cells) == [6, 13]
    assert len(cells) == 20
    # The cell after a reduction still reads the cell before it.
    assert cells[7].inputs == (7, 6)
    assert cells[7].input_strides == (1, 2)
    skipping = plan_cells(6, 32, skip_reduction_layer_input=True)
    assert skipping[7].inputs == (7, 5)
    assert skipping[7].input_strides == (1, 2)
    assert skipping[8] == cells[8]


def test_pnasnet_strides_the_cell_at_a_third_and_two_thirds():
    """TF-slim: 12 cells, Large; 9, Mobile; reductions at 4, 8 and 3, 6."""
    for repeats, places in ((4, [4, 8]), (3, [3, 6])):
        cells = plan_cells(repeats, 54, frame="pnasnet")
        assert len(cells) == 3 * repeats
        assert reductions(cells) == places
    behind = plan_cells(4, 216, "imagenet", frame="pnasnet")
    assert reductions(behind) == [0, 1, 6, 10]
    assert [cell.filters for cell in behind[:3]] == [54, 108, 216]
    assert behind[6].filters == 432
    assert behind[7].inputs == (7, 6)
    assert behind[7].input_strides == (1, 2)


def test_darts_counts_all_cells():
    """quark0/darts: 20 cells on CIFAR, 14 on ImageNet."""
    assert reductions(plan_cells(20, 36, frame="darts")) == [6, 13]
    cells = plan_cells(14, 48, "imagenet", frame="darts")
    assert reductions(cells) == [4, 9]
    # It reads the last two of the stem's three convolutions.
    assert cells[0].inputs == (2, 1)
    assert cells[0].input_strides == (1, 2)
    stem = plan_stem(48, "imagenet", frame="darts")
    assert [unit.filters for unit in stem] == [24, 48, 48]
    assert [unit.activate for unit in stem] == [False, True, True]


def test_enas_has_reduction_cells_in_addition():
    """melodyguan/enas: 15 layers and 2 more."""
    cells = plan_cells(5, 36, frame="enas")
    assert len(cells) == 17
    assert reductions(cells) == [5, 11]
    assert cells[0].inputs == (0, 0)


def test_separate_states_go_to_the_next_cell_alone():
    """NASNet-B: the stem stands for all four, then each cell hands on four."""
    cells = plan_cells(1, 8, "imagenet", separate_states=4)
    assert [cell.inputs for cell in cells] == [(n,) for n in range(7)]
    assert cells[0].input_strides == (1,)
    assert {cell.input_strides for cell in cells[1:]} == {(1, 1, 1, 1)}


@EVERY
@pytest.mark.parametrize(
    "stem", ["cifar", pytest.param("imagenet", marks=pytest.mark.large)]
)
def test_what_is_built_is_what_is_counted(frame, stem, tmp_path):
    arguments = {
        "input_shape": (33, 32, 3),
        "classes": 5,
        "repeats": 3 if frame == "darts" else 1,
        "filters": 8,
        "stem": stem,
        "frame": frame,
        "conventions": {"strided_identity": "factorized"},
    }
    model = build_network(AMOEBANET_B, **arguments)
    cost = genotype_complexity(AMOEBANET_B, **arguments)
    assert cost.parameters == model.count_params()
    assert cost.trainable_parameters == sum(
        int(np.prod(weight.shape)) for weight in model.trainable_weights
    )
    assert cost.multiply_adds == multiply_adds(model)
    images = np.random.default_rng(0).normal(size=(2, 33, 32, 3))
    path = tmp_path / "model.keras"
    model.save(path)
    np.testing.assert_array_equal(load_model(path)(images), model(images))


@pytest.mark.parametrize("genotype", [NASNET_B, NASNET_C, PNASNET_5, DARTS_V2])
@pytest.mark.one_in(3)
def test_other_cells_are_counted_as_they_are_built(genotype):
    model = build_network(genotype, repeats=1, filters=4)
    cost = genotype_complexity(genotype, repeats=1, filters=4)
    assert cost.parameters == model.count_params()
    assert cost.multiply_adds == multiply_adds(model)


@EVERY
@pytest.mark.one_in(2)
def test_the_auxiliary_head_reads_where_the_frame_says(frame):
    """Before the second reduction; in ENAS and DARTS after it."""
    model = build_network(
        PNASNET_5,
        (24, 24, 3),
        repeats=3 if frame == "darts" else 1,
        filters=4,
        frame=frame,
        auxiliary_head=True,
    )
    size = model.get_layer("auxiliary_head").input.shape[1]
    assert size == (12 if frame in ("nasnet", "pnasnet") else 6)


@EVERY
@pytest.mark.one_in(2)
def test_a_pyramid_halves_at_each_level(frame):
    model = build_network(
        PNASNET_5,
        (64, 64, 3),
        repeats=3 if frame == "darts" else 1,
        filters=8,
        stem="imagenet",
        frame=frame,
        features=True,
    )
    sizes = {name: output.shape[1] for name, output in model.output.items()}
    expected = {"P1": 32, "P2": 16, "P3": 8, "P4": 4, "P5": 2}
    if frame != "darts":
        # Its convolution pads nothing: 31 positions of 64.
        expected["P1"] = 31
    assert sizes == expected


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"frame": "resnet"}, "`frame`"),
        ({"frame": ["nasnet"]}, "`frame`"),
        ({"frame": "darts", "repeats": 2}, "`repeats`"),
        ({"frame": "darts", "stem": "imagenet", "stem_filters": 1}, "`stem_f"),
        (
            {"frame": "pnasnet", "skip_reduction_layer_input": True},
            "`skip_reduction_layer_input`",
        ),
    ],
)
def test_errors_name_the_argument(arguments, named):
    for build in (build_network, genotype_complexity):
        with pytest.raises(ValueError, match=f"{named}.*Received"):
            build(PNASNET_5, **arguments)
    with pytest.raises(ValueError, match="`skip_reduction_layer_input`"):
        build_network(NASNET_B, skip_reduction_layer_input=True)
