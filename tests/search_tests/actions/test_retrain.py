import dataclasses
import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import search
import search.cli.app
from nasnet_keras.console.command_line import InputError, RunError
from nasnet_keras.training.recipes import RECIPES
from nasnet_keras.training.run import load_settings
from nasnet_keras.training.settings import load_data

RECIPE = dataclasses.replace(RECIPES["search-proxy"], epochs=1, batch_size=8)
# That the command takes for images of 8 x 8.
RECIPE_OF_COMMAND = dataclasses.replace(
    RECIPES["cifar"], auxiliary_weight=0.0, cutout=4
)
NETWORK = {
    "input_shape": [8, 8, 1],
    "classes": 2,
    "repeats": 1,
    "filters": 2,
    "drop_path_rate": 0.1,
    "drop_path_steps": 10,
}


@pytest.fixture
def run(tmp_path, learning, FakeEvaluator):
    """A search over six children, as if they had been trained on images."""
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    np.savez(
        tmp_path / "images.npz",
        x_train=rng.integers(0, 256, (40, 8, 8, 1)).astype(np.uint8),
        y_train=labels,
        x_test=rng.integers(0, 256, (10, 8, 8, 1)).astype(np.uint8),
        y_test=labels[:10],
    )

    class Evaluator(FakeEvaluator):
        def describe(self):
            return {"network": NETWORK}

    return search.run(
        tmp_path / "run",
        dataset=str(tmp_path / "images.npz"),
        evaluator=Evaluator(),
        strategy="learning",
        trials=6,
        seed=8,
        space_options={"blocks": 1},
        tensorboard=False,
    )


@pytest.fixture
def best(run):
    """The numbers of the best three trials."""
    return [trial.number for trial in search.trial.ranked(run.trials)[:3]]


class Trainings:
    """Stands for `run_training` and `evaluate_run`: a child's accuracy is
    that of its trial, and one without diverges, or is interrupted."""

    def __init__(self, accuracies):
        self.accuracies = accuracies
        self.settings = {}
        self.seeds = []

    def run_training(self, folder, settings, progress=None, data=None):
        number, _, seed = folder.name.partition("-seed-")
        number = int(number)
        self.settings[number] = settings
        self.seeds.append((number, settings.seed))
        assert not seed or settings.seed == int(seed)
        folder.mkdir(parents=True, exist_ok=True)
        record = {
            "schema": 1,
            "settings": dataclasses.asdict(settings),
            "command": "",
            "computing": {},
            "data": "",
        }
        (folder / "config.json").write_text(json.dumps(record))
        history = [{"epoch": 1, "seconds": 2.5}, {"epoch": 2, "seconds": 1.5}]
        (folder / "history.json").write_text(json.dumps(history))
        accuracy = self.accuracies[number]
        if isinstance(accuracy, dict):
            accuracy = accuracy[settings.seed]
        if isinstance(accuracy, BaseException):
            raise accuracy

    def evaluate_run(self, folder, split, data=None):
        assert split == "test"
        (folder / "evaluation").mkdir(exist_ok=True)
        number, _, seed = folder.name.partition("-seed-")
        accuracy = self.accuracies[int(number)]
        if isinstance(accuracy, dict):
            accuracy = accuracy[int(seed or 8)]
        measured = {"accuracy": accuracy, "images": 4}
        (folder / "evaluation" / "test.json").write_text(json.dumps(measured))
        return types.SimpleNamespace(accuracy=accuracy, labels=range(4))


@pytest.fixture
def trainings(monkeypatch, best):
    """The best of the search comes out last."""
    accuracies = dict(zip(best, (0.5, 0.75, 0.625), strict=True))
    trainings = Trainings(accuracies)
    # There is nothing to clear.
    monkeypatch.setattr("keras.backend.clear_session", lambda: None)
    for name in ("run_training", "evaluate_run"):
        monkeypatch.setattr(
            f"search.actions.retrain.{name}", getattr(trainings, name)
        )
    return trainings


def test_children_are_trained_and_measured(run, best, tmp_path):
    ranking = search.retrain(run, RECIPE, top=1, filters=3)
    folder = tmp_path / "run" / "retrained" / f"{best[0]:05d}"
    settings = load_settings(folder)
    assert settings.network["architecture"] == run.space.to_data(
        run.architecture
    )
    assert settings.network["filters"] == 3
    (child,) = ranking.children
    test = json.loads((folder / "evaluation" / "test.json").read_text())
    assert test["images"] == 10
    assert child.accuracy == test["accuracy"]
    import keras

    model = keras.models.load_model(folder / "model.keras")
    assert child.parameters == model.count_params()
    assert ranking.tau is None


