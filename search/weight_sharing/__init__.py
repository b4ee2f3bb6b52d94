"""One network for every cell: children that share their weights.

Read in this order. The network: `shared_network` stacks one `shared_cell`
after another; a cell has a `weight_bank` for each operation and projection; a
bank's layer is computed by `layer_function`, weights in, outputs out.
`channels` says what a cell hands on.

A child: `subnetwork` takes slices of the banks for one genotype, and
`measurement` says how good it is.

The training: `training` trains one child in each step by `momentum`, which
changes only what was used. `child_log` keeps which children were evaluated.
`gradients` learns which child to take.
"""
