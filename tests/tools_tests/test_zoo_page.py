import runpy
from pathlib import Path

from zoo.presets import PRESETS

REPOSITORY = Path(__file__).parents[2]
TOOL = runpy.run_path(str(REPOSITORY / "tools" / "zoo_page.py"))
PAGE = TOOL["page"]()


def row(name):
    line = next(
        line for line in PAGE.splitlines() if line.startswith(f"| `{name}`")
    )
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_page_is_the_one_that_the_command_writes():
    assert (REPOSITORY / "docs" / "zoo.md").read_text() == PAGE


def test_each_model_has_a_row_of_its_figures():
    for name, preset in PRESETS.items():
        assert len(row(name)) == 8
        assert preset.title in row(name)
    assert row("nasnet_mobile")[2:7] == [
        "224",
        "5.3M / 5,289,978",
        "564M / 564M",
        "74.0 / 91.6",
        '`"imagenet"`, TF-slim',
    ]
    assert row("darts_v1_cifar")[6] == "–"


def test_what_is_not_reproduced_stands_out():
    assert row("nasnet_a_7_2304")[3] == "**27.6M / 32,590,954**"


def test_weights_of_others_are_of_models_that_are_there():
    assert set(TOOL["_OTHER_WEIGHTS"]) <= set(PRESETS)
