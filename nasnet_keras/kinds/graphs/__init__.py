"""Networks of published benchmarks, a stack of small graphs: `GraphKind`, a
kind a file.

Neither Keras nor TensorFlow is imported here before a network is built.
"""
