"""The Python examples of the pages, run as they stand: those of a page in their
order, in a folder that holds what the page speaks of."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[1]
FENCED = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
PAGES = {
    str(page.relative_to(REPOSITORY)): FENCED.findall(page.read_text())
    for page in sorted(
        [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")]
    )
}
# Not run, by page and number, and why.
_DOWNLOADS = "downloads weights"
_SKETCH = "is a sketch of another program"
NOT_RUN = {
    ("docs/guides/classify.md", 0): _DOWNLOADS,
    ("docs/guides/classify.md", 2): _DOWNLOADS,
    ("docs/guides/classify.md", 3): "loads what a search has written",
    ("docs/your-own-space.md", 2): _SKETCH,
    ("docs/your-own-space.md", 3): _SKETCH,
    ("docs/your-own-space.md", 4): _SKETCH,
}
# What would take minutes.
SHORTER = {"hours=0.2": "hours=0.02", "trials=12": "trials=2"}
# The page says that the first example is a file of this name.
MODULE = re.compile(r"# (\w+)\.py\n")


def test_every_exception_is_there():
    for page, number in NOT_RUN:
        assert number < len(PAGES[page])


@pytest.mark.large
@pytest.mark.parametrize("page", [page for page in PAGES if PAGES[page]])
@pytest.mark.filterwarnings("ignore")
def test_the_examples_of_a_page_run(page, tmp_path, monkeypatch):
    if "keras_hub" in "".join(PAGES[page]):
        pytest.importorskip("keras_hub", reason="KerasHub is an extra")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3))
    Image.fromarray(pixels.astype(np.uint8)).save("photo.jpg")
    names = {}
    modules = []
    try:
        for number, code in enumerate(PAGES[page]):
            if (page, number) in NOT_RUN:
                continue
            for long, short in SHORTER.items():
                code = code.replace(long, short)
            if file := MODULE.match(code):
                modules.append(file[1])
                Path(f"{file[1]}.py").write_text(code)
            exec(compile(code, f"{page}, example {number}", "exec"), names)
    finally:
        for module in modules:
            sys.modules.pop(module, None)
