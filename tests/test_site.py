"""The site names everything: public names, commands, options, pages."""

import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from site_pages.commands import (
    COMMANDS,
    command_of,
    command_page,
)
from site_pages.documents import (
    DOCUMENTS,
    lesson_page,
    lessons,
    site_links,
)
from site_pages.reference import (
    GROUPS,
    docstring_of,
    fenced,
    homes,
    public,
    reference_page,
)

REPOSITORY = Path(__file__).resolve().parents[1]
CONFIG = yaml.safe_load((REPOSITORY / "mkdocs.yml").read_text())


def pages_of(entries):
    """The pages of a navigation."""
    for entry in entries:
        for place in [entry] if isinstance(entry, str) else entry.values():
            yield from [place] if isinstance(place, str) else pages_of(place)


NAVIGATION = list(pages_of(CONFIG["nav"]))


@pytest.mark.parametrize("package", GROUPS)
def test_every_public_name_has_a_docstring_and_a_place(package):
    page = reference_page(package).splitlines()
    for name in public(package):
        assert docstring_of(package, name), f"{package}.{name}"
        assert page.count(f"::: {package}.{name}") == 1, name
    assert f"reference/{package}.md" in NAVIGATION


def code_of(path):
    """The Python of a page or a notebook, and what surrounds it."""
    text = path.read_text()
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        return "\n".join("".join(cell["source"]) for cell in cells)
    return text


def test_every_name_that_a_page_imports_has_a_place():
    known = {
        f"{package}.{name}"
        for package, groups in GROUPS.items()
        for names in groups.values()
        for name in names
    } | {
        f"{home}.{name}"
        for package in GROUPS
        for name, home in homes(package).items()
    }
    imports = re.compile(
        r"^ *from ((?:nasnet_auto|nasnet_keras|search|zoo)\b[\w.]*) "
        r"import (\([^)]*\)|.*)$",
        re.M,
    )
    missing = {
        f"{path.name}: {module}.{name}"
        for path in [
            REPOSITORY / "README.md",
            *(REPOSITORY / "docs").rglob("*.md"),
            *(REPOSITORY / "notebooks").glob("*.ipynb"),
        ]
        for module, names in imports.findall(code_of(path))
        for name in re.findall(r"\w+", names)
        if f"{module}.{name}" not in known
    }
    assert not missing


def test_every_wing_has_a_page():
    wings = {path.parent.name for path in REPOSITORY.glob("*/__init__.py")}
    assert wings == set(GROUPS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_stands_on_a_page(name):
    page = command_page(name)
    command = command_of(name)
    for each, found in getattr(command, "commands", {name: command}).items():
        assert f"`{each}`" in page or f"`{name} {each}`" in page
        for parameter in found.params:
            argument = parameter.param_type_name == "argument"
            shown = [parameter.metavar] if argument else parameter.opts
            for text in shown:
                assert f"`{text or parameter.name}" in page, text
    assert f"commands/{name}.md" in NAVIGATION


def test_every_command_that_is_installed_is_there():
    setup = (REPOSITORY / "setup.cfg").read_text()
    assert set(re.findall(r"^    (nasnet-\w+) = ", setup, re.M)) == set(
        COMMANDS
    )
    # It is put together of two modules.
    assert {"run", "tune"} <= command_of("nasnet-train").commands.keys()


def test_every_page_is_in_the_navigation_once():
    written = {
        path.relative_to(REPOSITORY / "docs").as_posix()
        for path in (REPOSITORY / "docs").rglob("*.md")
    }
    generated = {
        *(f"commands/{name}.md" for name in COMMANDS),
        *(f"reference/{name}.md" for name in GROUPS),
        *DOCUMENTS,
        *lessons(),
        "gallery.md",
    }
    assert sorted(NAVIGATION) == sorted(written | generated)


def test_links_lead_to_pages_of_the_site():
    guide = REPOSITORY / "docs" / "guides" / "a.md"
    assert site_links("[c](../../CONTRIBUTING.md#b)", guide) == (
        "[c](../contributing.md#b)"
    )
    readme = REPOSITORY / "benchmarks" / "README.md"
    assert site_links("[d](../docs/zoo.md)", readme) == "[d](zoo.md)"
    assert site_links("[e](https://a.org/b.md)", readme) == (
        "[e](https://a.org/b.md)"
    )


def test_a_lesson_has_its_code_and_its_pictures():
    page, *others = map(lesson_page, lessons().values())
    assert page.startswith("# ")
    assert "```python" in page
    assert "data:image/png;base64," in page
    for each in (page, *others):
        assert "\x1b" not in each


def test_examples_are_fenced():
    text = "One.\n\nExample:\n\n>>> 1\n1\n\nEnd."
    assert fenced(text) == (
        "One.\n\n**Example**\n\n```pycon\n>>> 1\n1\n```\n\nEnd."
    )
    assert "```" not in fenced(inspect.getdoc(fenced))


@pytest.mark.large
def test_the_site_is_built_strictly(tmp_path):
    missing = [
        name
        for name in ("mkdocs", "material", "mkdocstrings_handlers")
        if importlib.util.find_spec(name) is None
    ]
    if missing:
        pytest.skip(f"the extra `docs` is not installed: no {missing[0]}")
    site = tmp_path / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", site],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "NO_MKDOCS_2_WARNING": "1",
            "NASNET_GALLERY": str(tmp_path / "gallery"),
            "NASNET_GALLERY_TRIALS": "2",
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert (site / "reference" / "zoo.html").is_file()
    assert "regularized-evolution" in (
        site / "pictures" / "report.html"
    ).read_text(encoding="utf-8")
