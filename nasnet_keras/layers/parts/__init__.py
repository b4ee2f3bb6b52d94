"""What layers are made of: convolutions with batch norm, and their parts."""
