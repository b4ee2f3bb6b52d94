import contextlib
import json

import numpy as np
import pytest

import search
from nasnet_keras import DARTS_V2
from nasnet_keras.architectures import from_data, read_architecture
from nasnet_keras.console.activity import listening
from nasnet_keras.console.command_line import InputError
from search.trial import TrialState

# Keras 3.15 reads its variables in a way that NumPy 2.4 warns of.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept:DeprecationWarning"
)

PICTURES = {"normal.png", "normal.svg", "reduction.png", "reduction.svg"}


@pytest.fixture
def evaluator(FakeEvaluator):
    """Its children are networks of one number, their reward."""
    import keras

    class NetworkEvaluator(FakeEvaluator):
        def build(self, architecture):
            return keras.Sequential(
                [keras.Input((1,)), keras.layers.Dense(1, use_bias=False)]
            )

        def evaluate(self, child):
            evaluation = super().evaluate(child)
            model = self.build(child.architecture)
            model.set_weights([np.full((1, 1), evaluation.reward)])
            model.save_weights(child.weights)
            return evaluation

    return NetworkEvaluator(failing=0.3)


@pytest.fixture
def run(tmp_path, learning, evaluator):
    return search.run(
        tmp_path / "run",
        evaluator=evaluator,
        strategy="learning",
        trials=14,
        keep=2,
        seed=1,
        space_options={"blocks": 2},
        tensorboard=False,
    )


def test_the_best_child_is_exported(run, evaluator, tmp_path):
    import keras

    heard = []
    with listening(heard.append):
        output = search.export(run, tmp_path / "best", evaluator=evaluator)
    assert [str(each) for each in heard] == [
        "building the network",
        "drawing the architecture",
    ]
    assert {file.name for file in output.iterdir()} == PICTURES | {
        "architecture.json",
        "metrics.json",
        "model.keras",
    }
    text = (output / "architecture.json").read_text()
    assert from_data(json.loads(text))[1] == run.architecture
    metrics = json.loads((output / "metrics.json").read_text())
    assert metrics["number"] == run.best.number
    assert metrics["metrics"]["accuracy"] == run.best.reward
    model = keras.models.load_model(output / "model.keras")
    np.testing.assert_allclose(
        model.get_weights()[0], run.best.reward, rtol=1e-6
    )


def test_the_cells_are_written_for_another_program(
    tmp_path, evaluator, monkeypatch
):
    run = search.run(
        tmp_path / "run",
        evaluator=evaluator,
        strategy="random",
        trials=9,
        space_options={"blocks": 2, "combiners": ["add"]},
        tensorboard=False,
    )
    with pytest.raises(InputError, match="in the form nasbench201"):
        search.export(
            run,
            tmp_path / "best",
            evaluator=evaluator,
            form="nasbench201",
        )
    assert not (tmp_path / "best").exists()
    # What `search.run` draws at random has operations of none of the forms.
    monkeypatch.setattr(type(run.space), "decode", lambda *_: DARTS_V2)
    output = search.export(
        run, tmp_path / "best", evaluator=evaluator, form="darts"
    )
    _, genotype = read_architecture(output / "architecture.txt")
    assert genotype == DARTS_V2


def test_another_child_can_be_chosen(run, evaluator, tmp_path):
    second = search.trial.ranked(run.trials)[1]
    output = search.export(run, tmp_path / "second", second.number, evaluator)
    metrics = json.loads((output / "metrics.json").read_text())
    assert metrics["number"] == second.number


def test_of_a_duplicate_its_original_is_taken(
    run, evaluator, tmp_path, monkeypatch
):
    """And what that came to when it was trained longer."""
    duplicate = next(t for t in run.trials if t.duplicate_of is not None)
    asked = []
    monkeypatch.setattr(
        "search.actions.export._retrained",
        lambda run, number: asked.append(number),
    )
    with contextlib.suppress(InputError):  # Its weights may not be kept.
        search.export(run, tmp_path / "best", duplicate.number, evaluator)
    assert asked == [duplicate.duplicate_of]


def number_of(run, state):
    return next(t.number for t in run.trials if t.state is state)


def test_what_cannot_be_exported_is_refused(run, evaluator, tmp_path):
    third = search.trial.ranked(run.trials)[2]
    failed = number_of(run, TrialState.FAILED)
    for number, sentence in (
        (99, "Expected a number from 0 to .*trial=99"),
        (-1, "trial=-1"),
        (failed, f"complete trial. Received: trial={failed}, which is fail"),
        (third.number, "weights of trial .* keeps those of its 2 best"),
    ):
        with pytest.raises(InputError, match=sentence):
            search.export(run, tmp_path / "best", number, evaluator)
    assert not (tmp_path / "best").exists()


def test_without_its_evaluator_a_run_that_had_one_is_refused(run, tmp_path):
    with pytest.raises(InputError, match="`evaluator`. Received: None"):
        search.export(run, tmp_path / "best")
    assert not (tmp_path / "best").exists()


def test_an_evaluator_without_networks_is_refused(run, FakeEvaluator, tmp_path):
    with pytest.raises(InputError, match="FakeEvaluator, which does not"):
        search.export(run, tmp_path / "best", evaluator=FakeEvaluator())
    assert not (tmp_path / "best").exists()


def test_nothing_is_overwritten(run, evaluator, tmp_path):
    output = search.export(run, tmp_path / "best", evaluator=evaluator)
    (output / "architecture.json").write_text("mine")
    with pytest.raises(InputError, match="new or empty"):
        search.export(run, output, evaluator=evaluator)
    assert (output / "architecture.json").read_text() == "mine"


def test_what_was_trained_takes_pixels_and_knows_its_classes(tmp_path):
    from nasnet_keras.deployment.classifier import classify
    from nasnet_keras.network.build import load_model
    from nasnet_keras.network.inspection import class_names_of
    from nasnet_keras.training.data.datasets import load_dataset
    from nasnet_keras.training.data.splits import split
    from nasnet_keras.training.evaluation.evaluate import evaluate_network

    run = search.run(
        tmp_path / "run",
        dataset="digits",
        space="layerwise",
        space_options={"layers": 2, "filters": [8]},
        strategy="random",
        trials=1,
        recipe={"epochs": 1},
        tensorboard=False,
    )
    output = search.export(search.load(tmp_path / "run"), tmp_path / "best")
    model = load_model(output / "model.keras")
    digits = load_dataset("digits")
    assert class_names_of(model) == digits.class_names
    measured_on = split(digits).validation
    pixels = measured_on.images
    evaluation = evaluate_network(
        model, pixels, measured_on.labels, digits.class_names
    )
    assert evaluation.accuracy == pytest.approx(run.best.reward)
    names = [guesses[0].name for guesses in classify(model, pixels, top=1)]
    assert names == [
        digits.class_names[number] for number in evaluation.predictions
    ]


def test_an_evaluator_without_networks_has_none_to_export(
    tmp_path, FakeEvaluator
):
    class Costs(FakeEvaluator):
        def evaluate(self, child):
            evaluation = super().evaluate(child)
            child.weights.unlink()
            return evaluation

    evaluator = Costs()
    run = search.run(
        tmp_path / "run",
        evaluator=evaluator,
        strategy="random",
        trials=2,
        tensorboard=False,
    )
    with pytest.raises(InputError, match="train `run.architecture` yourself"):
        search.export(run, tmp_path / "best", evaluator=evaluator)
