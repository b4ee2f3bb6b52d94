"""What mkdocstrings cannot read from the source: names that a package hands
on lazily, builders that a function makes, comments above constants, and
examples without a fence.
"""

import inspect
import logging
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import griffe

sys.path.insert(0, str(Path(__file__).parents[1]))

from site_pages.reference import (
    GROUPS,
    comment_above,
    docstring_of,
    fenced,
    homes,
)

# mkdocs counts the warnings of this logger, and a strict build fails by them.
logger = logging.getLogger("mkdocs.plugins.site")


class PublicNames(griffe.Extension):
    """Completes the packages of the project."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        if pkg.path not in GROUPS:
            return
        for name, home in homes(pkg.path).items():
            said = docstring_of(pkg.path, name)
            if not said:
                logger.warning("%s.%s has no docstring.", pkg.path, name)
            if home.partition(".")[0] == pkg.path:
                _complete(pkg, home, name, said)
            pkg.set_member(name, griffe.Alias(name, f"{home}.{name}"))
        for name in chain.from_iterable(GROUPS[pkg.path].values()):
            if "." in name:
                _comment(pkg, name)
        _fence(pkg, set())


def _comment(pkg: griffe.Module, name: str) -> None:
    """Gives a constant of a module the comment above it."""
    member = pkg[name]
    if member.is_alias:
        member = pkg[member.target_path.split(".")[1:]]
    if member.is_attribute and member.docstring is None:
        said = comment_above(Path(str(member.filepath)), member.name)
        if not said:
            logger.warning("%s has no comment.", member.path)
        member.docstring = griffe.Docstring(
            said, parent=member, parser=griffe.Parser.google
        )


def _complete(pkg: griffe.Module, home: str, name: str, said: str) -> None:
    """Gives a name of the package what is said of it, where its source does
    not say it."""
    module = pkg[home.split(".")[1:]]
    member = module.members[name]
    value = getattr(sys.modules[home], name)
    written = not member.is_alias and member.is_function
    if inspect.isfunction(value) and not written:
        # Made by a function, or imported from another project.
        source = value.__module__
        path = Path(str(sys.modules[source].__file__))
        member = griffe.inspect(source, filepath=path).members[value.__name__]
        module.set_member(name, member)
        if source.partition(".")[0] != pkg.path:
            said = said.partition("\n\n")[0]  # The rest is in their style.
    elif member.is_alias or member.docstring is not None:
        return
    member.docstring = griffe.Docstring(
        said, parent=member, parser=griffe.Parser.google
    )


def _fence(module: Any, seen: set[str]) -> None:
    """Fences the examples of all docstrings below."""
    if module.is_alias or module.path in seen:
        return
    seen.add(module.path)
    if module.docstring is not None:
        module.docstring.value = fenced(module.docstring.value)
    for member in module.members.values():
        _fence(member, seen)
