"""Published checkpoints of others, brought into our networks."""
