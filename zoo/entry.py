"""The entry point of `nasnet-deploy`."""

from nasnet_keras.console.entry import start


def deploy() -> int:
    """Runs the command line `nasnet-deploy`; returns the exit code."""
    return start("zoo.deploy_cli")
