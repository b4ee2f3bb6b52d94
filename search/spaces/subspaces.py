"""The spaces of other papers that are spaces of cells of the NASNet kind.

Each with the source of its operations, its number of blocks and its number of
cells. All add, none concatenates. Names of operations are those of
`OPERATION_NAMES`; where a paper means something else by one, its comment says
so. Left aside is what is no choice of a space: how cells are stacked, and the
form of an operation (`Conventions`).

What no block of a cell reads is concatenated, where nothing else is said.

Neither Keras nor TensorFlow is imported here.
"""

from search.spaces.nasnet import NASNetSpace

# Progressive Neural Architecture Search (https://arxiv.org/abs/1712.00559).
# The eight by `PNAS_OPS` of facebookresearch/unnas,
# `pycls/models/nas/genotypes.py`, and the same in microsoft/nni,
# `nni/nas/hub/pytorch/nasnet.py`; in their order. Their dilated convolution is
# separable; the paper calls it "3x3 dilated convolution" as NASNet's does, and
# that one stands here. One cell, with strides 2 where a reduction is due:
# TF-slim, `pnasnet.py`. DARTS' paper counts 5.6e14 cells, as many as here.
PNASNET = NASNetSpace(
    blocks=5,
    combiners=("add",),
    operations=(
        "sep_conv_3x3",
        "sep_conv_5x5",
        "sep_conv_7x7",
        "conv_1x7_7x1",
        "identity",
        "avg_pool_3x3",
        "max_pool_3x3",
        "dil_conv_3x3",
    ),
    cells=1,
)

# Efficient Neural Architecture Search via Parameter Sharing
# (https://arxiv.org/abs/1802.03268), the micro search, by the authors' code
# (https://github.com/melodyguan/enas), `src/cifar10/micro_child.py` and
# `scripts/cifar10_micro_final.sh`: operations 0 to 4, five blocks, two cells.
# There an input that no block reads is concatenated too; here it is not.
ENAS = NASNetSpace(
    blocks=5,
    combiners=("add",),
    operations=(
        "sep_conv_3x3",
        "sep_conv_5x5",
        "avg_pool_3x3",
        "max_pool_3x3",
        "identity",
    ),
)

# DARTS: Differentiable Architecture Search (https://arxiv.org/abs/1806.09055),
# by `PRIMITIVES` in `cnn/genotypes.py` of the authors' code
# (https://github.com/quark0/darts): seven and none, four blocks, two cells.
# A cell concatenates all of its blocks, read or not. There the two sides of a
# block read two states; here they may read one.
DARTS = NASNetSpace(
    blocks=4,
    combiners=("add",),
    operations=(
        "none",
        "max_pool_3x3",
        "avg_pool_3x3",
        "identity",
        "sep_conv_3x3",
        "sep_conv_5x5",
        "dil_sep_conv_3x3",
        "dil_sep_conv_5x5",
    ),
    concat="all",
)

# Regularized Evolution for Image Classifier Architecture Search
# (https://arxiv.org/abs/1802.01548), section "Methods Details", in its order.
# It does not say how often the dilated separable convolution is applied: once
# here, as in DARTS; twice in facebookresearch/unnas and microsoft/nni, whose
# `AMOEBA_OPS` are the same eight. AmoebaNet-B and D have operations beside
# these.
AMOEBANET = NASNetSpace(
    blocks=5,
    combiners=("add",),
    operations=(
        "identity",
        "sep_conv_3x3",
        "sep_conv_5x5",
        "sep_conv_7x7",
        "avg_pool_3x3",
        "max_pool_3x3",
        "dil_sep_conv_3x3",
        "conv_1x7_7x1",
    ),
)
