"""The pages of the commands, a page a command, with every option."""

import importlib
from typing import Any

import typer
from typer.cli import get_docs_for_click

# The module and the attribute of each command line.
COMMANDS = {
    "nasnet-auto": "nasnet_auto.cli",
    "nasnet-search": "search.cli.app",
    "nasnet-train": "zoo.train_cli",
    "nasnet-deploy": "zoo.deploy_cli",
}


def command_of(name: str) -> Any:
    """The command line of that name, as typer runs it."""
    app = importlib.import_module(COMMANDS[name]).app
    return typer.main.get_command(app)


def command_page(name: str) -> str:
    """The page of a command: its sub-commands, their arguments and options."""
    command = command_of(name)
    context = typer.Context(command, info_name=name)
    return get_docs_for_click(obj=command, ctx=context, name=name)
