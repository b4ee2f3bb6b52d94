import sqlite3

import numpy as np
import pytest

from nasnet_keras.console.command_line import InputError
from search.storage import SQLiteStorage
from search.storage.backups import Backups, back_up, check, restore
from search.trial import Trial


@pytest.fixture
def paths(tmp_path):
    return tmp_path / "search.db", tmp_path / "backup.db"


@pytest.fixture
def storage(paths, space):
    SQLiteStorage.create(paths[0], {"config": {}})
    storage = SQLiteStorage(paths[0], space)
    yield storage
    storage.close()


def add(storage, space, count):
    first = len(storage.trials())
    rng = np.random.default_rng(first)
    for number in range(first, first + count):
        storage.save(Trial(number, space.sample(rng)))


def trials(path, space):
    storage = SQLiteStorage(path, space, read_only=True)
    try:
        return storage.trials()
    finally:
        storage.close()


def test_a_database_in_use_is_copied_with_all_that_is_committed(
    storage, space, paths
):
    add(storage, space, 3)
    back_up(*paths)
    assert trials(paths[1], space) == storage.trials()
    add(storage, space, 1)
    assert len(trials(paths[1], space)) == 3
    # Nothing is left beside it when it has been read.
    assert {file.name for file in paths[1].parent.glob("*backup*")} == {
        "backup.db"
    }


def test_what_a_kill_left_of_a_copy_is_no_part_of_the_next(
    storage, space, paths
):
    for ending in ("", "-journal", "-wal", "-shm"):
        paths[1].with_name(f".backup.db{ending}").write_bytes(b"noise" * 2000)
    add(storage, space, 3)
    back_up(*paths)
    assert trials(paths[1], space) == storage.trials()


def test_backups_are_a_minute_apart_and_one_comes_at_the_end(
    storage, space, paths
):
    now = [0.0]
    backups = Backups(*paths, clock=lambda: now[0])
    for now[0], expected in ((59, None), (60, 2), (119, 2), (121, 4)):
        add(storage, space, 1)
        backups.finished(storage.trials()[-1], None, {})
        found = len(trials(paths[1], space)) if paths[1].exists() else None
        assert found == expected
    add(storage, space, 1)
    backups.end()
    assert len(trials(paths[1], space)) == 5


def overwrite(path):
    """Noise on all but the first page, as a faulty disk leaves it."""
    content = bytearray(path.read_bytes())
    noise = np.random.default_rng(0).bytes(len(content) - 4096)
    path.write_bytes(content[:4096] + noise)


@pytest.mark.parametrize(
    "damage",
    [
        overwrite,
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"noise" * 2000),
        lambda path: path.unlink(),
    ],
)
def test_a_damaged_database_is_restored(storage, space, paths, damage):
    add(storage, space, 3)
    back_up(*paths)
    expected = storage.trials()
    add(storage, space, 2)
    storage.close()
    database, backup = paths
    damage(database)
    left = database.exists()
    # Nor does it take the place of the copy.
    if left and database.stat().st_size:
        with pytest.raises(sqlite3.DatabaseError):
            check(database)
        with pytest.raises(sqlite3.DatabaseError):
            back_up(database, backup)
    aside = restore(database, backup)
    assert trials(database, space) == expected
    assert aside.exists() == left


def test_without_a_backup_nothing_is_touched(storage, space, paths):
    add(storage, space, 1)
    storage.close()
    database, backup = paths
    before = database.read_bytes()
    with pytest.raises(InputError, match=r"no backup to restore from.*backup"):
        restore(database, backup)
    backup.write_bytes(b"noise" * 2000)
    with pytest.raises(InputError, match="it is damaged"):
        restore(database, backup)
    assert database.read_bytes() == before
