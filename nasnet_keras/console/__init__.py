"""What commands share: how they begin, and what they say."""
