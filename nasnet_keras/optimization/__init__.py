"""Optimizers and losses, as Keras saves them with a model."""
