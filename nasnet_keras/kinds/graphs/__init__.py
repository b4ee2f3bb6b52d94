"""Networks that are a stack of small graphs: `GraphKind`, a kind a file, and
what its architectures are in another.

Neither Keras nor TensorFlow is imported here before a network is built.
"""
