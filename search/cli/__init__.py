"""The command `nasnet-search`."""
