"""A run: its configuration, its beginning, its record on disk."""
