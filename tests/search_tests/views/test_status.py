import contextlib
import io
import os

import pytest
from rich.console import Console

import search
import search.cli.app
from search.trial import Evaluation, Trial, TrialState
from search.views.status import status_table, watch_status


def test_the_table_has_a_row_for_each_trial():
    evaluation = Evaluation(0.75, seconds={"train": 12.0})
    trials = [
        Trial(0, (0,), TrialState.COMPLETE, (evaluation,)),
        Trial(1, (1,), TrialState.FAILED, reason="It diverged [here]."),
        Trial(2, (0,), TrialState.DUPLICATE, duplicate_of=0),
    ]
    console = Console(file=io.StringIO(), width=80)
    console.print(status_table(trials))
    text = console.file.getvalue()
    for part in (
        "0.7500",
        "It diverged [here].",
        "of 0",
        "complete",
        "12.0",
    ):
        assert part in text
    assert status_table(trials).row_count == 3


@pytest.fixture
def run(tmp_path, learning, FakeEvaluator):
    """A run that was interrupted in its third child."""
    with pytest.raises(KeyboardInterrupt):
        search.run(
            tmp_path / "run",
            evaluator=FakeEvaluator(interrupt=(2, KeyboardInterrupt())),
            strategy="learning",
            trials=3,
            seed=1,
            space_options={"blocks": 2},
            tensorboard=False,
        )
    return search.load(tmp_path / "run")


@pytest.fixture
def sleep(monkeypatch):
    """What happens while the status waits for its next look: calls, in
    turn."""
    calls = []
    monkeypatch.setattr(
        "search.views.status.time.sleep",
        lambda seconds: calls.pop(0)(seconds),
    )
    return calls


def watched(run):
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    watch_status(run, console, 7.0)
    return console.file.getvalue()


def test_the_status_is_watched_until_all_children_are_done(
    run, sleep, FakeEvaluator
):
    waited = []
    sleep += [
        waited.append,
        lambda _: search.resume(
            run.directory.path, evaluator=FakeEvaluator(), tensorboard=False
        ),
    ]
    text = watched(run)
    assert waited == [7.0]
    before, after = (text.index(f"{done} of 3 children") for done in (2, 3))
    assert before < after
    assert f"Best: trial {run.best.number}, reward" in text


def test_the_status_is_watched_until_the_driver_ends(run, sleep):
    with contextlib.ExitStack() as driver:
        driver.enter_context(run.directory.lock())
        sleep.append(lambda _: driver.close())
        assert "2 of 3 children done.\n" in watched(run)


def test_ctrl_c_ends_the_watch(run, sleep):
    def interrupt(seconds):
        raise KeyboardInterrupt

    sleep.append(interrupt)
    with run.directory.lock():
        text = watched(run)
    assert f"Driven by process {os.getpid()}." in text
    assert "running" in text


def test_the_command_watches(run, sleep, monkeypatch, capsys):
    path = run.directory.path

    def command(*options):
        arguments = ["nasnet-search", "status", str(path), *options]
        monkeypatch.setattr("sys.argv", arguments)
        return search.cli.app.main()

    with contextlib.ExitStack() as driver:
        driver.enter_context(run.directory.lock())
        sleep.append(lambda seconds: driver.close())
        assert command("--watch", "--every", "9") == 0
    text = capsys.readouterr().out
    assert text.count("complete") == 2
    assert text.rstrip().endswith(f"export {path} --output FOLDER`.")
    for options, sentence in {
        ("--watch", "--json"): "The options `--json` and `--watch` disagree.",
        ("--watch", "--every", "0"): "Invalid value for '--every'",
        ("--watch", "--every", "nan"): "Invalid value",
    }.items():
        assert command(*options) == 2
        error = capsys.readouterr().err
        assert error.startswith(sentence)
        assert error.count("\n") == 1
