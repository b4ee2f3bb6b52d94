"""What a trained network is worth: metrics, pictures and tables."""
