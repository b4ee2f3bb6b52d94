import importlib
import json
import random
import resource
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import search
import search.cli.app
from nasnet_keras.console.command_line import InputError
from nasnet_keras.processor import onednn_is_on
from search.runs.config import RunConfig
from search.runs.settle import settle
from search.spaces import create_space

pytestmark = pytest.mark.usefixtures("learning")

SPACE = {"space_options": {"blocks": 2}}


@pytest.fixture
def begin(tmp_path, FakeEvaluator):
    """Begins a run of six children in `tmp_path / "run"`."""

    def begin(evaluator=None, **settings):
        return search.run(
            tmp_path / "run",
            evaluator=evaluator or FakeEvaluator(),
            **{"strategy": "learning", "trials": 6, **SPACE, **settings},
            tensorboard=False,
        )

    return begin


@pytest.fixture
def go_on(tmp_path, FakeEvaluator):
    def go_on(trials=None, evaluator=None, **settings):
        return search.resume(
            tmp_path / "run",
            trials,
            evaluator=evaluator or FakeEvaluator(),
            tensorboard=False,
            **settings,
        )

    return go_on


@pytest.fixture
def edit(tmp_path):
    """Edits the configuration in config.json."""

    def edit(**settings):
        path = tmp_path / "run" / "config.json"
        record = json.loads(path.read_text())
        record["config"].update(settings)
        path.write_text(json.dumps(record))

    return edit


@pytest.fixture
def arrays():
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8)
    return images, np.arange(60) % 2


@pytest.mark.large
def test_arrays_are_searched_on(arrays, tmp_path):
    run = search.run(
        tmp_path / "run",
        dataset=arrays,
        strategy="random",
        trials=1,
        space=search.NASNetSpace(1),
        recipe={"epochs": 1, "batch_size": 16},
        child={"filters": 4},
    )
    with pytest.raises(InputError, match="begun with arrays"):
        search.resume(run.directory.path, trials=2)
    with pytest.raises(InputError, match="changed"):
        search.resume(
            run.directory.path, trials=2, dataset=(255 - arrays[0], arrays[1])
        )
    pipeline = tf.data.Dataset.from_tensor_slices(arrays).batch(7)
    run = search.resume(run.directory.path, trials=2, dataset=pipeline)
    assert len(run.trials) == 2
    assert search.export(run, tmp_path / "best")
    with pytest.raises(InputError, match="begun with arrays"):
        search.retrain(run, search.RunConfig().recipe)


def test_arrays_are_of_this_process(arrays, tmp_path):
    with pytest.raises(InputError, match="with workers a name or a path"):
        search.run(tmp_path / "run", dataset=arrays, workers=2)


def test_the_hint_is_a_call_where_only_python_can_go_on(
    begin, tmp_path, FakeEvaluator
):
    run = begin()
    path = tmp_path / "run"
    call = f"`search.resume({str(path)!r}, evaluator=...)`"
    assert run.directory.resuming == call
    with pytest.raises(InputError, match="holds a run already") as error:
        begin()
    assert call in str(error.value)


@pytest.mark.parametrize(
    ("evaluator", "message"),
    [
        (object(), "Received: .* of type object"),
        (lambda: 0.5, "Received: what makes a float"),
        ("half", "argument `evaluator`|`evaluator`"),
        (type("Half", (search.Evaluator,), {}), "no 'describe' and 'evaluate'"),
    ],
)
def test_what_makes_no_evaluator_is_refused(begin, evaluator, message):
    with pytest.raises(InputError, match=message):
        begin(evaluator)


def test_what_was_read_is_told_before_the_first_child(begin, FakeEvaluator):
    class Noted(FakeEvaluator):
        notes = ("3 images of 2 classes.",)

    class Listening(search.Observer):
        def read(self, notes):
            told.extend(notes)

        def begin(self, trials, total):
            told.append(total)

    told = []
    begin(Noted(), observers=[Listening()])
    assert told == ["3 images of 2 classes.", 6]


