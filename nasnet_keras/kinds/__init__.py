"""The kinds of architectures, a file each: rows of `architectures.KINDS`."""
