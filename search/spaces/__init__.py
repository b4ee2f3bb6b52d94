"""What can be searched: a space a file."""
