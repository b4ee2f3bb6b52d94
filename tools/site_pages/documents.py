"""Pages of the site that lie elsewhere in the repository: documents of its
root, and notebooks as lessons."""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]

# By the name of the page.
DOCUMENTS = {
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "security.md": "SECURITY.md",
    "benchmarks.md": "benchmarks/README.md",
}
# `model.summary()` has them in its stored output.
TERMINAL_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)((?:#[^)]*)?)\)")


def document_page(page: str) -> str:
    """A document, its links those of the site."""
    source = REPOSITORY / DOCUMENTS[page]
    return site_links(source.read_text(), source)


def site_links(text: str, source: Path) -> str:
    """The text of a document with the links that it has on the site.

    Args:
        text: Markdown.
        source: The file that it is of.
    """

    def replaced(match: re.Match[str]) -> str:
        target = (source.parent / match[1]).resolve()
        if not target.is_relative_to(REPOSITORY):
            return match[0]
        return f"]({_page_of(target, source, match[1])}{match[2]})"

    return _LINK.sub(replaced, text)


def _page_of(target: Path, source: Path, link: str) -> str:
    """The link on the site to a file of the repository."""
    name = target.relative_to(REPOSITORY).as_posix()
    depth = 0
    if source.is_relative_to(REPOSITORY / "docs"):
        depth = len(source.relative_to(REPOSITORY / "docs").parts) - 1
    top = "../" * depth
    for page, document in DOCUMENTS.items():
        if name == document:
            return top + page
    if name.startswith("docs/"):
        return top + name.removeprefix("docs/")
    if name.startswith("notebooks/"):
        return f"{top}lessons/{target.stem}.md"
    return link


def lessons() -> dict[str, Path]:
    """The notebooks, by the names of their pages."""
    found = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
    return {f"lessons/{path.stem}.md": path for path in found}


def lesson_page(path: Path) -> str:
    """A notebook with its outputs as a page."""
    notebook = json.loads(path.read_text())
    parts = [
        part
        for cell in notebook["cells"]
        for part in (
            ["".join(cell["source"])]
            if cell["cell_type"] == "markdown"
            else _code_parts(cell)
        )
    ]
    text = "\n\n".join(parts)
    # Notebooks name each other by their files.
    return re.sub(r"\(\s*(\w+)\.ipynb\)", r"(\1.md)", text) + "\n"


def _code_parts(cell: dict[str, Any]) -> Iterator[str]:
    yield "```python\n" + "".join(cell["source"]) + "\n```"
    for output in cell["outputs"]:
        data = output.get("data", {})
        if "image/png" in data:
            picture = "".join("".join(data["image/png"]).split())
            yield f'<img alt="" src="data:image/png;base64,{picture}">'
        elif "image/svg+xml" in data:
            yield "".join(data["image/svg+xml"])
        else:
            text = "".join(output.get("text", data.get("text/plain", "")))
            text = TERMINAL_COLOURS.sub("", text)
            yield f"<pre>{html.escape(text)}</pre>"
