import errno
import os
import shlex
import sqlite3
import subprocess
import sys

import pytest

from nasnet_keras.console.command_line import InputError
from nasnet_keras.files import write_json
from search.storage.run_folder import RunDirectory, storage_reason


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
    training = tmp_path / "training"
    training.mkdir()
    write_json(training / "config.json", {"settings": {}})
    for name in ("other", "other/notes", "training"):
        with pytest.raises(InputError, match="new or empty"):
            RunDirectory(tmp_path / name).check_free()


def test_another_folder_is_no_run(directory, tmp_path):
    directory.check_run()
    with pytest.raises(InputError, match="no config.json and search.db"):
        RunDirectory(tmp_path).check_run()


def test_a_command_quotes_the_path():
    directory = RunDirectory("my runs/it's")
    typed = directory.resuming.strip("`")
    assert shlex.split(typed) == ["nasnet-search", "resume", "my runs/it's"]


def test_one_driver_at_a_time(directory):
    assert not directory.is_driven
    with directory.lock():
        assert directory.is_driven
        with pytest.raises(InputError, match="Another process is driving"):
            with RunDirectory(directory.path).lock():
                pass
    with directory.lock():
        pass


def test_a_killed_driver_leaves_no_lock(directory):
    script = (
        "import os, sys\n"
        "from search.storage.run_folder import RunDirectory, storage_reason\n"
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


@pytest.mark.parametrize(
    "text", ["{", "[]", "", "[" * 100_000, '{"schema": 3, "schema": 3}']
)
def test_a_broken_configuration_is_a_sentence(directory, text):
    directory.configuration.write_text(text)
    with pytest.raises(InputError, match="config.json"):
        directory.record()


def test_weights_of_other_children_are_deleted(directory):
    for number in range(4):
        directory.weights(number).touch()
    for name in ("notes.txt", "mine.weights.h5", "1.weights.h5"):
        (directory.children / name).touch()
    for name in (".00002.weights.h5", ".00003.weights.h5"):  # drafts
        (directory.children / name).touch()
    directory.keep_weights([1, 3])
    assert sorted(file.name for file in directory.children.iterdir()) == [
        ".00003.weights.h5",
        "00001.weights.h5",
        "00003.weights.h5",
        "1.weights.h5",
        "mine.weights.h5",
        "notes.txt",
    ]


def test_trainings_of_other_children_are_deleted(directory):
    for name in ("00001", "00002", "00003", "20241231"):
        (directory.children / name).mkdir()
        if name != "20241231":  # a folder of the user's
            (directory.children / name / "config.json").touch()
    directory.keep_weights([1, 3])
    assert sorted(file.name for file in directory.children.iterdir()) == [
        "00001",
        "00003",
        "20241231",
    ]


@pytest.mark.parametrize("name", ["children", "lock", "search.db", "ranked"])
def test_no_link_leads_out_of_a_run_that_is_driven(directory, tmp_path, name):
    other = tmp_path / "other"
    other.mkdir()
    (other / "00000.weights.h5").write_text("of another run")
    path = directory.path / name
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)
    path.symlink_to(other)
    with pytest.raises(InputError, match=f"{name} is a link"), directory.lock():
        pass
    assert (other / "00000.weights.h5").read_text() == "of another run"


def test_no_weights_are_written_through_a_link(directory, tmp_path):
    target = tmp_path / "mine.h5"
    target.touch()
    directory.weights(0).with_name(".00000.weights.h5").symlink_to(target)
    with pytest.raises(InputError, match="is a link"), directory.lock():
        pass


def test_a_database_says_what_to_do_and_not_what_sqlite_says(tmp_path):
    with pytest.raises(sqlite3.OperationalError) as gone:
        sqlite3.connect(f"file:{tmp_path}/gone.db?mode=ro", uri=True)
    assert storage_reason(gone.value) == (
        "it cannot be opened; get the right to it"
    )
    (tmp_path / "text.db").write_text("text " * 1000)
    with pytest.raises(sqlite3.DatabaseError) as damaged:
        sqlite3.connect(tmp_path / "text.db").execute("SELECT * FROM meta")
    assert storage_reason(damaged.value) == "it is damaged"
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert storage_reason(full).startswith("No space left on device; make")
