"""Trainings to try, how fast they are, and what is recorded of them."""