@pytest.mark.parametrize(("verbose", "lines"), [(True, 6), (None, 0)])
def test_a_run_from_python_shows_its_trials_if_asked(
    begin, go_on, capsys, verbose, lines
):
    begin(verbose=verbose, trials=5)
    go_on(6, verbose=verbose)
    shown = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0].split("  ")[-1] for line in shown] == [
        f"trial {number}" for number in range(lines)
    ]


def test_a_description_that_is_no_json_is_refused(begin, FakeEvaluator):
    class Odd(FakeEvaluator):
        def describe(self):
            return {"images": np.float32(1)}

    with pytest.raises(InputError, match="`describe` JSON data.*float32"):
        begin(Odd())


def test_a_run_puts_back_what_it_sets_in_the_process(begin, FakeEvaluator):
    class Seeding(FakeEvaluator):
        def evaluate(self, child):
            random.seed(child.number)
            np.random.seed(child.number)
            return super().evaluate(child)

    states = []
    for step in (lambda: None, lambda: begin(Seeding())):
        step()
        states.append((random.getstate(), np.random.get_state()[1].tolist()))
    assert states[0] == states[1]


def test_a_run_leaves_its_folder(begin, tmp_path):
    run = begin(seed=3)
    assert sum(trial.state.counts for trial in run.trials) == 6
    record = json.loads((tmp_path / "run" / "config.json").read_text())
    assert record["config"]["seed"] == 3
    assert record["config"]["trials"] == 6
    assert {"python", "tensorflow", "keras", "numpy", "nasnet-keras"} == set(
        record["versions"]
    )
    assert record["command"]
    assert (tmp_path / "run" / "backup.db").exists()
    assert len(list((tmp_path / "run" / "children").iterdir())) == 5


def test_all_children_share_the_seed_of_the_run(begin, FakeEvaluator):
    evaluator = FakeEvaluator()
    begin(evaluator, seed=9)
    assert set(evaluator.seeds) == {9}


def test_a_configuration_or_settings_make_the_same_run(
    begin, tmp_path, FakeEvaluator, outcomes
):
    config = RunConfig(
        strategy="learning", trials=60, space_options={"blocks": 2}
    )
    other = search.run(
        tmp_path / "other",
        config,
        trials=6,
        evaluator=FakeEvaluator(),
        tensorboard=False,
    )
    assert outcomes(other.trials) == outcomes(begin().trials)


def test_a_second_run_in_the_same_folder_is_refused(begin, outcomes):
    run = begin()
    before = outcomes(run.trials)
    with pytest.raises(InputError, match="`search.resume."):
        begin(seed=1)
    assert outcomes(run.trials) == before


@pytest.mark.parametrize(
    "settings",
    [
        {"trials": 0},
        {"strategy": "psychic"},
        {"combiners": ["multiply"]},
        {"colour": "red"},
        {"evaluator": None, "dataset": None},
    ],
)
def test_bad_input_leaves_no_folder(tmp_path, FakeEvaluator, settings):
    arguments = {
        "strategy": "learning",
        "evaluator": FakeEvaluator(),
        **settings,
    }
    with pytest.raises(InputError):
        search.run(tmp_path / "run", **arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("config", "execution", "lag", "threads"),
    [
        ({}, {}, 0, None),
        ({}, {"workers": 2}, 3, 4),
        ({}, {"workers": 4}, 8, 2),
        ({}, {"workers": 1, "executor": "processes"}, 1, 8),
        ({}, {"workers": 20}, 63, 1),
        ({"lag": 7, "child": {"threads": 3}}, {"workers": 4}, 7, 3),
    ],
)
def test_a_run_keeps_the_lag_and_the_threads_that_it_began_with(
    monkeypatch, config, execution, lag, threads
):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: range(8))
    settings = search.ExecutionConfig(**execution)
    begun = settle(None, config, settings)
    assert (begun.lag, begun.child.threads) == (lag, threads)


