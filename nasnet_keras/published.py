"""The cells of published networks, as literals, each with its source.

Hidden states are numbered as everywhere in this package: 0 is the current
input h_i, 1 the one before. TF-slim and the TPU code number them so too; the
cells of DARTS and ENAS, whose 0 is the older input, have 0 and 1 swapped
here, which each comment says.

Neither Keras nor TensorFlow is imported here.
"""

from nasnet_keras.genotype import Block, CellSpec, Genotype

# Learning Transferable Architectures for Scalable Image Recognition
# (https://arxiv.org/abs/1707.07012), figure 4: the blocks. What the cells
# concatenate is taken from TF-slim's `nasnet_utils.py`, by which the published
# checkpoints were trained: it includes the normal cell's input h_(i-1) and,
# in the reduction cell, a block output that another block reads, where the
# figure has the unused block outputs alone. The "N @ P" names agree with
# TF-slim: six times 4F filters make NASNet-A (6 @ 4032) of F = 168.
NASNET_A = Genotype(
    normal=CellSpec(
        blocks=(
            Block((0, 1), ("sep_conv_5x5", "sep_conv_3x3")),
            Block((1, 1), ("sep_conv_5x5", "sep_conv_3x3")),
            Block((0, 1), ("avg_pool_3x3", "identity")),
            Block((1, 1), ("avg_pool_3x3", "avg_pool_3x3")),
            Block((0, 0), ("sep_conv_3x3", "identity")),
        ),
        concat=(1, 2, 3, 4, 5, 6),
    ),
    reduction=CellSpec(
        blocks=(
            Block((0, 1), ("sep_conv_5x5", "sep_conv_7x7")),
            Block((0, 1), ("max_pool_3x3", "sep_conv_7x7")),
            Block((0, 1), ("avg_pool_3x3", "sep_conv_5x5")),
            Block((3, 2), ("identity", "avg_pool_3x3")),
            Block((2, 0), ("sep_conv_3x3", "max_pool_3x3")),
        ),
        concat=(3, 4, 5, 6),
    ),
)

# As NASNET_A, with what figure 4 concatenates: the unused block outputs alone.
# DARTS evaluates NASNet-A so.
NASNET_A_FIGURE = Genotype(
    normal=CellSpec(NASNET_A.normal.blocks, concat=(2, 3, 4, 5, 6)),
    reduction=CellSpec(NASNET_A.reduction.blocks, concat=(4, 5, 6)),
)

# The same paper, figure 8, read from the picture; no code was published. Four
# states go in and, one by one, four come out: block k makes input k of the
# next cell. That all hidden states, used or not, are fed to the next layer is
# in the text; that the figure's numbers of the outputs mean this, and that the
# norm of its glyph is layer normalization, is our reading.
NASNET_B = Genotype(
    normal=CellSpec(
        blocks=(
            Block((1, 2), ("sep_conv_5x5", "identity"), "add_layer_norm"),
            Block((0, 3), ("sep_conv_5x5", "sep_conv_3x3"), "add_layer_norm"),
            Block((1, 3), ("sep_conv_3x3", "identity"), "add_layer_norm"),
            Block((0, 1), ("identity", "sep_conv_3x3"), "add_layer_norm"),
        ),
        concat=(4, 5, 6, 7),
        inputs=4,
        separate=True,
    ),
    reduction=CellSpec(
        blocks=(
            Block((0, 1), ("sep_conv_3x3", "sep_conv_3x3"), "add_layer_norm"),
            Block((1, 3), ("sep_conv_3x3", "identity"), "add_layer_norm"),
            Block((2, 3), ("identity", "avg_pool_3x3")),
            Block((0, 4), ("avg_pool_3x3", "conv_1x3_3x1")),
        ),
        concat=(4, 5, 6, 7),
        inputs=4,
        separate=True,
    ),
)

# The same paper, figure 9, read from the picture; no code was published. The
# names "4 @ 640" and "3 @ 960" confirm that a cell makes five times F.
NASNET_C = Genotype(
    normal=CellSpec(
        blocks=(
            Block((0, 0), ("sep_conv_3x3", "sep_conv_5x5")),
            Block(
                (0, 1), ("sep_conv_3x3", "sep_conv_3x3"), "add_instance_norm"
            ),
            Block((0, 1), ("sep_conv_3x3", "sep_conv_3x3"), "concat"),
            Block((1, 1), ("sep_conv_3x3", "conv_1x3_3x1"), "add_layer_norm"),
        ),
        concat=(2, 3, 4, 5),
    ),
    reduction=CellSpec(
        blocks=(
            Block((0, 0), ("max_pool_3x3", "max_pool_3x3"), "concat"),
            Block((0, 1), ("conv_1x7_7x1", "max_pool_3x3"), "add_layer_norm"),
            Block(
                (0, 1), ("max_pool_3x3", "max_pool_3x3"), "add_instance_norm"
            ),
            Block((1, 1), ("sep_conv_7x7", "max_pool_5x5"), "add_layer_norm"),
        ),
        concat=(2, 3, 4, 5),
    ),
)

