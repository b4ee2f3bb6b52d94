import json
import subprocess
import sys

import pytest

from search.configuration import InputError
from search.run_directory import RunDirectory, new_directory, write_json


@pytest.fixture
def directory(tmp_path):
    directory = RunDirectory(tmp_path / "run")
    directory.children.mkdir(parents=True)
    write_json(directory.configuration, {"config": {}})
    directory.database.touch()
    return directory


def test_a_run_is_not_overwritten(directory, tmp_path):
    with pytest.raises(InputError, match=r"`nasnet-search resume .*run`"):
        directory.check_free()
    (tmp_path / "other").mkdir()
    RunDirectory(tmp_path / "other").check_free()  # empty
    RunDirectory(tmp_path / "new").check_free()
    (tmp_path / "other" / "notes").touch()
    for name in ("other", "other/notes"):
        with pytest.raises(InputError, match="new or empty"):
            RunDirectory(tmp_path / name).check_free()


def test_another_folder_is_no_run(directory, tmp_path):
    directory.check_run()
    with pytest.raises(InputError, match="no config.json and search.db"):
        RunDirectory(tmp_path).check_run()


def test_one_driver_at_a_time(directory):
    with directory.lock():
        with pytest.raises(InputError, match="Another process is driving"):
            with RunDirectory(directory.path).lock():
                pass
    with directory.lock():
        pass


def test_a_killed_driver_leaves_no_lock(directory):
    script = (
        "import os, sys\n"
        "from search.run_directory import RunDirectory\n"
        "with RunDirectory(sys.argv[1]).lock():\n"
        "    print('locked', flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    completed = subprocess.run(
        [sys.executable, "-c", script, str(directory.path)],
        capture_output=True,
        text=True,
    )
    assert (completed.stdout, completed.returncode) == ("locked\n", -9)
    with directory.lock():
        pass


@pytest.mark.parametrize("text", ["{", "[]", ""])
def test_a_broken_configuration_is_a_sentence(directory, text):
    directory.configuration.write_text(text)
    with pytest.raises(InputError, match="config.json"):
        directory.record()


def test_weights_of_other_children_are_deleted(directory):
    for number in range(4):
        directory.weights(number).touch()
    (directory.children / "notes.txt").touch()
    directory.keep_weights([1, 3])
    assert sorted(file.name for file in directory.children.iterdir()) == [
        "00001.weights.h5",
        "00003.weights.h5",
        "notes.txt",
    ]


def test_a_new_directory_appears_in_whole(tmp_path):
    path = tmp_path / "a" / "b"
    with new_directory(path) as folder:
        (folder / "file").write_text("text")
        assert not path.exists()
    assert (path / "file").read_text() == "text"
    assert [entry.name for entry in path.parent.iterdir()] == ["b"]


def test_a_new_directory_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        with new_directory(tmp_path / "new") as folder:
            (folder / "file").touch()
            raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


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
