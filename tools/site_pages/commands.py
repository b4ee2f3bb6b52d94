"""The pages of the commands, a page a command, with every option."""

import configparser
import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import typer
from typer.cli import get_docs_for_click

SETUP = Path(__file__).parents[2] / "setup.cfg"


def _installed() -> dict[str, str]:
    """The module of each command line that is installed, as its entry point
    names it."""
    setup = configparser.ConfigParser()
    setup.read(SETUP)
    lines = setup["options.entry_points"]["console_scripts"].split("\n")
    modules = {}
    for name, place in (line.split(" = ") for line in lines if line):
        module, function = place.split(":")
        entry = getattr(importlib.import_module(module), function)
        found = re.search(r'start\("([\w.]+)"\)', inspect.getsource(entry))
        modules[name] = found[1] if found else ""
    return modules


COMMANDS = _installed()


def command_of(name: str) -> Any:
    """The command line of that name, as typer runs it."""
    app = importlib.import_module(COMMANDS[name]).app
    return typer.main.get_command(app)


def command_page(name: str) -> str:
    """The page of a command: its sub-commands, their arguments and options."""
    command = command_of(name)
    context = typer.Context(command, info_name=name)
    return get_docs_for_click(obj=command, ctx=context, name=name)
