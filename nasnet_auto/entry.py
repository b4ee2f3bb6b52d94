"""The entry points of `nasnet-auto` and `nasnet-train`, which tunes too."""

from nasnet_keras.console.entry import start


def main() -> int:
    """Runs the command line; returns the exit code."""
    return start("nasnet_auto.commands.cli")


def train() -> int:
    """Runs the command line `nasnet-train`; returns the exit code."""
    return start("nasnet_auto.commands.train_cli")
