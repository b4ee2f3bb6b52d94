"""Networks where they are used: how long they take.

Nothing is imported here: measuring needs TensorFlow, a command line does not.
"""
