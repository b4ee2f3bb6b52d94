"""What can be done with a run that has found something."""
