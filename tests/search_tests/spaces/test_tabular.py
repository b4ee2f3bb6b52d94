import gzip
import os

import pytest

from search.spaces import tabular
from search.spaces.tabular import CellTable


@pytest.mark.parametrize("name", ["/dev/zero", "pipe", "loop", "."])
def test_what_is_no_file_is_not_waited_for(name, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ValueError, match="Expected a CSV file that can be re"):
        CellTable(tmp_path / name)


def test_a_small_file_may_not_be_a_large_table(tmp_path, monkeypatch):
    monkeypatch.setattr(tabular, "MAX_BYTES", 1000)
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(b"arch,a\n" + b"|conv~0|,1\n" * 100))
    with pytest.raises(ValueError, match="unfolds to more than"):
        CellTable(path)
