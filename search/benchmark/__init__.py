"""Compares strategies on a table of known results."""
