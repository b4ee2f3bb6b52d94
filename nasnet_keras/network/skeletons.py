"""Frames: how papers stack cells to a network.

A frame plans a network as data: the convolutions of the stem, then the cells,
each with its filters and with what it reads. `build.py` builds it and
`complexity.py` counts it by the same plan.

Sizes follow from strides counted here, never from tensor shapes, so that
every input size gives the same network.
"""

from dataclasses import dataclass
from typing import Literal

from nasnet_keras.genotype import Projection

Stem = Literal["cifar", "imagenet"]
Size = tuple[int, int]  # height and width


@dataclass(frozen=True)
class Frame:
    """How cells are stacked, where the papers differ.

    Attributes:
        cells_per_repeat: The normal cells, of all stages together, for each
            of the `repeats` of a network: 3 where `repeats` counts those of a
            stage, 1 where it counts all cells.
        extra_reductions: Whether the reduction cells, at a third and at two
            thirds of the normal cells, come in addition to them, or the cell
            at that place is itself the reduction cell.
        projection: Which inputs a cell projects, see `Cell`. Where it is not
            `"needed"`, the first cell takes the stem for both its inputs.
        stem_cells: Whether the ImageNet stem is a convolution and two
            reduction cells, or three convolutions.
        activate_features: Whether an activation comes before the global pool.
        classifier_bias: Whether the classifier has a bias.
        auxiliary: The cell that the auxiliary head reads, counted from the
            second reduction cell.
    """

    cells_per_repeat: int = 3
    extra_reductions: bool = True
    projection: Projection = "needed"
    stem_cells: bool = True
    activate_features: bool = True
    classifier_bias: bool = True
    auxiliary: int = -1


FRAMES: dict[str, Frame] = {
    # TF-slim, `nasnet.py`; the TPU code of AmoebaNet, `model_builder.py`.
    "nasnet": Frame(),
    # TF-slim, `pnasnet.py`.
    "pnasnet": Frame(extra_reductions=False),
    # https://github.com/melodyguan/enas, `micro_child.py`.
    "enas": Frame(projection="twice", classifier_bias=False, auxiliary=1),
    # https://github.com/quark0/darts, `cnn/model.py`.
    "darts": Frame(
        cells_per_repeat=1,
        extra_reductions=False,
        projection="all",
        stem_cells=False,
        activate_features=False,
        auxiliary=0,
    ),
}


@dataclass(frozen=True)
class PlannedConvolution:
    """A 3x3 convolution of the stem, with its batch norm.

    Attributes:
        name: What the names of its layers begin with.
        filters: Its filters.
        strides: 1 or 2.
        padding: `"same"` or `"valid"`.
        activate: Whether an activation comes before it.
    """

    name: str
    filters: int
    strides: int
    padding: Literal["same", "valid"] = "same"
    activate: bool = False


@dataclass(frozen=True)
class PlannedCell:
    """The place of one cell in the stack.

    Attributes:
        name: The name of its layer.
        reduction: Whether it is the reduction cell.
        filters: Its F.
        inputs: Which outputs it reads, the current one first. Outputs are
            numbered from 0: those of the stem's convolutions, then those of
            the cells.
        input_strides: By how much each must be divided to have the size of
            the first; of an output of separate states one for each.
    """

    name: str
    reduction: bool
    filters: int
    inputs: tuple[int, ...]
    input_strides: tuple[int, ...]

    @property
    def strides(self) -> int:
        return 2 if self.reduction else 1


def plan_stem(
    filters: int,
    stem: Stem = "cifar",
    stem_filters: int | None = None,
    frame: str = "nasnet",
) -> tuple[PlannedConvolution, ...]:
    """The convolutions of a stem.

    Args:
        filters: F, the filters of the first stage.
        stem: `"cifar"` or `"imagenet"`. Default `"cifar"`.
        stem_filters: The filters of the stem's (last) convolution. Default:
            3F with the CIFAR stem; with the ImageNet stem 32 (TF-slim,
            Mobile), or F in the frame of DARTS.
        frame: A key of `FRAMES`. Default `"nasnet"`.
    """
    if stem == "cifar":
        return (PlannedConvolution("stem", stem_filters or 3 * filters, 1),)
    if FRAMES[frame].stem_cells:
        return (PlannedConvolution("stem", stem_filters or 32, 2, "valid"),)
    width = stem_filters or filters
    return (
        PlannedConvolution("stem_0", width // 2, 2),
        PlannedConvolution("stem_1", width, 2, activate=True),
        PlannedConvolution("stem_2", width, 2, activate=True),
    )


def plan_cells(
    repeats: int,
    filters: int,
    stem: Stem = "cifar",
    skip_reduction_layer_input: bool = False,
    frame: str = "nasnet",
    separate_states: int | None = None,
) -> tuple[PlannedCell, ...]:
    """The stack of cells: normal cells, and at a third and two thirds of them
    a reduction cell, which doubles the filters. Behind the ImageNet stem of
    most frames two more reduction cells come first, with a quarter and half
    of the filters.

    Args:
        repeats: N, the normal cells of each of the three stages; in the frame
            of DARTS the number of all cells.
        filters: F, the filters of the first stage.
        stem: `"cifar"` or `"imagenet"`. Default `"cifar"`.
        skip_reduction_layer_input: Which output the normal cell straight
            after a reduction takes for the one before: that of the cell
            before the reduction (False, the default: NASNet-A Mobile and
            CIFAR) or of the cell before that one (True: Large).
        frame: A key of `FRAMES`. Default `"nasnet"`.
        separate_states: How many states each cell hands on one by one, to the
            next cell alone (NASNet-B). Default None: one output, to the next
            two cells.

    Returns:
        The cells in order.

    Example:

    >>> [cell.filters for cell in plan_cells(repeats=1, filters=8)]
    [8, 16, 16, 32, 32]
    """
    parts = FRAMES[frame]
    cells: list[PlannedCell] = []
    scales: list[int] = []  # by how much each output was divided
    for convolution in plan_stem(filters, stem, frame=frame):
        scales.append((scales or [1])[-1] * convolution.strides)
    stems = len(scales)

    def add(
        name: str, reduction: bool, filters: int, inputs: tuple[int, ...]
    ) -> None:
        current = scales[inputs[0]]
        strides = tuple(current // scales[source] for source in inputs)
        if separate_states and inputs[0] >= stems:
            strides *= separate_states
        cells.append(PlannedCell(name, reduction, filters, inputs, strides))
        scales.append(current * (2 if reduction else 1))

    def previous() -> tuple[int, ...]:
        newest = len(scales) - 1
        if separate_states:
            return (newest,)
        if newest:
            return (newest, newest - 1)
        return (0,) if parts.projection == "needed" else (0, 0)

    if stem == "imagenet" and parts.stem_cells:
        for number, divisor in enumerate((4, 2)):
            width = filters // divisor
            add(f"stem_cell_{number}", True, width, previous())
    count = repeats * parts.cells_per_repeat
    reductions = (count // 3, 2 * count // 3)
    for number in range(count):
        inputs = before = previous()
        if number in reductions:
            filters *= 2
            which = reductions.index(number) + 1
            add(f"reduction_cell_{which}", True, filters, before)
            if not parts.extra_reductions:
                continue
            inputs = previous()
            if skip_reduction_layer_input:
                inputs = (inputs[0], before[1])
        add(f"cell_{number}", False, filters, inputs)
    return tuple(cells)


def divided(size: Size, strides: tuple[int, int]) -> Size:
    """The size after SAME strides."""
    return -(-size[0] // strides[0]), -(-size[1] // strides[1])
