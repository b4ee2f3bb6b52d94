"""What a release must not lack."""

import shutil

from release_check import REPOSITORY, missing_addresses


def test_placeholders_are_refused(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "setup.cfg").write_text("[metadata]\nname = a\n")
    (tmp_path / "docs" / "index.md").write_text("git clone URL a\n")
    (tmp_path / "SECURITY.md").write_text("Report to the maintainers.\n")
    assert missing_addresses(tmp_path) == [
        "setup.cfg has no `url`.",
        "setup.cfg has no `project_urls`.",
        "docs/index.md has `URL` in place of the address.",
        "SECURITY.md names no contact.",
    ]


def test_addresses_are_accepted(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "setup.cfg").write_text(
        "[metadata]\nurl = https://a.org\n"
        "project_urls =\n    Source = https://a.org/b\n"
    )
    (tmp_path / "docs" / "index.md").write_text("git clone https://a.org/b a\n")
    shutil.copy(REPOSITORY / "SECURITY.md", tmp_path)
    with (tmp_path / "SECURITY.md").open("a") as file:
        file.write("Write to security@a.org.\n")
    assert missing_addresses(tmp_path) == []
