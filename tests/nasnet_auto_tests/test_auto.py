"""A run in small: it ends in what was promised, and a stopped one ends as one
that was never stopped."""

import dataclasses
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import nasnet_auto
import nasnet_auto.survey
import nasnet_auto.trainings.book
import search
import zoo
from nasnet_auto import auto, stages
from nasnet_auto.request import Request
from nasnet_auto.results import publish
from nasnet_auto.trainings import candidates, pace
from nasnet_auto.trainings.book import Book
from nasnet_auto.trainings.candidates import (
    NO_TIME,
    Candidate,
    Row,
    folder_of,
    plain_network,
)
from nasnet_auto.trainings.changes import CHANGES
from nasnet_auto.trainings.images import LoadedImages
from nasnet_keras.console.command_line import InputError, RunError
from nasnet_keras.kinds.layerwise.kind import LayerwiseKind
from nasnet_keras.network.build import load_model
from nasnet_keras.training.data.datasets import load_dataset
from nasnet_keras.training.recipes import RECIPES, adapted
from nasnet_keras.training.run import load_settings
from nasnet_keras.training.settings import load_data
from search.observers.base import Observer

HOURS = 0.1  # of which these runs need seconds


def images(count=60, classes=3):
    """Of a square whose brightness is its class."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % classes
    noise = rng.integers(0, 40, (count, 8, 8, 3))
    pixels = noise + 80 * labels[:, None, None, None]
    return pixels.astype(np.uint8), labels


@pytest.fixture(autouse=True)
def in_small(monkeypatch):
    """Two epochs of a plain network, and of a change to its training."""
    monkeypatch.setattr(auto, "MOST_EPOCHS", 2)
    recipe = dataclasses.replace(RECIPES["search-proxy"], epochs=2)
    monkeypatch.setitem(RECIPES, "search-proxy", recipe)
    monkeypatch.setattr(
        auto,
        "STAGES",
        {
            name: stages.STAGES[name]
            for name in ("plain network", "tuning", "ensemble")
        },
    )
    changes = {"higher rate": stages.CHANGES["higher rate"]}
    monkeypatch.setattr(stages, "CHANGES", changes)


def board(result):
    """What was tried, the minutes aside."""
    return [
        {name: row[name] for name in row if name != "seconds"}
        for row in result.leaderboard
    ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing stops."""
    with pytest.MonkeyPatch.context() as patch:
        in_small.__wrapped__(patch)
        folder = tmp_path_factory.mktemp("auto") / "whole"
        return nasnet_auto.run(images(), HOURS, folder)


def test_a_run_ends_in_what_was_promised(whole):
    names = [row["name"] for row in whole.leaderboard]
    assert whole.chosen == names[0]
    assert len(names) == 2
    assert all(row["accuracy"] is not None for row in whole.leaderboard)
    assert 0 <= whole.test_accuracy <= 1
    for name in ("model.keras", "architecture.json", "report.html"):
        assert (whole.folder / name).is_file()
    page = whole.report.read_text()
    assert whole.chosen in page
    assert "Model card" in page
    assert "plain network 0." in page  # what the time went to
    assert f"nasnet-auto run {whole.folder}/data.npz --hours {HOURS}" in page


def test_the_result_names_classes(whole):
    guesses = whole.predict(images()[0][:2])
    assert {guess.name for guess in guesses[0]} == set(whole.class_names)


@pytest.mark.parametrize("scale", [1 / 255, np.nan])
def test_pixels_of_another_range_are_refused(whole, scale):
    with pytest.raises(InputError, match="pixels from 0 to 255"):
        whole.predict(images()[0][:2] * scale)


class Stop(Exception):
    pass


@pytest.mark.large
@pytest.mark.parametrize("moment", range(2))
def test_a_stopped_run_ends_as_one_that_never_was(whole, moment, tmp_path):
    def begin(name, seen=[]):  # noqa: B006
        seen.append(name)
        if len(seen) > moment:
            raise Stop

    with pytest.raises(Stop):
        nasnet_auto.run(
            images(), HOURS, tmp_path, display=auto.Display(begin=begin)
        )
    with pytest.raises(InputError, match="finished run"):
        nasnet_auto.load(tmp_path)
    result = nasnet_auto.run(images(), HOURS, tmp_path)
    assert board(result) == board(whole)
    assert result.test_accuracy == whole.test_accuracy


