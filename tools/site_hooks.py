"""What mkdocs asks of the project: pages and pictures made from the code.

`mkdocs.yml` names this file.
"""

import os
from functools import cache
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File
from site_pages.commands import COMMANDS, command_page
from site_pages.documents import (
    DOCUMENTS,
    document_page,
    lesson_page,
    lessons,
    site_links,
)
from site_pages.pictures import gallery_page, pictures
from site_pages.reference import GROUPS, reference_page
from site_pages.report import TRIALS, report

# Where the searches of the gallery lie, and how many children each has: a test
# builds the site with fewer, elsewhere.
RUNS = Path(os.environ.get("NASNET_GALLERY", "build/gallery"))
CHILDREN = int(os.environ.get("NASNET_GALLERY_TRIALS", TRIALS))


@cache
def generated() -> dict[str, str | bytes]:
    """What is made from the code, by its place on the site."""
    return {
        **{f"commands/{name}.md": command_page(name) for name in COMMANDS},
        **{f"reference/{name}.md": reference_page(name) for name in GROUPS},
        **{page: document_page(page) for page in DOCUMENTS},
        **{page: lesson_page(path) for page, path in lessons().items()},
        **pictures(),
        "gallery.md": gallery_page(),
        "pictures/report.html": report(RUNS, CHILDREN),
    }


def on_files(files: Any, config: Any) -> Any:
    for place, content in generated().items():
        files.append(File.generated(config, place, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links of docs/ to documents outside lead to their pages."""
    if page.file.abs_src_path is None:
        return markdown
    return site_links(markdown, Path(page.file.abs_src_path))
