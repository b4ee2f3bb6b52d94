"""The layers of a network: operations, combiners, and the cell made of them."""