def test_a_finished_run_is_not_trained_again(whole):
    shown = []
    again = nasnet_auto.run(
        images(), HOURS, whole.folder, display=auto.Display(begin=shown.append)
    )
    assert shown == []
    assert board(again) == board(whole)


@pytest.mark.large
def test_another_seed_holds_out_the_same_images(monkeypatch, tmp_path):
    """The run goes on in a process that has not read the images yet, and the
    folder of a training stands by itself."""
    changes = {"another seed": CHANGES["another seed"]}
    monkeypatch.setattr(stages, "CHANGES", changes)
    result = nasnet_auto.run(images(), HOURS, tmp_path / "whole")
    first, second = (row["name"] for row in result.leaderboard)
    assert {first, second} == {"plain network", "plain network, another seed"}
    fingerprints = {
        load_data(load_settings(result.folder / folder_of(name))).fingerprint
        for name in (first, second)
    }
    assert len(fingerprints) == 1

    def begin(name):
        if "another seed" in name:
            raise Stop

    with pytest.raises(Stop):
        nasnet_auto.run(
            images(), HOURS, tmp_path / "run", display=auto.Display(begin=begin)
        )
    again = nasnet_auto.run(images(), HOURS, tmp_path / "run")
    assert board(again) == board(result)


def test_an_epoch_that_broke_off_takes_no_time_from_others(
    monkeypatch, tmp_path
):
    """It is neither an epoch nor what a training takes beside its epochs."""
    seconds = []

    def diverge(candidate, *arguments, **keywords):
        return Row(candidate.name, reason="It diverged.")

    add = Book.add
    monkeypatch.setattr(
        Book,
        "add",
        lambda self, stage, row, beside, reading: [
            seconds.append(beside),
            add(self, stage, row, beside, reading),
        ],
    )
    monkeypatch.setattr(auto, "train", diverge)
    with pytest.raises(RunError, match="It diverged"):
        nasnet_auto.run(images(), HOURS, tmp_path)
    assert seconds == [0.0]


def test_a_run_from_python_shows_what_it_does_if_asked(whole, capsys):
    nasnet_auto.run(images(), HOURS, whole.folder)
    assert capsys.readouterr().out == ""
    nasnet_auto.run(images(), HOURS, whole.folder, verbose=True)
    assert "60 training images" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hours": 0}, "Expected at least 0.017"),
        ({"hours": float("nan")}, "Expected at least 0.017"),
        ({"hours": "1"}, "Expected at least 0.017"),
        ({"max_latency": -1}, "positive"),
        ({"max_latency": "fast"}, "positive"),
        ({"format": "exe"}, "Expected one of openvino"),
        ({"seed": "0"}, "`seed`. Expected a whole number"),
        ({"seed": 1.0}, "`seed`. Expected a whole number"),
        ({"verbose": 1}, "`verbose`. Expected True, False or None"),
        ({"skip_broken": 1}, "`skip_broken`. Expected True or False"),
        ({"workers": 0}, "`workers`. Expected a whole number of at least 1"),
        ({"ensemble": 11}, "`ensemble`. Expected from 2 to 10"),
        ({"preset": 5, "weights": "x"}, "`preset`. Expected a name"),
        ({"preset": "nasnet_mobile", "weights": 5}, "`weights`. Expected a n"),
        ({"preset": "nasnet_mobile"}, "`preset` and `weights` together"),
        ({"preset": "nasnet_mobil", "weights": __file__}, "nasnet_mobil"),
        ({"seed": 2**32}, "`seed`. Expected a whole number from 0"),
        ({"augmentation": "flip"}, "`augmentation`. Expected one of none, c"),
        ({"pretrained": 1}, "`pretrained`. Expected True or False"),
        (
            {"preset": "a", "weights": "b", "pretrained": False},
            "or no pretrained networks",
        ),
        (
            {"preset": "nasnet_mobile", "weights": "nowhere.h5"},
            "the path of a file",
        ),
        ({"data": "nowhere"}, "Expected 'digits', a name"),
        ({"data": 3}, "a value of type int, 3"),
        ({"output": None}, "`output`. Expected a path"),
        ({"output": "x" * 300}, "at most 255 bytes"),
    ],
)
def test_what_cannot_be_used_leaves_nothing(changes, message, tmp_path):
    arguments = {"data": "digits", "hours": 1, "output": tmp_path / "run"}
    with pytest.raises(InputError, match=message):
        nasnet_auto.run(**{**arguments, **changes})
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "begin",
    [
        lambda data, output: nasnet_auto.run(data, 1, output),
        lambda data, output: search.run(output, dataset=data),
    ],
)
def test_an_output_within_the_images_is_refused(begin, tmp_path, monkeypatch):
    """However the two are written."""
    photos = tmp_path / "photos"
    for name in ("cat", "dog"):
        (photos / name).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(photos / name / "one.png")
    (tmp_path / "link").symlink_to(photos)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="not in the folder of the images"):
        begin("photos", tmp_path / "link" / "best")
    assert sorted(each.name for each in photos.iterdir()) == ["cat", "dog"]


