"""What the packages use of Keras beyond its public interface is listed in
docs/architecture.md, and is there in the Keras that is installed."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import keras
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("nasnet_keras", "search", "zoo")
INPUTS = keras.Input((2,))
EXAMPLE = keras.Model(INPUTS, keras.layers.Dense(2)(INPUTS))
SECTION = re.compile(r"## Private parts of Keras\n(.*?)\n## ", re.DOTALL)


def listed():
    """By name of the hook, the class of Keras that has it."""
    (section,) = SECTION.findall(
        (REPOSITORY / "docs" / "architecture.md").read_text()
    )
    rows = re.findall(r"^\| `(\w+)\.(_\w+)` \|", section, re.MULTILINE)
    return {hook: owner for owner, hook in rows}


def used():
    """The private attributes of Keras' classes that any line reads, calls or
    overrides."""
    found = set()
    for package in PACKAGES:
        for path in (REPOSITORY / package).rglob("*.py"):
            text = path.read_text()
            tree = ast.parse(text)
            # Of anything but the object itself.
            for node in ast.walk(tree):
                if isinstance(node, ast.Attribute) and is_private(node.attr):
                    if hasattr(EXAMPLE, node.attr):
                        if ast.unparse(node.value) not in ("self", "cls"):
                            found.add(node.attr)
            if "keras" in text:
                found |= used_by_classes(path, tree)
    return found


def used_by_classes(path, tree):
    """The same, of objects of classes below one of Keras."""
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    found = set()
    for node in tree.body:
        if not (isinstance(node, ast.ClassDef) and node.bases):
            continue
        try:
            module = importlib.import_module(".".join(parts))
        except ImportError:  # of an extra
            continue
        theirs = set()
        for base in inspect.getmro(getattr(module, node.name)):
            if base.__module__.partition(".")[0] == "keras":
                theirs |= set(vars(base))
        found |= theirs & {
            name
            for inner in ast.walk(node)
            for name in [getattr(inner, "attr", getattr(inner, "name", None))]
            if isinstance(inner, ast.Attribute | ast.FunctionDef)
            and is_private(name)
        }
    return found


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def test_all_that_is_used_is_listed():
    assert used() == set(listed())


@pytest.mark.parametrize("hook", listed())
def test_keras_has_it(hook):
    owner = listed()[hook]
    found = getattr(keras, owner, None) or getattr(keras.optimizers, owner)
    assert hasattr(EXAMPLE if found is keras.Model else found, hook), (
        f"Keras {keras.__version__} has no {owner}.{hook}: see "
        "docs/architecture.md, Private parts of Keras."
    )
