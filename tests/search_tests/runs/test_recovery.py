import datetime

import numpy as np
import pytest

import search
from nasnet_keras.console.command_line import InputError
from search.runs.recovery import restore
from search.storage.run_folder import DamageError

SETTINGS = {"strategy": "learning", "space_options": {"blocks": 2}, "seed": 3}


@pytest.fixture
def begin(tmp_path, learning, FakeEvaluator):
    """Searches for 12 children, or so many more."""

    def begin(name="run", trials=12, interrupt=None):
        folder = tmp_path / name
        evaluator = FakeEvaluator(failing=0.2, interrupt=interrupt)
        options = {"evaluator": evaluator, "tensorboard": False}
        if folder.exists():
            return search.resume(folder, trials, **options)
        return search.run(folder, trials=trials, **SETTINGS, **options)

    return begin


def noise(path):
    content = bytearray(path.read_bytes())
    half = len(content) // 2
    content[half:] = np.random.default_rng(0).bytes(len(content) - half)
    path.write_bytes(content)


DAMAGES = {
    "noise": noise,
    "cut": lambda path: path.write_bytes(path.read_bytes()[:9000]),
    "empty": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
    "names": lambda path: path.write_bytes(
        path.read_bytes().replace(b"sep_conv", b"sep_cony")
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_run_is_refused_and_restored_and_goes_on(
    begin, outcomes, damage
):
    run = begin()
    directory = run.directory
    copy = directory.backup.read_bytes()
    begin(trials=16)
    # As if it were still within the minute.
    directory.backup.write_bytes(copy)
    DAMAGES[damage](directory.database)
    for look in (search.load, lambda path: begin(trials=16)):
        with pytest.raises(DamageError) as caught:
            look(directory.path).check()
        text = str(caught.value)
        assert text.endswith(f"by `nasnet-search restore {directory.path}`.")
        assert "\n" not in text
    now = datetime.datetime.now().astimezone()
    restored = restore(directory.path)
    assert abs(restored.time - now) < datetime.timedelta(minutes=5)
    assert sum(trial.state.counts for trial in restored.run.trials) == 12
    assert restored.damaged.exists() == (damage != "gone")
    files = {int(file.name[:5]) for file in directory.children.iterdir()}
    assert files <= {trial.number for trial in restored.run.trials}
    assert outcomes(begin(trials=16).trials) == outcomes(
        begin("whole", 16).trials
    )


def test_a_lost_log_is_noticed(begin):
    """What is left is whole, and an earlier state."""
    directory = begin().directory
    before = directory.database.read_bytes()
    begin(trials=16)
    directory.database.write_bytes(before)
    with pytest.raises(DamageError, match="fewer outcomes than its backup"):
        begin(trials=16)
    assert len(restore(directory.path).run.trials) >= 16


def test_what_is_whole_or_has_no_backup_is_left(begin):
    directory = begin().directory
    with pytest.raises(InputError, match="is whole: there is nothing"):
        restore(directory.path)
    directory.backup.unlink()
    directory.database.write_bytes(b"noise")
    with pytest.raises(DamageError, match="; it has no backup.$"):
        search.load(directory.path)
    with pytest.raises(InputError, match="There is no backup to restore from"):
        restore(directory.path)
    assert directory.database.read_bytes() == b"noise"


def test_a_backup_that_holds_nonsense_takes_no_place(begin):
    directory = begin().directory
    for database in (directory.database, directory.backup):
        DAMAGES["names"](database)
    before = directory.database.read_bytes()
    for _ in range(2):
        with pytest.raises(InputError, match="no backup to restore from.*sep"):
            restore(directory.path)
    assert directory.database.read_bytes() == before


def test_a_run_under_way_is_not_restored(begin):
    directory = begin().directory
    directory.database.write_bytes(b"noise")
    with directory.lock():
        with pytest.raises(InputError, match="Another process is driving"):
            restore(directory.path)


def test_only_a_run_is_restored(tmp_path):
    with pytest.raises(InputError, match="config.json cannot be read"):
        restore(tmp_path)