# Progressive Neural Architecture Search (https://arxiv.org/abs/1712.00559), by
# TF-slim's `pnasnet.py`. One cell; where a reduction is due it is strided. The
# paper's figure 1 concatenates the unused block outputs alone, the code and
# the published checkpoints all five.
_PNASNET_5_CELL = CellSpec(
    blocks=(
        Block((1, 1), ("sep_conv_5x5", "max_pool_3x3")),
        Block((0, 0), ("sep_conv_7x7", "max_pool_3x3")),
        Block((0, 0), ("sep_conv_5x5", "sep_conv_3x3")),
        Block((4, 0), ("sep_conv_3x3", "max_pool_3x3")),
        Block((1, 0), ("sep_conv_3x3", "identity")),
    ),
    concat=(2, 3, 4, 5, 6),
)
# Progressive Neural Architecture Search (https://arxiv.org/abs/1712.00559), by
# TF-slim: the same cell at both strides.
PNASNET_5 = Genotype(normal=_PNASNET_5_CELL, reduction=_PNASNET_5_CELL)

# Regularized Evolution for Image Classifier Architecture Search
# (https://arxiv.org/abs/1802.01548), by `model_specs.py` of the TPU code
# (https://github.com/tensorflow/tpu, models/official/amoeba_net), for this and
# the next three. It concatenates inputs and used states too.
AMOEBANET_A = Genotype(
    normal=CellSpec(
        blocks=(
            Block((0, 0), ("avg_pool_3x3", "max_pool_3x3")),
            Block((1, 1), ("sep_conv_3x3", "identity")),
            Block((0, 1), ("identity", "avg_pool_3x3")),
            Block((0, 2), ("sep_conv_3x3", "sep_conv_5x5")),
            Block((5, 0), ("avg_pool_3x3", "sep_conv_3x3")),
        ),
        concat=(1, 3, 4, 6),
    ),
    reduction=CellSpec(
        blocks=(
            Block((1, 0), ("sep_conv_3x3", "avg_pool_3x3")),
            Block((0, 2), ("max_pool_3x3", "sep_conv_7x7")),
            Block((1, 0), ("max_pool_3x3", "max_pool_3x3")),
            Block((4, 0), ("sep_conv_3x3", "conv_1x7_7x1")),
            Block((1, 0), ("avg_pool_3x3", "sep_conv_7x7")),
        ),
        concat=(2, 3, 4, 5, 6),
    ),
)

# The reduction cell's 5x5 convolution is called `dil_2_separable_5x5_2` there;
# the code that reads the name drops the dilation.
AMOEBANET_B = Genotype(
    normal=CellSpec(
        blocks=(
            Block((1, 1), ("conv_1x1", "max_pool_3x3")),
            Block((1, 0), ("identity", "sep_conv_3x3")),
            Block((1, 0), ("conv_1x1", "sep_conv_3x3")),
            Block((2, 2), ("conv_1x1", "identity")),
            Block((1, 5), ("avg_pool_3x3", "conv_1x1")),
        ),
        concat=(0, 3, 4, 6),
    ),
    reduction=CellSpec(
        blocks=(
            Block((0, 0), ("max_pool_2x2", "max_pool_3x3")),
            Block((2, 1), ("identity", "conv_3x3")),
            Block((2, 2), ("sep_conv_5x5", "max_pool_3x3")),
            Block((3, 1), ("identity", "sep_conv_3x3")),
            Block((4, 3), ("avg_pool_3x3", "conv_1x1")),
        ),
        concat=(5, 6),
    ),
)

# As AMOEBANET_B, by the same paper and code.
AMOEBANET_C = Genotype(
    normal=CellSpec(
        blocks=(
            Block((0, 0), ("avg_pool_3x3", "sep_conv_3x3")),
            Block((0, 0), ("identity", "sep_conv_3x3")),
            Block((2, 1), ("avg_pool_3x3", "sep_conv_3x3")),
            Block((0, 1), ("identity", "sep_conv_3x3")),
            Block((3, 0), ("avg_pool_3x3", "sep_conv_3x3")),
        ),
        concat=(1, 2, 4, 5, 6),
    ),
    reduction=CellSpec(
        blocks=(
            Block((0, 0), ("max_pool_3x3", "max_pool_3x3")),
            Block((2, 0), ("sep_conv_7x7", "sep_conv_3x3")),
            Block((0, 1), ("sep_conv_7x7", "max_pool_3x3")),
            Block((4, 4), ("sep_conv_5x5", "sep_conv_5x5")),
            Block((1, 1), ("max_pool_3x3", "sep_conv_3x3")),
        ),
        concat=(0, 2, 3, 4, 5, 6),
    ),
)

# As AMOEBANET_B, by the same paper and code.
AMOEBANET_D = Genotype(
    normal=CellSpec(
        blocks=(
            Block((1, 1), ("conv_1x1", "max_pool_3x3")),
            Block((1, 0), ("identity", "conv_1x7_7x1")),
            Block((0, 0), ("conv_1x1", "conv_1x7_7x1")),
            Block((2, 2), ("max_pool_3x3", "identity")),
            Block((1, 5), ("avg_pool_3x3", "conv_1x1")),
        ),
        concat=(0, 3, 4, 6),
    ),
    reduction=CellSpec(
        blocks=(
            Block((0, 0), ("max_pool_2x2", "max_pool_3x3")),
            Block((2, 1), ("identity", "conv_3x3")),
            Block((2, 2), ("conv_1x7_7x1", "max_pool_3x3")),
            Block((3, 1), ("identity", "max_pool_2x2")),
            Block((2, 3), ("avg_pool_3x3", "conv_1x1")),
        ),
        concat=(4, 5, 6),
    ),
)

