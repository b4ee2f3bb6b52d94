"""How long networks take: measured, or predicted by a table of operations."""
