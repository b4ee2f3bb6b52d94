"""Architectures that are learnt by gradients, with weights that are shared.

DARTS: `mixture` takes all operations of an edge at once, by their shares;
`mixture_training` trains the weights and the `architecture_parameters`, whose
strongest are the cell that was found.

ProxylessNAS: of paths, layers side by side that all fit, `gated_network`
computes one or two, and `gated_training` trains them and their shares.

`expected_cost` says what choices cost, for losses that weigh it.
"""
