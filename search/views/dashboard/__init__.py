"""Runs followed in the browser."""
