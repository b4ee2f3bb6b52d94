"""The commands `nasnet-auto` and `nasnet-train`."""
