"""What says how good an architecture is: an evaluator a file."""