def test_a_path_to_data_is_made_absolute(
    begin, tmp_path, monkeypatch, FakeEvaluator
):
    (tmp_path / "images").mkdir()
    monkeypatch.chdir(tmp_path)
    assert begin(dataset="./images").config.dataset == str(tmp_path / "images")


def test_more_trials_can_be_asked_for(begin, go_on, FakeEvaluator):
    begin()
    evaluator = FakeEvaluator()
    run = go_on(10, evaluator)
    assert run.config.trials == 10
    assert len(evaluator.genotypes) == 4
    assert sum(trial.state.counts for trial in run.trials) == 10


def test_fewer_trials_than_are_done_are_refused(begin, go_on):
    begin()
    with pytest.raises(InputError, match="at least 6.*trials=5"):
        go_on(5)
    assert go_on().config.trials == 6


def test_an_interrupted_run_goes_on_in_its_place(
    begin, go_on, FakeEvaluator, tmp_path, outcomes
):
    with pytest.raises(KeyboardInterrupt) as error:
        begin(FakeEvaluator(interrupt=(3, KeyboardInterrupt())))
    call = f"search.resume({str(tmp_path / 'run')!r}, evaluator=...)"
    assert error.value.__notes__ == [f"Continue with `{call}`."]
    interrupted = search.load(tmp_path / "run").trials
    evaluator = FakeEvaluator()
    run = go_on(evaluator=evaluator)
    assert len(evaluator.genotypes) == 3
    assert outcomes(run.trials)[: len(interrupted) - 1] == outcomes(
        interrupted[:-1]
    )
    assert run.trials[len(interrupted) - 1].decisions == (
        interrupted[-1].decisions
    )


HOURS = {"hours": 0.005, "trials": None}


def test_hours_train_the_best_children_anew(begin):
    run = begin(**HOURS)
    children = [trial for trial in run.trials if trial.state.counts]
    counts = [len(trial.evaluations) for trial in children]
    stages = [counts.count(1), counts.count(2), counts.count(3)]
    assert stages[0] > stages[1]
    assert stages[2] >= 3
    assert run.total == len(children)
    assert run.is_over(run.trials)
    best = sorted(
        children, key=lambda trial: trial.evaluations[0].reward, reverse=True
    )
    assert len(best[0].evaluations) == 3


