"""The entry points of `nasnet-train` and `nasnet-deploy`."""

from nasnet_keras.entry import start


def train() -> int:
    """Runs the command line `nasnet-train`; returns the exit code."""
    return start("zoo.train_cli")


def deploy() -> int:
    """Runs the command line `nasnet-deploy`; returns the exit code."""
    return start("zoo.deploy_cli")