def test_the_images_are_read_once(run, trainings, monkeypatch):
    read, given = [], []
    loaded = load_data

    def counted(settings):
        read.append(settings.seed)
        return loaded(settings)

    def run_training(folder, settings, progress, data):
        given.append((settings, data))
        trainings.run_training(folder, settings)

    monkeypatch.setattr("search.actions.retrain.load_data", counted)
    monkeypatch.setattr("search.actions.retrain.run_training", run_training)
    search.retrain(run, RECIPE, top=2, seeds=2)
    assert read == [8]
    assert [settings.seed for settings, _ in given] == [8, 9, 8, 9]
    for settings, data in given:
        assert data.fingerprint == loaded(settings).fingerprint


def test_the_best_are_ranked_again(run, best, trainings, tmp_path):
    ranking = search.retrain(run, RECIPE, top=3)
    first, second, third = best
    assert [child.trial for child in ranking.children] == [second, third, first]
    assert [child.rank for child in ranking.children] == [2, 3, 1]
    assert ranking.ranks == [1, 2, 3]
    assert ranking.tau == pytest.approx(-1 / 3)  # one pair of three agrees
    assert [child.seconds for child in ranking.children] == [4.0] * 3
    rewards = {trial.number: trial.reward for trial in run.trials}
    for child in ranking.children:
        assert child.reward == rewards[child.trial]
        settings = trainings.settings[child.trial]
        assert settings.dataset == str(tmp_path / "images.npz")
        assert settings.seed == 8
        assert settings.train_images is settings.validation_images is None
        assert settings.network["repeats"] == 1
        assert settings.network["input_shape"] == [8, 8, 1]
    written = json.loads(
        (tmp_path / "run" / "retrained" / "ranking.json").read_text()
    )
    assert written["tau"] == ranking.tau
    assert written["children"][0]["trial"] == second
    assert written["recipe"]["epochs"] == 1


