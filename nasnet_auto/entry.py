"""The entry point of `nasnet-auto`."""

from nasnet_keras.entry import start


def main() -> int:
    """Runs the command line; returns the exit code."""
    return start("nasnet_auto.cli")
