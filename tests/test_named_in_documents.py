"""What documents, notebooks, benchmarks and scripts of tests import of the
project is there, and so are the files that documents name; and what commands
take by name is in the documents.

A module that moves leaves its name behind in files that no fast test runs.
"""

import ast
import importlib
import re
import typing
from pathlib import Path

import nbformat
import pytest
from site_pages.commands import COMMANDS
from typer.main import get_command

from nasnet_keras.deployment.formats import FORMATS
from nasnet_keras.training.recipes import RECIPES
from search.evaluation import EVALUATORS
from search.executors import EXECUTORS
from search.runs.objective_config import ObjectiveConfig
from search.spaces import SPACES
from search.strategies import STRATEGIES

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGES = ("nasnet_keras", "search", "zoo", "nasnet_auto")
FENCED = re.compile(r"^( *)```python\n(.*?)^ *```", re.DOTALL | re.MULTILINE)


def code_of(path):
    """The Python code of a script, a notebook or a page."""
    if path.suffix == ".py":
        return [path.read_text()]
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        return [
            re.sub("(?m)^%.*", "", cell.source)  # IPython's own lines
            for cell in cells
            if cell.cell_type == "code"
        ]
    return [
        "\n".join(line.removeprefix(indent) for line in block.splitlines())
        for indent, block in FENCED.findall(path.read_text())
    ]


def imports_of(path):
    """The modules and names of the project that a file imports."""
    for code in code_of(path):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Import):
                named = [(alias.name, None) for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                named = [(node.module, alias.name) for alias in node.names]
            else:
                continue
            for module, name in named:
                if module.split(".")[0] in PACKAGES:
                    yield module, name


DOCUMENTS = [
    path
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "benchmarks/**/*.md",
        "benchmarks/**/*.py",
        "tools/**/*.py",
        "tests/**/*.py",
        "notebooks/*.ipynb",
    )
    for path in sorted(REPOSITORY.glob(pattern))
]


@pytest.mark.parametrize(
    "path", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY))
)
def test_what_is_imported_is_there(path):
    for module, name in imports_of(path):
        found = importlib.import_module(module)
        if name is not None and not hasattr(found, name):
            importlib.import_module(f"{module}.{name}")


def test_imports_are_found():
    found = {imported for path in DOCUMENTS for imported in imports_of(path)}
    assert {module.split(".")[0] for module, _ in found} == set(PACKAGES)


@pytest.mark.parametrize(
    "path", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY))
)
def test_what_keras_compiles_with_is_named(path):
    """The third argument of its `compile` are weights of the loss."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        text = "\n".join(cell.source for cell in cells)
    else:
        text = path.read_text()
    assert not re.search(r"\.compile\(\s*[^,()]+,\s*[^,()=]+,\s*\[", text)


COMMAND = re.compile(rf"({'|'.join(COMMANDS)})\b([^|;&`]*)")


def commands_of(path):
    """The command lines of a page: program and words."""
    text = path.read_text()
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        text = "\n".join(cell.source for cell in cells)
    text = text.replace("\\\n", " ")
    blocks = re.findall(r"^ *```.*?^ *```", text, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    # A block that is indented, as notebooks have them.
    lines += re.findall(r"^ {4}nasnet-.*", text, re.MULTILINE)
    # A line of code in a sentence may go on in the next.
    lines += re.findall(r"(?<!`)`([^`]+)`(?!`)", text)
    for line in lines:
        for program, words in COMMAND.findall(line):
            yield program, words.partition(" #")[0].split()


def options_of(program):
    """The options of each command of a program."""
    app = get_command(importlib.import_module(COMMANDS[program]).app)
    commands = getattr(app, "commands", {"": app})
    return {
        name: {"--help"}.union(
            *(
                (*option.opts, *option.secondary_opts)
                for option in command.params
            )
        )
        for name, command in commands.items()
    }


def test_commands_in_documents_have_these_options():
    known = {program: options_of(program) for program in COMMANDS}
    seen = set()
    pages = [path for path in DOCUMENTS if path.suffix in (".md", ".ipynb")]
    for path in pages:
        for program, words in commands_of(path):
            commands = known[program]
            name = next((word for word in words if word in commands), "")
            options = commands.get(name, set().union(*commands.values()))
            named = {
                word.partition("=")[0]
                for word in words
                if re.match("--[a-z]", word)
            }
            seen |= named
            unknown = {word.rstrip(".,:)") for word in named} - options
            assert not unknown, f"{path}: {program} {name} {unknown}"
    assert len(seen) > 30


REWARDS = typing.get_args(ObjectiveConfig.model_fields["reward"].annotation)


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("strategies.md", STRATEGIES),
        ("strategies.md", REWARDS),
        ("evaluators.md", EVALUATORS),
        ("spaces.md", SPACES),
        ("operations.md", EXECUTORS),
        ("guides/deploy.md", FORMATS),
        ("training.md", RECIPES),
    ],
)
def test_what_commands_take_by_name_stands_on_its_page(page, names):
    text = (REPOSITORY / "docs" / page).read_text()
    # In headings and tables, and what is code.
    marked = re.findall(r"^[#|].*|(?s:```.*?```)|`[^`]+`", text, re.MULTILINE)
    missing = set(names) - set(re.findall(r"[\w-]+", " ".join(marked)))
    assert not missing


# Files that whoever follows a recipe, or an export, writes.
PLACEHOLDER = re.compile("NAME|^predict.py")


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_files_that_are_named_are_there(name):
    there = [
        f"/{path.relative_to(REPOSITORY)}"
        for top in (*PACKAGES, "tests", "tools", "benchmarks", "docs")
        for path in (REPOSITORY / top).rglob("*.*")
    ]
    text = (REPOSITORY / name).read_text()
    named = set(re.findall(r"(?<![\w/-])[\w/-]+\.(?:py|md)\b", text))
    assert len(named) > 10
    for each in named:
        if (REPOSITORY / each).exists() or PLACEHOLDER.search(each):
            continue
        assert any(path.endswith(f"/{each}") for path in there), each
