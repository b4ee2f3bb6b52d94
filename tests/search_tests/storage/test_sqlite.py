import dataclasses
import json
import sqlite3

import numpy as np
import pytest

from search.spaces.nasnet import NASNetSpace
from search.storage import SQLiteStorage
from search.trial import Evaluation, Trial, TrialState


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "search.db"
    SQLiteStorage.create(path, {"config": {"seed": 3}})
    return path


@pytest.fixture
def storage(path, space):
    storage = SQLiteStorage(path, space)
    yield storage
    storage.close()


@pytest.fixture
def trial(space):
    return Trial(0, space.sample(np.random.default_rng(0)))


def complete(trial, reward=0.5, budget=1.0):
    evaluation = Evaluation(
        reward, {"loss": np.float32(2.0)}, {"train": 1.5}, budget
    )
    return dataclasses.replace(
        trial, state=TrialState.COMPLETE, evaluations=(evaluation,)
    )


def test_trials_come_back_as_they_were(storage, path, space, trial):
    failed = dataclasses.replace(
        trial, number=1, state=TrialState.FAILED, reason="It diverged."
    )
    running = dataclasses.replace(trial, number=2)
    for saved in (complete(trial), failed, running):
        storage.save(saved)
    storage.close()
    reopened = SQLiteStorage(path, space, read_only=True)
    assert reopened.trials() == [complete(trial), failed, running]
    assert reopened.meta("identity") == {"config": {"seed": 3}}
    reopened.close()


def test_a_duplicate_comes_with_the_evaluation_of_its_original(storage, trial):
    storage.save(complete(trial))
    storage.save(
        dataclasses.replace(
            trial, number=1, state=TrialState.DUPLICATE, duplicate_of=0
        )
    )
    assert storage.trials()[1].evaluation == complete(trial).evaluation


def test_the_evaluation_of_the_highest_budget_counts(storage, trial):
    storage.save(complete(trial, reward=0.5, budget=4.0))
    for budget, reward in ((10.0, 0.8), (9.0, 0.9)):
        storage.save_evaluation(0, Evaluation(reward, budget=budget))
    (stored,) = storage.trials()
    assert stored.evaluation == Evaluation(0.8, budget=10.0)


def test_decisions_are_stored_by_name(storage, path, space, trial):
    storage.save(trial)
    with sqlite3.connect(path) as connection:
        (text,) = connection.execute("SELECT decisions FROM trials").fetchone()
    connection.close()
    assert json.loads(text) == space.to_names(trial.decisions)


def test_a_finished_trial_is_never_changed(storage, trial):
    storage.save(trial)
    storage.save(complete(trial))
    with pytest.raises(ValueError, match="number=0, which is finished"):
        storage.save(complete(trial, reward=0.9))
    assert storage.trials()[0].reward == 0.5


def test_a_broken_transaction_leaves_nothing(storage, trial):
    storage.save(trial)
    with pytest.raises(KeyboardInterrupt), storage.transaction():
        storage.save(complete(trial))
        storage.save_strategy({"weights": np.ones(3)}, 1)
        raise KeyboardInterrupt
    assert storage.trials() == [trial]
    assert storage.strategy() is None


def test_a_transaction_that_the_database_has_ended_says_why(storage):
    """As it does when the disk is full."""
    with pytest.raises(sqlite3.IntegrityError, match="the cause"):
        with storage.transaction():
            storage._connection.execute("ROLLBACK")
            raise sqlite3.IntegrityError("the cause")


def test_the_last_strategy_state_comes_back(storage):
    storage.save_strategy({"old": np.zeros(2)}, 1)
    state = {"lstm/kernel": np.arange(6.0).reshape(2, 3), "step": np.array(7)}
    storage.save_strategy(state, 20)
    arrays, learned = storage.strategy()
    assert learned == 20
    assert list(arrays) == list(state)
    for name, array in state.items():
        np.testing.assert_array_equal(arrays[name], array)


def test_a_reader_sees_each_commit_of_a_living_writer(
    storage, path, space, trial
):
    reader = SQLiteStorage(path, space, read_only=True)
    with storage.transaction():
        storage.save(trial)
        assert reader.trials() == []
    assert reader.trials() == [trial]
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.save(complete(trial))
    reader.close()


def test_noise_in_the_log_is_no_empty_log(storage, path, space, trial):
    """SQLite would leave out, without a word, what was committed there."""
    storage.save(trial)
    log = path.with_name(f"{path.name}-wal")
    content = log.read_bytes()
    log.write_bytes(bytes(byte ^ 0x5A for byte in content))
    for read_only in (False, True):
        with pytest.raises(sqlite3.DatabaseError, match="log is damaged"):
            SQLiteStorage(path, space, read_only)
    log.write_bytes(content)
    assert SQLiteStorage(path, space, read_only=True).trials() == [trial]


def test_commits_outlive_a_power_cut(storage):
    pragma = storage._connection.execute
    assert pragma("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert pragma("PRAGMA synchronous").fetchone()[0] == 2  # FULL


def test_a_database_where_nothing_can_be_written_is_read(
    storage, path, space, trial, monkeypatch
):
    storage.save(trial)
    storage.close()
    monkeypatch.setattr("os.access", lambda *_: False)
    reader = SQLiteStorage(path, space, read_only=True)
    assert reader.trials() == [trial]
    # SQLite would keep a file beside it.
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    reader.close()


def test_another_schema_is_refused(path, space):
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = 9 WHERE key = 'schema'")
    connection.close()
    with pytest.raises(ValueError, match="schema version 9. Expected ver"):
        SQLiteStorage(path, space)


def test_decisions_of_another_space_are_refused(storage, path, trial):
    storage.save(trial)
    other = SQLiteStorage(path, NASNetSpace(blocks=3), read_only=True)
    with pytest.raises(ValueError, match="space 'nasnet' version"):
        other.trials()
    other.close()
