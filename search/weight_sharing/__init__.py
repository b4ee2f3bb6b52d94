"""One network for every cell: children that share their weights."""