def test_the_export_is_what_was_trained_longer(
    run, best, trainings, tmp_path, command, capsys
):
    import keras

    search.retrain(run, RECIPE, top=3)
    for number in best:
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.set_weights([np.full((1, 1), number), np.zeros(1)])
        model.save(run.directory.retrained / f"{number:05d}" / "model.keras")
    for trial, expected in ((None, best[1]), (best[0], best[0])):
        folder = search.export(run, tmp_path / f"best-{expected}", trial)
        model = keras.models.load_model(folder / "model.keras")
        assert model.get_weights()[0] == expected
        metrics = json.loads((folder / "metrics.json").read_text())
        assert metrics["number"] == expected
        assert metrics["retrained"]["trial"] == expected
    assert command(f"export {tmp_path}/run --output {tmp_path}/again") == 0, (
        capsys.readouterr().err
    )
    said = capsys.readouterr().out
    accuracy = "test accuracy 0.75 ± 0.24."
    assert f"Trial {best[1]}, trained longer, {accuracy}" in said
    from search.views.report.page import write_report

    write_report([run], tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "0.75 ± 0.24 <small>best test accuracy of those trained" in text


def test_several_seeds_are_a_mean_and_a_spread(
    run, best, trainings, command, capsys
):
    trainings.accuracies[best[0]] = {8: 0.5, 9: RunError("It diverged.")}
    trainings.accuracies[best[1]] = {8: 0.25, 9: 0.75}
    assert command("retrain run --top 2 --seeds 2") == 0
    pairs = [(number, seed) for number in best[:2] for seed in (8, 9)]
    assert trainings.seeds == pairs
    # Of equal means the better before comes first.
    one, other = search.retrain(run, RECIPE_OF_COMMAND, top=2, seeds=2).children
    assert (one.accuracies, one.spread, one.reason) == (
        (0.5,),
        None,
        "It diverged.",
    )
    assert (other.accuracy, other.accuracies) == (0.5, (0.25, 0.75))
    assert other.spread == pytest.approx(0.5 / 2**0.5)
    shown = "0.5000 ± 0.3536"
    assert shown in capsys.readouterr().out
    assert command("status run --json") == 0
    first, second = json.loads(capsys.readouterr().out)["retrained"]
    assert second["accuracies"] == [0.25, 0.75]
    assert command("status run") == 0
    said = capsys.readouterr().out
    assert (
        f"Trained longer: trial {best[0]}, test accuracy 0.50 ± 0.25." in said
    )
    from search.views.report.page import render

    assert shown in render([run])


@pytest.mark.parametrize("text", ["{", "[]", '{"children": [{}]}'])
def test_a_ranking_that_is_none_is_a_sentence(run, tmp_path, text):
    run.directory.retrained.mkdir()
    run.directory.ranking.write_text(text)
    with pytest.raises(InputError, match="is no ranking of `nasnet-search"):
        search.export(run, tmp_path / "best")


def test_it_goes_on_where_it_was_stopped(run, best, trainings):
    accuracy = trainings.accuracies[best[1]]
    trainings.accuracies[best[1]] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        search.retrain(run, RECIPE, top=3)
    assert list(trainings.settings) == best[:2]
    trainings.accuracies[best[1]] = accuracy
    trainings.settings.clear()
    watched = []
    ranking = search.retrain(run, RECIPE, top=3, watch=watched.append)
    assert list(trainings.settings) == best[1:]
    assert [trial.number for trial in watched] == best[1:]
    assert len(ranking.children) == 3


@pytest.mark.parametrize("text", ["{", "[]", '{"accuracy": "high"}'])
def test_a_damaged_measurement_is_made_again(run, best, trainings, text):
    search.retrain(run, RECIPE, top=1)
    folder = run.directory.retrained / f"{best[0]:05d}"
    (folder / "evaluation" / "test.json").write_text(text)
    (child,) = search.retrain(run, RECIPE, top=1).children
    assert child.accuracy == trainings.accuracies[best[0]]


def test_one_that_diverges_does_not_stop_the_others(run, best, trainings):
    trainings.accuracies[best[0]] = RunError("The training diverged.")
    ranking = search.retrain(run, RECIPE, top=3)
    assert [child.trial for child in ranking.children] == [*best[1:], best[0]]
    assert ranking.ranks == [1, 2, None]
    assert ranking.tau == 1
    failed = ranking.children[-1]
    assert failed.reason == "The training diverged."
    assert failed.accuracy is None


def test_a_recipe_is_followed_without_what_the_size_leaves_no_room_for(
    run, best, trainings, monkeypatch, capsys
):
    """The images have 8 x 8 pixels, too few for an auxiliary head."""
    words = ["nasnet-search", "retrain", str(run.directory.path), "--top", "1"]
    monkeypatch.setattr(sys, "argv", words)
    assert search.cli.app.main() == 0
    recipe = trainings.settings[best[0]].recipe
    assert recipe == RECIPE_OF_COMMAND
    assert "0.50 ± 0.25" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", [*words, "--auxiliary-weight", "0.4"])
    assert search.cli.app.main() == 2
    assert capsys.readouterr().err.startswith(
        "Invalid value for `auxiliary_weight`. Expected 0.0: images of 8 x 8 "
    )
    with pytest.raises(ValueError, match="`auxiliary_weight`. Expected 0.0"):
        search.retrain(run, RECIPES["cifar"])


def test_what_cannot_be_retrained_is_refused(
    run, best, trainings, tmp_path, FakeEvaluator
):
    with pytest.raises(InputError, match="at least 1. Received: top=0"):
        search.retrain(run, RECIPE, top=0)
    with pytest.raises(InputError, match="at least 1. Received: seeds=0"):
        search.retrain(run, RECIPE, seeds=0)
    search.retrain(run, RECIPE, top=1)
    with pytest.raises(InputError, match="begun with other network"):
        search.retrain(run, RECIPE, top=2, repeats=2)
    # Before anything is trained.
    assert list(trainings.settings) == best[:1]
    search.retrain(run, RECIPE, top=1, repeats=2, output=tmp_path / "other")
    assert (tmp_path / "other" / "ranking.json").exists()
    own = search.run(
        tmp_path / "own",
        evaluator=FakeEvaluator(),
        strategy="learning",
        trials=1,
        tensorboard=False,
    )
    with pytest.raises(InputError, match="begun with an `evaluator` of its"):
        search.retrain(own, RECIPE)


@pytest.mark.parametrize(
    "network",
    [
        *("resnet", 3, [], {}, {"input_shape": 3}),
        {**NETWORK, "input_shape": 3},
        {**NETWORK, "input_shape": ["a", 8, 1]},
        {**NETWORK, "classes": "many"},
        {**NETWORK, "filters": "wide"},
        {**NETWORK, "colour": "red"},
    ],
)
@pytest.mark.one_in(3)
def test_a_network_of_another_form_is_a_sentence(
    network, tmp_path, learning, FakeEvaluator
):
    class Evaluator(FakeEvaluator):
        def describe(self):
            return {"network": network}

    own = search.run(
        tmp_path / "own",
        dataset="digits",
        evaluator=Evaluator(),
        strategy="learning",
        trials=1,
        space_options={"blocks": 1},
        tensorboard=False,
    )
    with pytest.raises(InputError):
        search.export(own, tmp_path / "best")
    if network != {**NETWORK, "colour": "red"}:  # retraining has its own
        with pytest.raises(InputError):
            search.retrain(own, RECIPE)
    assert not (tmp_path / "best").exists()


def test_the_recipe_is_adapted_to_the_kind(
    trainings, run, tmp_path, command, capsys, FakeEvaluator
):
    network = {"input_shape": [8, 8, 1], "classes": 2}

    class Evaluator(FakeEvaluator):
        def describe(self):
            return {"network": network}

        def evaluate(self, child):
            return search.Evaluation(0.5, {}, {}, 1)

    layers = search.run(
        tmp_path / "layers",
        dataset=str(tmp_path / "images.npz"),
        evaluator=Evaluator(),
        space=search.spaces.create_space("layerwise", {"layers": 2}),
        strategy="random",
        trials=1,
        tensorboard=False,
    )
    trainings.accuracies = {0: 0.5}
    assert command("retrain layers --epochs 30") == 0
    recipe = trainings.settings[0].recipe
    assert recipe == dataclasses.replace(
        RECIPE_OF_COMMAND, epochs=30, drop_path_rate=0.0
    )
    for value in ("--auxiliary-weight 0.4", "--drop-path-rate 0.1"):
        capsys.readouterr()
        assert command(f"retrain layers --output other {value}") == 2
        assert "networks given layer by layer" in capsys.readouterr().err
    with pytest.raises(ValueError, match="no paths to drop"):
        search.retrain(layers, RECIPES["cifar"])


@pytest.fixture
def command(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def command(text):
        monkeypatch.setattr(sys, "argv", ["nasnet-search", *text.split()])
        return search.cli.app.main()

    return command


def test_the_command(run, best, trainings, command, capsys):
    assert (
        command(
            "retrain run --top 3 --recipe cifar --epochs 30 --filters 4 "
            "--image-size 16 --output longer"
        )
        == 0
    )
    settings = trainings.settings[best[0]]
    recipe = dataclasses.replace(RECIPES["cifar"], epochs=30, cutout=8)
    assert settings.recipe == recipe
    assert settings.network["filters"] == 4
    assert settings.network["input_shape"] == [16, 16, 1]
    output = capsys.readouterr().out
    assert output.startswith(f"Trial {best[0]}, reward 0.")
    for text in (
        "0.75 ± 0.24",  # of 4 images
        "Kendall's tau of the ranks now and before: -0.33.",
        "Wrote longer/ranking.json.",
    ):
        assert text in output
    assert Path("longer/ranking.json").exists()


def test_where_all_diverge_the_command_fails(
    run, best, trainings, command, capsys
):
    trainings.accuracies = dict.fromkeys(best, RunError("It diverged."))
    assert command("retrain run --top 3") == 1
    captured = capsys.readouterr()
    assert captured.err == "Every training failed.\n"
    assert captured.out.count(": It diverged.\n") == 3


def test_an_interruption_says_how_to_go_on(
    run, best, trainings, command, capsys
):
    trainings.accuracies[best[0]] = KeyboardInterrupt()
    assert command("retrain run") == 130
    assert "Continue with the same command." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("nowhere", "Expected the folder of a run. Received: nowhere"),
        ("run --recipe haste", "Invalid value for `recipe`. Expected one of"),
        ("run --epochs 0", "Invalid value for `epochs`."),
        ("run --auxiliary-weight -1", "Invalid value for `auxiliary_weight`."),
        ("run --top 0", "Invalid value for '--top'"),
        ("run --repeats 0", "Invalid value for '--repeats'"),
    ],
)
def test_bad_input_is_a_sentence(run, command, capsys, arguments, sentence):
    assert command(f"retrain {arguments}") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(sentence)
    assert captured.err.count("\n") == 1
    assert not Path("run/retrained").exists()
