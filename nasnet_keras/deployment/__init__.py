"""Networks where they are used: fused for inference, and how long they take.

Nothing is imported here: measuring needs TensorFlow, a command line does not.
"""
