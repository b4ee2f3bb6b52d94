import json

import pytest

import search
from nasnet_keras.console.command_line import InputError
from nasnet_keras.training.recipes import RECIPES
from search.runs.record import opened
from search.trial import TrialState, ranked


@pytest.fixture
def run(tmp_path, learning, FakeEvaluator):
    return search.run(
        tmp_path / "run",
        evaluator=FakeEvaluator(failing=0.3),
        strategy="learning",
        dataset="digits",
        trials=14,
        seed=1,
        space_options={"blocks": 2},
        tensorboard=False,
    )


def test_the_best_trial_and_its_cells(run):
    rewards = [t.reward for t in run.trials if t.state is TrialState.COMPLETE]
    assert run.best.reward == max(rewards)
    assert run.architecture == run.space.decode(run.best.decisions)


def test_the_status_is_strict_json(run):
    status = json.loads(json.dumps(run.status(), allow_nan=False))
    assert status["dataset"] == "digits"
    assert (status["total"], status["done"]) == (14, 14)
    states = {entry["state"] for entry in status["trials"]}
    assert states == {"complete", "failed", "duplicate"}
    for entry, trial in zip(status["trials"], run.trials, strict=True):
        assert entry["number"] == trial.number
        assert entry["architecture"] == run.space.to_data(
            run.space.decode(trial.decisions)
        )
        assert entry["reward"] == trial.reward
        if entry["state"] == "failed":
            assert entry["reason"].startswith("The child diverged")
            assert entry["seconds"] == 0
        if entry["state"] == "complete":
            assert entry["seconds"] == 0.75
            assert entry["seconds_by_part"] == {"build": 0.25, "train": 0.5}
            # Infinity is no JSON.
            assert entry["metrics"] == {
                "accuracy": trial.reward,
                "loss": None,
            }
    assert status["best"] == status["trials"][ranked(run.trials)[0].number]


def test_what_is_asked_for_is_read_from_the_disk(run):
    """Another process may have resumed it with more trials."""
    path = run.directory.configuration
    record = json.loads(path.read_text())
    record["config"]["trials"] = 20
    path.write_text(json.dumps(record))
    assert run.total == 20
    assert not run.is_over(run.trials)


def test_a_trial_whose_driver_has_ended_is_interrupted(
    tmp_path, learning, FakeEvaluator
):
    class Stopped(FakeEvaluator):
        def evaluate(self, child):
            states.append(search.load(tmp_path / "run").trials[-1].state)
            raise KeyboardInterrupt

    states = []
    with pytest.raises(KeyboardInterrupt):
        search.run(
            tmp_path / "run",
            evaluator=Stopped(),
            strategy="learning",
            trials=1,
            tensorboard=False,
        )
    run = search.load(tmp_path / "run")
    states.append(run.trials[-1].state)
    assert states == [TrialState.RUNNING, TrialState.INTERRUPTED]
    assert run.status()["trials"][-1]["state"] == "interrupted"


def test_a_run_without_a_complete_trial(tmp_path, learning, FakeEvaluator):
    with pytest.raises(search.SearchError):
        search.run(
            tmp_path / "run",
            evaluator=FakeEvaluator(failing=2.0),
            strategy="learning",
            trials=1,
            tensorboard=False,
        )
    run = search.load(tmp_path / "run")
    assert run.best is None
    assert run.architecture is None
    assert run.status()["best"] is None


def test_only_runs_are_loaded(tmp_path):
    with pytest.raises(InputError, match="Expected the folder of a run"):
        search.load(tmp_path)


def test_actions_take_a_run_or_its_folder(run, tmp_path):
    assert opened(run) is run
    for path in (run.directory.path, str(run.directory.path)):
        assert opened(path).best == run.best
    with pytest.raises(InputError, match="a run or its folder. Received: 3"):
        opened(3)
    for act, *others in (
        (search.export, tmp_path / "new"),
        (search.retrain, RECIPES["cifar"]),
        (search.rank_correlation,),
    ):
        with pytest.raises(InputError, match="Expected the folder of a run"):
            act(tmp_path, *others)


@pytest.mark.parametrize("content", [b"", b"noise " * 1000])
def test_a_database_that_is_none_is_refused(run, content):
    run.directory.database.write_bytes(content)
    for name in ("search.db-wal", "search.db-shm"):
        (run.directory.path / name).unlink(missing_ok=True)
    with pytest.raises(InputError, match="search.db cannot be read"):
        search.load(run.directory.path)


def test_a_run_of_another_version_is_refused(run):
    record = run.directory.record()
    record["schema"] = 7
    run.directory.configuration.write_text(json.dumps(record))
    with pytest.raises(InputError, match="has schema 7. Expected 4"):
        search.load(run.directory.path)
