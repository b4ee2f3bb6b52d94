import fcntl
import json
import os
import subprocess
import sys
import threading

import pytest

from nasnet_keras.console.command_line import InputError
from nasnet_keras.files import (
    check_room,
    is_locked,
    locked,
    new_directory,
    resolved,
    write_json,
)


def test_a_new_directory_appears_in_whole(tmp_path):
    path = tmp_path / "a" / "b"
    with new_directory(path) as folder:
        (folder / "file").write_text("text")
        assert not path.exists()
    assert (path / "file").read_text() == "text"
    assert [entry.name for entry in path.parent.iterdir()] == ["b"]


def test_a_link_in_a_circle_is_no_new_directory(tmp_path):
    path = tmp_path / "loop"
    path.symlink_to("loop")
    assert resolved(path) == path
    with pytest.raises(InputError, match="loop: Too many levels"):
        with new_directory(path):
            pass
    assert path.is_symlink()


def test_a_file_that_cannot_be_written_leaves_no_draft(tmp_path):
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(OSError):
        write_json(tmp_path / "folder.json", {})
    assert [path.name for path in tmp_path.iterdir()] == ["folder.json"]


def test_a_new_directory_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        with new_directory(tmp_path / "new") as folder:
            (folder / "file").touch()
            raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_has_left_is_deleted(tmp_path):
    script = (
        "import os, pathlib, sys\n"
        "from nasnet_keras.files import new_directory\n"
        "with new_directory(pathlib.Path(sys.argv[1])):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "run")]
    assert subprocess.run(command).returncode == -9
    assert [path.is_dir() for path in tmp_path.iterdir()] == [True]
    mine = [tmp_path / ".run.notes", tmp_path / f".run.{os.getpid()}0x"]
    for path in mine:
        path.mkdir()
    with new_directory(tmp_path / "run"):
        # One of a process that lives stays.
        with new_directory(tmp_path / ".." / tmp_path.name / "run2"):
            pass
    assert sorted(tmp_path.iterdir()) == sorted(
        [*mine, tmp_path / "run", tmp_path / "run2"]
    )


def test_a_lock_that_is_a_link_or_a_pipe_is_not_opened(tmp_path):
    (tmp_path / "file").write_text("precious")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        with pytest.raises(InputError, match=f"Cannot write the file .*{name}"):
            with locked(tmp_path / name, "It is locked."):
                pass
        assert not is_locked(tmp_path / name)
    assert (tmp_path / "file").read_text() == "precious"


def test_a_draft_that_is_a_link_leads_nowhere(tmp_path):
    (tmp_path / "file").write_text("precious")
    (tmp_path / ".new.json").symlink_to("file")
    write_json(tmp_path / "new.json", {})
    assert (tmp_path / "file").read_text() == "precious"
    assert not (tmp_path / "new.json").is_symlink()


def test_the_lock_of_another_process_is_seen(tmp_path):
    path = tmp_path / "lock"
    assert not is_locked(path)
    with locked(path, "taken"):
        assert is_locked(path)
        with pytest.raises(InputError, match="taken"), locked(path, "taken"):
            pass
    assert not is_locked(path)


def test_a_look_at_a_lock_keeps_nobody_away(tmp_path):
    path = tmp_path / "lock"
    path.touch()
    with open(path) as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        threading.Timer(0.03, file.close).start()
        with locked(path, "taken"):
            pass


def test_a_directory_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="Cannot make the folder .*file/run"):
        with new_directory(tmp_path / "file" / "run"):
            pass


def test_json_is_replaced_in_whole(tmp_path):
    path = tmp_path / "config.json"
    for value in ({"trials": 3}, {"trials": 5}):
        write_json(path, value)
        assert json.loads(path.read_text()) == value
    assert [entry.name for entry in tmp_path.iterdir()] == ["config.json"]


def test_the_current_folder_is_no_output(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="other than the current one"):
        with new_directory(tmp_path):
            pass
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_an_empty_folder_is_an_output(tmp_path):
    (tmp_path / "folder").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "folder")
    with new_directory(link) as folder:
        (folder / "file").touch()
    assert (tmp_path / "folder" / "file").exists()


def test_room_is_checked(tmp_path):
    check_room(tmp_path, 10_000)
    with pytest.raises(OSError, match="No space left on device"):
        check_room(tmp_path, 2**60)