def test_other_settings_are_refused(whole):
    with pytest.raises(InputError, match="begun with other seed"):
        nasnet_auto.run(images(), HOURS, whole.folder, seed=1)


def test_a_run_goes_on_as_tensorflow_computed_before(tmp_path, monkeypatch):
    file = tmp_path / "plan.json"
    Book(file, {})
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "SSE41")
    with pytest.raises(InputError, match="the variable ONEDNN_MAX_CPU_ISA"):
        Book(file, {})
    # A finished run computes nothing.
    (tmp_path / "leaderboard.json").touch()
    Book(file, {})


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="something else"):
        nasnet_auto.run("digits", HOURS, tmp_path)


def test_a_file_as_output_is_refused(tmp_path):
    (tmp_path / "thesis").write_text("years of work")
    with pytest.raises(InputError, match="something else"):
        nasnet_auto.run("digits", HOURS, tmp_path / "thesis")


def test_arrays_that_are_refused_leave_nothing(tmp_path):
    pixels, labels = images()
    with pytest.raises(InputError, match="disagree"):
        nasnet_auto.run((pixels, labels[1:]), HOURS, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_two_pairs_of_arrays_are_kept(tmp_path):
    """To train and to test on, as `keras.datasets` have them."""
    auto._keep((images(30), images(12)), tmp_path / "data.npz")
    kept = load_dataset(tmp_path / "data.npz")
    assert (len(kept.train), len(kept.test)) == (30, 12)


def test_a_run_killed_before_its_plan_goes_on(tmp_path):
    for name in ("lock", ".plan.json"):
        (tmp_path / name).touch()
    auto._check_folder(tmp_path)


def test_other_images_are_refused(whole):
    pixels, labels = images()
    pixels[0] = 0
    with pytest.raises(InputError, match="images are not those"):
        nasnet_auto.run((pixels, labels), HOURS, whole.folder)


def test_without_time_the_reasons_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(auto, "training_seconds", lambda *arguments: 1e-6)
    with pytest.raises(RunError, match="longer than the"):
        nasnet_auto.run(images(), HOURS, tmp_path)


def test_the_best_of_rows():
    rows = [
        Row("a", accuracy=0.5, parameters=10),
        Row("b", accuracy=0.7, parameters=30),
        Row("c", accuracy=0.7, parameters=20),
        Row("d", accuracy=0.9, reason="slower than asked for"),
        Row("e", reason="no time is left"),
    ]
    assert stages.best_of(rows).name == "c"
    assert stages.best_of(rows[3:]) is None


def test_a_damaged_plan_is_a_sentence(tmp_path):
    file = tmp_path / "plan.json"
    for text in ("", "[]", '{"schema": 1}', '{"schema": 99}', "[" * 10_000):
        file.write_text(text)
        with pytest.raises(InputError, match=r"plan\.json"):
            Book(file, {})


def test_the_time_of_earlier_calls_counts(tmp_path):
    file = tmp_path / "plan.json"
    Book(file, {"hours": 1})
    data = json.loads(file.read_text())
    file.write_text(json.dumps({**data, "elapsed": 1000.0}))
    assert 1000 <= Book(file, {"hours": 1}).elapsed < 1010


def a_timed_candidate(name, epoch, epochs=2):
    candidate = a_candidate().changed(name, epochs=epochs)
    return dataclasses.replace(
        candidate, start_seconds=5.0, epoch_seconds=epoch
    )


def test_the_last_training_leaves_time_to_read_and_evaluate(tmp_path):
    """As a training took beside its epochs, the next will too."""
    context = context_of_a_search(tmp_path, left=100)
    candidate = a_timed_candidate("plain network", epoch=40.0)
    for stage, beside in (("linear probe", 0.0), ("fine-tuning", 20.0)):
        assert auto._in_time(candidate, tmp_path, context).reason is None
        context.book.plan(stage, candidate)
        context.book.add(stage, Row("a", accuracy=0.5), beside)
    found = auto._in_time(candidate, tmp_path, context)
    assert found.reason == "no time is left"
    # Of what is begun the rest counts.
    (tmp_path / "history.json").write_text('[{"seconds": 40.0}]')
    assert auto._in_time(candidate, tmp_path, context).reason is None


def test_after_one_without_time_there_is_none(tmp_path):
    """Lest a run that lost time tries what others do not."""
    context = context_of_a_search(tmp_path, left=100)
    small = a_timed_candidate("small", epoch=1.0)
    for row in (Row("b", accuracy=0.5), Row("a", reason=NO_TIME)):
        assert auto._in_time(small, tmp_path, context).reason is None
        context.book.plan("fine-tuning", small)
        context.book.add("fine-tuning", row)
    assert auto._in_time(small, tmp_path, context).reason == NO_TIME


def test_a_run_has_time_for_one_network(tmp_path):
    context = context_of_a_search(tmp_path, left=0)
    candidate = a_timed_candidate("plain network", epoch=40.0)
    assert auto._in_time(candidate, tmp_path, context).reason is None


def test_epochs_follow_from_the_plan_alone(tmp_path):
    """However much time is left: larger images take longer as they have more
    pixels, and are not timed."""
    found = nasnet_auto.survey.survey("digits")
    candidate = a_timed_candidate("plain network", epoch=2.0)
    larger = candidate.changed("larger", image_size=16)
    epochs = [
        auto._fitted(each, 25.0, found).recipe.epochs
        for each in (candidate, larger)
    ]
    assert epochs == [2, 2]  # of MOST_EPOCHS
    assert larger.epoch_seconds == 8.0
    assert "8 s" in auto._fitted(larger, 8.0, found).reason


def test_images_to_test_on_take_no_time(monkeypatch):
    """Of data without a part for it, they are put aside first."""
    found = dataclasses.replace(
        nasnet_auto.survey.survey("digits"), has_test=False
    )
    given = []

    def timed(draft, classes, trained, validated):
        given.append(trained)
        return dataclasses.replace(draft, start_seconds=1.0, epoch_seconds=1.0)

    monkeypatch.setattr(auto, "timed", timed)
    auto._fitted(a_candidate(), 25.0, found)
    held_out = found.held_for_test + found.validation_images
    assert given == [found.images - held_out]
    assert found.held_for_test == 144


def test_images_that_are_to_be_read_take_time(tmp_path):
    context = context_of_a_search(tmp_path, left=100)
    candidate = a_timed_candidate("plain network", epoch=40.0)
    context.book.plan("linear probe", candidate)
    assert auto._in_time(candidate, tmp_path, context).reason is None
    context.book.add("linear probe", Row("a", accuracy=0.5), reading=20.0)
    assert auto._in_time(candidate, tmp_path, context).reason == NO_TIME
    context.images._shape = tuple(candidate.settings["network"]["input_shape"])
    assert auto._in_time(candidate, tmp_path, context).reason is None


def test_a_run_short_of_time_has_fewer_rows_of_equal_rewards(whole, tmp_path):
    def short(plan):
        plan["elapsed"] = 3600 * HOURS * (1 - stages.FINISH) - 0.01
        plan["stages"].pop("tuning")

    result = finished_again(whole, tmp_path / "run", short)
    before = {row["name"]: row for row in board(whole)}
    first, last = board(result)
    assert first == before["plain network"]
    assert last["name"] in before and last["reason"] == NO_TIME


def test_time_counts_also_after_a_kill(tmp_path, monkeypatch):
    """Noted while whatever is done takes its time."""
    monkeypatch.setattr(nasnet_auto.trainings.book, "SECONDS_BETWEEN", 0.01)
    file = tmp_path / "plan.json"
    book = Book(file, {})
    with book.counting():
        end = time.monotonic() + 10
        while json.loads(file.read_text())["elapsed"] < 0.05:
            assert time.monotonic() < end
    noted = json.loads(file.read_text())["elapsed"]
    time.sleep(0.05)
    assert json.loads(file.read_text())["elapsed"] == noted


def test_seconds_beside_epochs_are_of_this_call():
    epochs = pace.Epochs()
    for _ in range(2):
        epochs.on_epoch_begin(0)
        time.sleep(0.01)
        epochs.on_epoch_end(0)
    assert 0.02 <= epochs.seconds < 1


@pytest.mark.large
@pytest.mark.parametrize("what", ["auto", "tune"])
def test_killed_ten_times_it_ends_as_one_that_never_was(what, tmp_path):
    script = Path(__file__).with_name("kill_scenario.py")
    done = subprocess.run(
        [sys.executable, script, what, tmp_path, "--kills", "10"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["kills"] == 10
    assert result["killed"] == result["whole"]


def test_a_pipeline_is_its_arrays(whole):
    pipeline = tf.data.Dataset.from_tensor_slices(images()).batch(7)
    shown = []
    again = nasnet_auto.run(
        pipeline, HOURS, whole.folder, display=auto.Display(begin=shown.append)
    )
    assert shown == []
    assert board(again) == board(whole)


def test_a_search_needs_images_and_time(tmp_path):
    survey = nasnet_auto.survey.survey("digits")
    book = Book(tmp_path / "plan.json", {})

    def searches(hours, images):
        counted = dataclasses.replace(survey, counts=(images, images))
        request = Request("digits", hours)
        context = stages.Context(request, counted, book, tmp_path)
        lines = stages.plan_lines(context)
        assert ("search 21.0" in lines[0]) == context.searches
        assert any("No search" in line for line in lines) != context.searches
        return context.searches

    assert searches(1, 1000)
    assert not searches(0.1, 1000)
    assert not searches(1, 100)


@pytest.mark.parametrize(
    ("size", "reachable", "presets"),
    [
        (8, True, ["nasnet_a_cifar_nano"]),  # no photographs
        (100, True, ["nasnet_mobile", "nasnet_a_cifar_nano"]),
        (100, False, ["nasnet_a_cifar_nano"]),
    ],
)
def test_published_weights_are_for_photographs(
    size, reachable, presets, tmp_path, monkeypatch
):
    asked = []

    def fetch(preset, include_top):
        asked.append(preset)
        if not reachable:
            raise RuntimeError("They could not be fetched.")

    monkeypatch.setattr(stages.pretrained, "fetch", fetch)
    survey = dataclasses.replace(
        nasnet_auto.survey.survey("digits"), sizes=((size, size),)
    )
    told = []
    for _ in range(2):  # The second time it is read.
        context = stages.Context(
            Request("digits", HOURS),
            survey,
            Book(tmp_path / "plan.json", {}),
            tmp_path,
            tell=told.extend,
        )
        for stage in ("linear probe", "fine-tuning"):
            drafts = list(stages.STAGES[stage].propose(context))
            assert [each.preset for each in drafts] == presets
        assert stages.training_seconds(
            "fine-tuning", context, drafts[0]
        ) == pytest.approx(0.20 * HOURS * 3600 / len(presets))
    assert len(asked) == (size > 8)
    assert len(told) == (size > 8 and not reachable)


def context_of_a_search(folder, left=3600, told=None, **request):
    """Of a run of an hour, of which so many seconds are left."""
    survey = nasnet_auto.survey.survey("digits")
    book = Book(folder / "plan.json", {})
    book._before = (1 - stages.FINISH) * 3600 - left
    return stages.Context(
        Request("digits", 1, **request),
        survey,
        book,
        folder,
        tell=(told if told is not None else []).extend,
    )


def test_a_search_that_fails_leaves_the_other_networks(tmp_path, monkeypatch):
    asked = []

    def fail(*arguments, **settings):
        asked.append(settings)
        raise InputError("Expected at least 9 hours.")

    monkeypatch.setattr(search, "run", fail)
    told = []
    for _ in range(2):  # The second time it is read.
        context = context_of_a_search(tmp_path, told=told)
        assert list(stages.STAGES["found cells"].propose(context)) == []
    assert len(asked) == 1
    assert told == ["The search has found no cell. Expected at least 9 hours."]


def test_a_search_that_cannot_write_is_gone_on_with(tmp_path, monkeypatch):
    """Nothing is decided: when the disk has room, it finds its cells."""

    def break_off(*arguments, **settings):
        try:
            raise OSError("No space left on device")
        except OSError as error:
            raise RunError("The run broke off.") from error

    monkeypatch.setattr(search, "run", break_off)
    told = []
    for _ in range(2):
        context = context_of_a_search(tmp_path, told=told)
        with pytest.raises(RunError, match="broke off"):
            list(stages.STAGES["found cells"].propose(context))
    assert told == []


@pytest.mark.parametrize(("workers", "threads"), [(1, None), (2, 1)])
def test_a_search_takes_the_time_and_the_threads_there_are(
    workers, threads, tmp_path, monkeypatch
):
    asked = {}

    def fail(*arguments, **settings):
        asked.update(settings)
        raise RunError("Enough.")

    monkeypatch.setattr(search, "run", fail)
    context = context_of_a_search(tmp_path, left=2000, workers=workers)
    assert list(stages.STAGES["found cells"].propose(context)) == []
    # In a process where TensorFlow has begun work they cannot be set.
    assert asked["child"]["threads"] == threads
    assert asked["hours"] == stages.SEARCH_SHARE
    assert "space" not in asked


def test_with_a_latency_mobile_networks_are_searched(tmp_path, monkeypatch):
    asked = {}

    def fail(*arguments, **settings):
        asked.update(settings)
        raise RunError("Enough.")

    monkeypatch.setattr(search, "run", fail)
    context = context_of_a_search(tmp_path, max_latency=0.01)
    monkeypatch.setattr(type(context.survey), "image_size", 64)
    assert list(stages.STAGES["found cells"].propose(context)) == []
    assert asked["space"] == "mobile"
    assert asked["objective"]["max_latency"] == 0.01
    # The size of the networks that are trained afterwards.
    assert asked["child"]["image_size"] == 64


@pytest.mark.large
@pytest.mark.parametrize(
    ("workers", "request_", "name"),
    [
        (1, {}, "searched cell"),
        (2, {}, "searched cell"),
        (1, {"max_latency": 10.0}, "searched network"),
    ],
)
def test_a_search_finds_cells_and_goes_on(
    workers, request_, name, tmp_path, monkeypatch
):
    """A real one of seconds, in this process and in others. There is time for
    three children and for the epochs of what it finds on a busy machine too."""
    monkeypatch.setattr("search.loop.plan.IMAGES", 800)
    monkeypatch.setattr(stages, "SEARCH_IMAGES", 10)
    monkeypatch.setattr(stages, "SEARCH_SECONDS", 1.0)
    monkeypatch.setattr(stages, "SEARCH_SHARE", 0.04)
    monkeypatch.setattr(stages, "FOUND_REPEATS", 1)
    monkeypatch.setattr(stages, "FOUND_FILTERS", 4)
    monkeypatch.setattr(auto, "MOST_EPOCHS", 12)
    monkeypatch.setattr(
        auto, "STAGES", {"found cells": stages.STAGES["found cells"]}
    )
    monkeypatch.setattr(stages, "MOBILE_WIDTH", 0.1)
    arguments = {"workers": workers, "output": tmp_path, **request_}

    class Breaking(Observer):
        def finished(self, trial, *others, **more):
            if trial.number == 1:
                raise Stop

    with pytest.raises(Stop):
        nasnet_auto.run(
            "digits",
            1,
            display=auto.Display(observers=(Breaking(),)),
            **arguments,
        )
    result = nasnet_auto.run("digits", 1, **arguments)
    assert len(result.leaderboard) == stages.FOUND
    assert result.chosen.startswith(name)
    assert result.test_accuracy > 0.2  # by chance 0.1
    run = search.load(tmp_path / "search")
    assert run.config.child.threads == (None if workers == 1 else 1)


def test_no_search_begins_when_its_time_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(search, "run", None)
    told = []
    context = context_of_a_search(tmp_path, left=60, told=told)
    assert list(stages.STAGES["found cells"].propose(context)) == []
    assert told == ["No search: too little time is left."]


def test_a_network_is_fine_tuned_once_a_name(tmp_path):
    """Rows and folders are named by the preset."""
    context = dataclasses.replace(
        context_of_a_search(tmp_path),
        request=Request(
            "digits", 1, preset="nasnet_a_cifar_nano", weights="own.h5"
        ),
    )
    (candidate,) = stages.STAGES["fine-tuning"].propose(context)
    assert candidate.settings["weights"] == "own.h5"


def finished_again(whole, folder, change=lambda plan: None, **settings):
    """A copy of a run of which all is left but its last step, and what is
    changed in its plan."""
    shutil.copytree(whole.folder, folder)
    plan = json.loads((folder / "plan.json").read_text())
    plan["asked"].update(settings, dataset=str((folder / "data.npz").resolve()))
    for entry in plan["stages"].values():
        for candidate in entry["candidates"]:
            candidate["settings"]["dataset"] = plan["asked"]["dataset"]
    change(plan)
    (folder / "plan.json").write_text(json.dumps(plan))
    for file in folder.glob("trainings/*/config.json"):
        record = json.loads(file.read_text())
        record["settings"]["dataset"] = plan["asked"]["dataset"]
        file.write_text(json.dumps(record))
    (folder / "leaderboard.json").unlink()
    return nasnet_auto.run(images(), HOURS, folder, **settings)


def test_what_cannot_be_exported_is_there_all_the_same(
    whole, tmp_path, monkeypatch
):
    def fail(*arguments):
        raise ValueError("No such operation.")

    monkeypatch.setattr(publish, "export", fail)
    with pytest.raises(RunError, match=r"model\.keras is written.*No such op"):
        finished_again(whole, tmp_path / "run", format="saved_model")
    result = nasnet_auto.load(tmp_path / "run")
    assert result.report.is_file()
    assert result.predict(images()[0][:1])


@pytest.mark.large
def test_an_ensemble_is_one_more_network(whole, tmp_path, monkeypatch):
    # Chosen whatever it comes to.
    monkeypatch.setattr(
        stages, "best_of", lambda rows: rows[-1] if rows else None
    )
    monkeypatch.setattr(auto, "best_of", stages.best_of)
    result = finished_again(whole, tmp_path / "run", ensemble=2)
    assert result.chosen == "ensemble of 2"
    data = json.loads((result.folder / "leaderboard.json").read_text())
    assert sorted(data["members"]) == sorted(
        row["name"] for row in whole.leaderboard
    )
    pixels = images()[0][:4].astype("float32") / 127.5 - 1
    folders = [
        result.folder / candidates.folder_of(name)
        for name in (*data["members"], result.chosen)
    ]
    *members, together = [
        np.asarray(load_model(folder / "model.keras")(pixels))
        for folder in folders
    ]
    np.testing.assert_allclose(together, np.mean(members, axis=0), atol=1e-6)
    guesses = result.predict(images()[0][:2])
    assert {guess.name for guess in guesses[0]} == set(whole.class_names)


def test_an_export_that_was_killed_is_begun_anew(tmp_path, monkeypatch):
    """Of OpenVINO's two files the second says that both are there."""
    (tmp_path / "model.bin").write_bytes(b"half")

    def export(model, path, format):
        assert not (tmp_path / "model.bin").exists()
        path.write_text("whole")

    monkeypatch.setattr(publish, "export", export)
    publish._export(tmp_path, None, "openvino")
    assert (tmp_path / "model.xml").read_text() == "whole"
    assert (tmp_path / "predict.py").is_file()


def a_candidate(**values):
    return Candidate(
        "plain network",
        {
            "dataset": "digits",
            "network": plain_network(8),
            "recipe": dataclasses.asdict(
                adapted(RECIPES["search-proxy"], LayerwiseKind.unsupported)
            ),
        },
        **values,
    )


def test_a_training_without_room_is_a_row(tmp_path, monkeypatch):
    def fail(*arguments, **keywords):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM")

    monkeypatch.setattr(candidates, "run_training", fail)
    row = candidates.train(a_candidate(), tmp_path, LoadedImages())
    assert row.reason == "it takes more memory than there is"
    assert not row.can_be_chosen


def test_a_network_that_is_too_slow_is_not_trained(tmp_path, monkeypatch):
    measured = []

    def latency(model, runtime):
        measured.append(runtime)
        return 0.5

    monkeypatch.setattr(candidates, "measure_latency", latency)
    context = stages.Context(
        Request("digits", HOURS, max_latency=0.1),
        nasnet_auto.survey.survey("digits"),
        Book(tmp_path / "plan.json", {}),
        tmp_path,
    )
    slow = auto._fast_enough(a_candidate(), context)
    assert slow.reason == candidates.SLOW
    assert measured == ["keras"]
    # What was measured is not measured again.
    context.book.plan("plain network", slow)
    again = auto._fast_enough(a_candidate(), context)
    assert again.reason == candidates.SLOW
    fast = Book(tmp_path / "fast.json", {})
    fast.plan("plain network", a_candidate())
    context = dataclasses.replace(context, book=fast)
    assert auto._fast_enough(a_candidate(), context).reason is None
    assert measured == ["keras"]


def test_weights_that_cannot_be_fetched_are_a_row(tmp_path, monkeypatch):
    def fail(*arguments):
        raise RuntimeError("No network.")

    monkeypatch.setattr(candidates.pretrained, "load", fail)
    candidate = a_candidate(preset="nasnet_mobile")
    candidate.settings["weights"] = "imagenet"
    row = candidates.train(candidate, tmp_path / "run", LoadedImages())
    assert row.reason == "No network."
    assert not row.can_be_chosen


def test_a_classifier_for_other_classes_is_no_news():
    """A warning would fail."""
    candidate = a_candidate(preset="nasnet_a_cifar_nano")
    candidate.settings["weights"] = "cifar10"
    pretrained = zoo.create_model("nasnet_a_cifar_nano", weights="cifar10")
    model = zoo.create_model("nasnet_a_cifar_nano", classes=3)
    candidates.initialiser(candidate)(model)
    *body, _, _ = pretrained.get_weights()
    for given, expected in zip(model.get_weights(), body, strict=False):
        np.testing.assert_array_equal(given, expected)
    grey = zoo.create_model("nasnet_a_cifar_nano", (32, 32, 1), classes=3)
    with pytest.warns(UserWarning, match="3 channels, images have 1"):
        candidates.initialiser(candidate)(grey)


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000])
def test_a_damaged_leaderboard_is_a_sentence(text, tmp_path):
    (tmp_path / "leaderboard.json").write_text(text)
    with pytest.raises(InputError, match="finished run"):
        nasnet_auto.load(tmp_path)


@pytest.mark.parametrize("folder", [None, 3, b"x", "x" * 300])
def test_a_folder_is_a_path(folder):
    with pytest.raises(InputError, match="`folder`. Expected a path"):
        nasnet_auto.load(folder)


@pytest.mark.parametrize("frozen", [False, True])
def test_a_probe_is_timed_as_it_is_trained(frozen, monkeypatch):
    seen = []

    def train(model, *arguments, **keywords):
        seen.extend(layer.name for layer in model.layers if layer.trainable)
        raise Stop

    monkeypatch.setattr(pace, "train", train)
    candidate = a_candidate()
    if frozen:
        epochs = candidate.recipe.epochs
        candidate = candidate.changed("probe", frozen_epochs=epochs)
    with pytest.raises(Stop):
        pace.timed(candidate, 10, images=100, validated=10)
    assert (seen == ["logits"]) == frozen


def test_a_network_whose_latency_cannot_be_had_is_not_chosen(
    whole, monkeypatch
):
    """As of an operation that the runtime does not have."""

    def fail(*arguments, **keywords):
        raise ValueError("No such operation.")

    monkeypatch.setattr(candidates, "measure_latency", fail)
    (candidate,) = Book(whole.folder / "plan.json", {}).candidates(
        "plain network"
    )
    folder = whole.folder / candidates.folder_of(candidate.name)
    row = candidates.train(candidate, folder, LoadedImages(), runtime="onnx")
    assert row.accuracy is not None
    assert row.reason == "No such operation."
