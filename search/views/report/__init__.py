"""Runs beside each other on one page."""