# As DARTS has it (https://github.com/quark0/darts, `cnn/genotypes.py`), 0 and
# 1 swapped. Its inputs are the other way round than in the TPU code, which
# makes another network; which of the two the paper's authors evaluated is not
# known.
AMOEBANET_A_DARTS = Genotype(
    normal=CellSpec(
        blocks=(
            Block((1, 0), ("avg_pool_3x3", "max_pool_3x3")),
            Block((1, 2), ("sep_conv_3x3", "sep_conv_5x5")),
            Block((1, 3), ("sep_conv_3x3", "avg_pool_3x3")),
            Block((0, 0), ("sep_conv_3x3", "identity")),
            Block((1, 0), ("identity", "avg_pool_3x3")),
        ),
        concat=(4, 5, 6),
    ),
    reduction=CellSpec(
        blocks=(
            Block((1, 0), ("avg_pool_3x3", "sep_conv_3x3")),
            Block((1, 2), ("max_pool_3x3", "sep_conv_7x7")),
            Block((1, 0), ("sep_conv_7x7", "avg_pool_3x3")),
            Block((1, 0), ("max_pool_3x3", "max_pool_3x3")),
            Block((1, 5), ("conv_1x7_7x1", "sep_conv_3x3")),
        ),
        concat=(3, 4, 6),
    ),
)

# Efficient Neural Architecture Search via Parameter Sharing
# (https://arxiv.org/abs/1802.03268), the micro search, by
# `scripts/cifar10_micro_final.sh` of the authors' code
# (https://github.com/melodyguan/enas), 0 and 1 swapped.
ENAS_MICRO = Genotype(
    normal=CellSpec(
        blocks=(
            Block((1, 1), ("avg_pool_3x3", "sep_conv_3x3")),
            Block((1, 1), ("identity", "sep_conv_5x5")),
            Block((1, 0), ("identity", "sep_conv_5x5")),
            Block((0, 1), ("sep_conv_3x3", "sep_conv_5x5")),
            Block((1, 0), ("avg_pool_3x3", "sep_conv_5x5")),
        ),
        concat=(2, 3, 4, 5, 6),
    ),
    reduction=CellSpec(
        blocks=(
            Block((0, 0), ("sep_conv_3x3", "sep_conv_3x3")),
            Block((1, 1), ("max_pool_3x3", "avg_pool_3x3")),
            Block((0, 3), ("sep_conv_5x5", "sep_conv_5x5")),
            Block((0, 1), ("sep_conv_3x3", "identity")),
            Block((1, 0), ("max_pool_3x3", "sep_conv_5x5")),
        ),
        concat=(2, 4, 5, 6),
    ),
)

# DARTS: Differentiable Architecture Search (https://arxiv.org/abs/1806.09055),
# first order, by `cnn/genotypes.py` of the authors' code
# (https://github.com/quark0/darts), 0 and 1 swapped. All four block outputs
# are concatenated, used or not.
DARTS_V1 = Genotype(
    normal=CellSpec(
        blocks=(
            Block((0, 1), ("sep_conv_3x3", "sep_conv_3x3")),
            Block((1, 0), ("identity", "sep_conv_3x3")),
            Block((1, 0), ("identity", "sep_conv_3x3")),
            Block((1, 2), ("sep_conv_3x3", "identity")),
        ),
        concat=(2, 3, 4, 5),
    ),
    reduction=CellSpec(
        blocks=(
            Block((1, 0), ("max_pool_3x3", "max_pool_3x3")),
            Block((2, 1), ("identity", "max_pool_3x3")),
            Block((1, 2), ("max_pool_3x3", "identity")),
            Block((2, 1), ("identity", "avg_pool_3x3")),
        ),
        concat=(2, 3, 4, 5),
    ),
)

# As DARTS_V1, of second order.
DARTS_V2 = Genotype(
    normal=CellSpec(
        blocks=(
            Block((1, 0), ("sep_conv_3x3", "sep_conv_3x3")),
            Block((1, 0), ("sep_conv_3x3", "sep_conv_3x3")),
            Block((0, 1), ("sep_conv_3x3", "identity")),
            Block((1, 2), ("identity", "dil_sep_conv_3x3")),
        ),
        concat=(2, 3, 4, 5),
    ),
    reduction=CellSpec(
        blocks=(
            Block((1, 0), ("max_pool_3x3", "max_pool_3x3")),
            Block((2, 0), ("identity", "max_pool_3x3")),
            Block((1, 2), ("max_pool_3x3", "identity")),
            Block((2, 0), ("identity", "max_pool_3x3")),
        ),
        concat=(2, 3, 4, 5),
    ),
)
