import re

import pytest

import zoo
from zoo.cells import CELLS
from zoo.presets import PRESETS


def shown(figure):
    return {text.get_text() for text in figure.axes[0].texts}


def test_a_cell_by_its_name_and_by_a_model_of_it(tmp_path):
    for name, suffix in (("nasnet_a", "svg"), ("nasnet_large", "png")):
        path = tmp_path / f"cells.{suffix}"
        assert {"Normal cell", "sep\n7x7"} <= shown(zoo.plot_cell(name, path))
        assert path.stat().st_size > 1000
    assert "1x7" in " ".join(shown(zoo.plot_cell("amoebanet_d")))


def test_every_model_has_its_cells():
    made = {n: p for n, p in PRESETS.items() if p.kind == "nasnet"}
    for name, preset in made.items():
        assert CELLS[name] is preset.architecture
    assert set(PRESETS) & set(CELLS) == set(made)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("nasnet_aa",), "`name`.*Received.*nasnet_a"),
        ((None,), "`name`.*Received"),
        (("nasnet_a", "cell.pdf"), "`path`.*Received"),
    ],
)
def test_errors_name_the_argument(arguments, error):
    with pytest.raises(ValueError) as raised:
        zoo.plot_cell(*arguments)
    assert re.search(error, str(raised.value))
