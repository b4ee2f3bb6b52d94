"""Networks of cells as presets, and the settings that several families share,
as arguments of `cells`."""

from collections.abc import Mapping
from typing import Any

from nasnet_keras.genotype import Genotype
from zoo.preset import Figures, Preset, Recount

CIFAR: dict[str, Any] = {"stem": "cifar", "image_size": 32}
# The stem keeps the 32 filters that are the default of the TPU code: with them
# the multiply-adds are those of the papers, with 96 they are more.
TPU: dict[str, Any] = {"conventions": {"convolution_form": "bottleneck"}}
FACTORIZED: dict[str, Any] = {"conventions": {"strided_identity": "factorized"}}

# TF-slim's momentum and epsilon of batch norms.
_BATCH_NORMS = {"imagenet": (0.9997, 1e-3), "cifar": (0.9, 1e-5)}


def cells(
    title: str,
    genotype: Genotype,
    repeats: int,
    filters: int,
    published: Figures,
    recount: Recount,
    *,
    stem: str = "imagenet",
    stem_filters: int | None = None,
    frame: str = "nasnet",
    skip_reduction_layer_input: bool = False,
    image_size: int = 224,
    conventions: Mapping[str, Any] = {},
    batch_norm: tuple[float, float] | None = None,
    note: str = "",
) -> Preset:
    """A network of cells. What is not named here is as of `Preset`.

    Args:
        title: Its name in the paper.
        genotype: Its cells.
        repeats: N, or what the frame calls repeats.
        filters: F.
        published: The paper's figures.
        recount: Ours.
        stem: `"imagenet"` or `"cifar"`, which its classes follow.
        stem_filters: The filters of the stem's convolution, None for the
            default of its frame.
        frame: A key of `nasnet_keras.network.skeletons.FRAMES`.
        skip_reduction_layer_input: See
            `nasnet_keras.network.skeletons.plan_cells`.
        image_size: Height and width of its images.
        conventions: Those that are not the default.
        batch_norm: None for TF-slim's of the stem.
        note: What else one should know.
    """
    return Preset(
        title,
        genotype,
        published,
        recount,
        arguments={
            "repeats": repeats,
            "filters": filters,
            "stem": stem,
            "stem_filters": stem_filters,
            "skip_reduction_layer_input": skip_reduction_layer_input,
            "frame": frame,
        },
        image_size=image_size,
        classes=1000 if stem == "imagenet" else 10,
        conventions=conventions,
        batch_norm=batch_norm or _BATCH_NORMS[stem],
        note=note,
    )
