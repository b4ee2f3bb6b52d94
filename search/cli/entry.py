"""The entry point of `nasnet-search`."""

from nasnet_keras.console.entry import start


def main() -> int:
    """Runs the command line; returns the exit code."""
    return start("search.cli.app")
