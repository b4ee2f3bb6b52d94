"""What a search remembers: its memory on disk."""

from search.storage.sqlite import SQLiteStorage

__all__ = ["SQLiteStorage"]
