"""From proposal to outcome: ask, evaluate, record, tell."""
