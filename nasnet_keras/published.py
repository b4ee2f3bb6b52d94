"""The cells of published networks, as literals.

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
