"""What a person sees of a run: terminal, report, dashboard."""