def test_an_interrupted_run_of_so_many_hours_goes_on_by_its_plan(
    begin, go_on, FakeEvaluator, tmp_path, outcomes
):
    for number, at in enumerate((1, 2, 8, 12)):
        evaluator = FakeEvaluator(interrupt=(at, KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            go_on(evaluator=evaluator) if number else begin(evaluator, **HOURS)
        run = search.load(tmp_path / "run")
        assert not run.is_over(run.trials)
    before = search.load(tmp_path / "run")
    run = go_on()
    assert run.is_over(run.trials)
    assert run.total == before.total
    done = [trial for trial in before.trials if trial.state.is_finished]
    for trial in done:
        after = run.trials[trial.number]
        assert after.evaluations[: len(trial.evaluations)] == trial.evaluations
    with pytest.raises(InputError, match="`trials` or `hours`"):
        go_on(trials=99)


def test_too_few_hours_are_refused_with_those_that_do(begin):
    with pytest.raises(InputError, match=r"`hours`.*at least 0\.01"):
        begin(hours=0.0001, trials=None)


@pytest.mark.parametrize(
    ("settings", "difference"),
    [
        ({"seed": 4}, "`config.seed` as the run began: 0. Received: 4"),
        (
            {"space_options": {"blocks": 3}},
            "`config.space_options.blocks` as the run began: 2. Received: 3",
        ),
        (
            {"recipe": {"epochs": 9}},
            "`config.recipe.epochs` as the run began: 3. Received: 9",
        ),
    ],
)
def test_an_edited_configuration_is_refused(
    begin, go_on, edit, settings, difference
):
    begin()
    edit(**settings)
    with pytest.raises(InputError) as caught:
        go_on()
    assert "its config.json was edited" in str(caught.value)
    assert difference in str(caught.value)


def test_changed_data_are_refused(begin, go_on, FakeEvaluator):
    begin()
    with pytest.raises(InputError) as caught:
        go_on(evaluator=FakeEvaluator(fingerprint="b"))
    assert (
        "its data or the training of its children changed. Expected "
        "`evaluator.data.fingerprint` as the run began: 'a'. Received: 'b'"
    ) in str(caught.value)


def test_a_space_that_is_made_already_goes_on_by_its_name(
    tmp_path, FakeEvaluator
):
    settings = {"evaluator": FakeEvaluator(), "tensorboard": False}
    run = search.run(
        tmp_path / "run",
        space=create_space("pnasnet"),
        strategy="random",
        trials=2,
        **settings,
    )
    assert (run.config.space, run.config.space_options) == ("pnasnet", {})
    resumed = search.resume(tmp_path / "run", 3, **settings)
    assert resumed.space.describe() == run.space.describe()
    assert len(resumed.trials) == 3
    assert set(resumed.space.to_names(resumed.trials[0].decisions)) >= {
        "cell/0/input_1",
        "cell/4/combiner",
    }


def test_another_version_of_the_space_is_refused(begin, go_on, monkeypatch):
    begin()
    monkeypatch.setattr("search.spaces.nasnet.NASNetSpace.version", 2)
    with pytest.raises(InputError) as caught:
        go_on()
    assert "`space.version` as the run began: 1. Received: 2" in str(
        caught.value
    )


def test_a_second_driver_is_refused(begin, go_on):
    refused = []

    def second(trial):
        with pytest.raises(InputError, match="Another process is driving"):
            go_on()
        refused.append(trial.number)

    begin(on_trial=second)
    assert refused


def test_a_full_disk_ends_the_search_and_costs_nothing(
    begin, go_on, tmp_path, outcomes, FakeEvaluator
):
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    full = 120_000  # bytes, of each file
    resource.setrlimit(resource.RLIMIT_FSIZE, (full, most))
    try:
        with pytest.raises(search.SearchError) as caught:
            begin(trials=30)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    folder = tmp_path / "run"
    assert f"The run {folder} stopped: " in str(caught.value)
    call = f"`search.resume({str(folder)!r}, evaluator=...)`."
    assert call in str(caught.value)
    before = outcomes(
        trial for trial in search.load(folder).trials if trial.state.is_finished
    )
    evaluator = FakeEvaluator()
    run = go_on(evaluator=evaluator)
    assert outcomes(run.trials)[: len(before)] == before
    new = [
        trial
        for trial in run.trials[len(before) :]
        if trial.duplicate_of is None
    ]
    assert len(evaluator.genotypes) == len(new)


def test_a_run_can_be_looked_at_while_it_goes_on(begin, tmp_path):
    """From another thread, here after each trial."""
    seen = []

    def look():
        seen.append(len(search.load(tmp_path / "run").trials))

    def on_trial(trial):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

    run = begin(on_trial=on_trial)
    assert seen == list(range(1, len(run.trials) + 1))


def test_event_files_are_written_by_default(tmp_path, FakeEvaluator):
    search.run(
        tmp_path / "run",
        evaluator=FakeEvaluator(),
        strategy="learning",
        trials=2,
    )
    (file,) = (tmp_path / "run" / "tensorboard").iterdir()
    assert "tfevents" in file.name


def test_settings_go_into_the_parts_of_a_configuration(
    tmp_path, learning, FakeEvaluator
):
    config = search.RunConfig(
        strategy="learning", trials=2, child={"filters": 4, "repeats": 2}
    )
    run = search.run(
        tmp_path / "run",
        config,
        evaluator=FakeEvaluator(),
        child={"filters": 6},
        space_options={"blocks": 2},
        tensorboard=False,
    )
    assert (run.config.child.repeats, run.config.child.filters) == (2, 6)
    assert (run.config.trials, run.space.blocks) == (2, 2)


def test_a_run_goes_on_as_tensorflow_computed_before(begin, go_on, monkeypatch):
    begin()
    other = "0" if onednn_is_on() else "1"
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", other)
    with pytest.raises(InputError) as caught:
        go_on()
    assert "is set otherwise" in str(caught.value)
    assert "`computing.TF_ENABLE_ONEDNN_OPTS`" in str(caught.value)
    assert f"Received: {other!r}" in str(caught.value)


def test_a_space_without_networks_is_searched_by_an_evaluator_of_ones_own(
    tmp_path,
):
    (tmp_path / "bare_space.py").write_text(BARE)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        from bare_space import Bare, Sum

        run = search.run(
            tmp_path / "run",
            space=Bare(),
            evaluator=Sum,
            strategy="grid",
            trials=4,
            tensorboard=False,
        )
        assert run.best.reward == 1.0
        assert search.load(tmp_path / "run").architecture == (1, 1)
        with pytest.raises(InputError, match="of which networks are built"):
            search.run(tmp_path / "b", space=Bare(), dataset="digits")


def test_to_look_at_a_run_imports_no_module_of_its_space(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "looked_space.py").write_text(BARE)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        from looked_space import Bare, Sum

        run = search.run(
            "run",
            space=Bare(),
            evaluator=Sum,
            strategy="grid",
            trials=4,
            tensorboard=False,
        )
        assert run.text(run.best) == "(1, 1)"
        (tmp_path / "looked_space.py").write_text(
            "open('was_run', 'w').close()\n" + BARE
        )
        del sys.modules["looked_space"]
        for arguments in (
            "status run",
            "status run --json",
            "report run --output report.html",
            "restore run",
            "export run --output out --trial 99",
        ):
            patch.setattr(sys, "argv", ["nasnet-search", *arguments.split()])
            search.cli.app.main()
            assert not (tmp_path / "was_run").exists(), arguments
        assert "b = 1" in capsys.readouterr().out
        looked = search.load("run")
        assert looked.best.reward == 1.0
        assert looked.status()["best"]["architecture"] == {
            "decisions": {"a": "1", "b": "1"}
        }
        # Edited: refused before the module is imported.
        record = json.loads(Path("run/config.json").read_text())
        edited = record["config"] | {"space": "looked_space:Other"}
        Path("run/config.json").write_text(
            json.dumps({**record, "config": edited})
        )
        for action in (search.load, search.resume):
            with pytest.raises(InputError, match="was edited"):
                action("run")
        assert not (tmp_path / "was_run").exists()
        Path("run/config.json").write_text(json.dumps(record))
        # What needs the space runs its module.
        assert search.load("run").architecture == (1, 1)
        assert (tmp_path / "was_run").exists()
        module = (tmp_path / "looked_space.py").read_text()
        (tmp_path / "looked_space.py").write_text(
            module.replace('("0", "1")', '("0", "2")')
        )
        del sys.modules["looked_space"]
        importlib.invalidate_caches()
        with pytest.raises(InputError, match="other decisions"):
            print(search.load("run").architecture)


def test_options_beside_a_space_that_is_made_are_refused(tmp_path):
    with pytest.raises(InputError, match="`space_options`. Expected none"):
        search.run(
            tmp_path / "run",
            dataset="digits",
            space=create_space("pnasnet"),
            space_options={"blocks": 9},
        )
    assert not (tmp_path / "run").exists()


BARE = """
from search.evaluation.base import Evaluator
from search.spaces.base import Decision, SearchSpace
from search.trial import Evaluation


class Bare(SearchSpace):
    name = "bare"
    version = 1
    decisions = tuple(Decision(name, ("0", "1")) for name in "ab")

    def decode(self, decisions):
        return tuple(decisions)

    def encode(self, architecture):
        return tuple(architecture)

    def describe(self):
        return {"name": "bare", "version": 1}


class Sum(Evaluator):
    def evaluate(self, child):
        return Evaluation(sum(child.architecture) / 2)

    def describe(self):
        return {}
"""
