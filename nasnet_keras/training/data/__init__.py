"""Images: from a data set, a folder or a file to batches."""
