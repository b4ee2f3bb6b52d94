"""Strategies compared on a table of known results."""
