import dataclasses
import json
import math
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.training.data.datasets import load_dataset
from search.evaluation import training
from search.evaluation.base import Child, EvaluationError
from search.evaluation.child_data import prepare_tensorflow
from search.evaluation.training import TrainingEvaluator

# Drop path, pools and convolutions of both kinds.
GENOTYPE = Genotype(
    normal=CellSpec((Block((0, 1), ("sep_conv_3x3", "avg_pool_3x3")),)),
    reduction=CellSpec((Block((0, 1), ("conv_3x3", "identity")),)),
)
SETTINGS = {
    "filters": 4,
    "epochs": 2,
    "train_images": 192,
    "validation_images": 60,
    "batch_size": 32,
    "drop_path_rate": 0.1,
}


@pytest.fixture(scope="module")
def evaluator(child_settings):
    """On the digits, with a test set that must not be read."""

    def read_test():
        raise AssertionError("The test images were read.")

    def load(source, **arguments):
        data = load_dataset(source, **arguments)
        return dataclasses.replace(data, read_test=read_test)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("search.evaluation.child_data.load_dataset", load)
        yield TrainingEvaluator(child_settings(seed=1, **SETTINGS))


@pytest.fixture(scope="module")
def trained(evaluator, tmp_path_factory):
    """One child, and where its weights are."""
    child = Child(0, GENOTYPE, 3, folder=tmp_path_factory.mktemp("children"))
    return evaluator.evaluate(child), child.weights


def test_what_comes_out(evaluator, trained):
    evaluation, _ = trained
    metrics = evaluation.metrics
    assert evaluation.reward == metrics["accuracy"]
    assert 0 <= evaluation.reward <= 1
    # Of 60 images.
    assert (60 * evaluation.reward) % 1 == pytest.approx(0, abs=1e-4)
    assert math.isfinite(metrics["loss"] + metrics["train_loss"])
    model = evaluator.build(GENOTYPE)
    # The clocks of drop path aside.
    clocks = sum(weight.name == "step" for weight in model.weights)
    assert metrics["parameters"] == model.count_params() - clocks
    assert metrics["multiply_adds"] > 1000
    costs = evaluator.costs(GENOTYPE)
    assert {name: metrics[name] for name in costs} == costs
    assert set(evaluation.seconds) == {
        *("build", "trace", "train", "validate", "save")
    }
    assert min(evaluation.seconds.values()) > 0
    assert evaluation.budget == 2


@pytest.mark.large
def test_the_same_child_again_is_the_same_to_the_last_bit(evaluator, trained):
    """By the evaluator's own epochs, or by as large a budget."""
    again = evaluator.evaluate(Child(0, GENOTYPE, 3, budget=2.0))
    assert again.metrics == trained[0].metrics
    assert again.budget == 2
    assert "save" not in again.seconds


@pytest.mark.large
def test_no_graph_of_a_child_is_kept(evaluator):
    """But those of a wide kernel of each shape."""
    import gc

    from tensorflow.python.framework.func_graph import FuncGraph

    def evaluate(*operations):
        cell = CellSpec((Block((0, 1), operations),))
        evaluator.evaluate(Child(0, Genotype(cell, cell)))
        gc.collect()
        return sum(isinstance(each, FuncGraph) for each in gc.get_objects())

    children = (("sep_conv_5x5", "sep_conv_7x7"), ("sep_conv_7x7", "identity"))
    once = [evaluate(*operations) for operations in children]
    again = [evaluate(*operations) for operations in children]
    assert again == once[-1:] * 2


@pytest.mark.large
def test_another_seed_is_another_child(evaluator, trained):
    other = evaluator.evaluate(Child(0, GENOTYPE, 4))
    assert other.metrics["loss"] != trained[0].metrics["loss"]
    assert other.metrics["parameters"] == trained[0].metrics["parameters"]


@pytest.mark.large
def test_a_budget_is_epochs(evaluator, monkeypatch):
    asked = []

    def train(model, batches, recipe, steps, callbacks, first, epochs):
        asked.append((first, epochs))
        raise EvaluationError("Enough.")

    monkeypatch.setattr(training, "train", train)
    for budget in (None, 1, 2.4, 0.1):
        with pytest.raises(EvaluationError):
            evaluator.evaluate(Child(0, GENOTYPE, 3, budget))
    assert asked == [(0, 2), (0, 1), (0, 2), (0, 1)]
    with pytest.raises(ValueError, match="`budget`.*2 epochs.*budget=3"):
        evaluator.evaluate(Child(0, GENOTYPE, 3, 3))


@pytest.mark.large
def test_a_training_in_two_parts_is_one_to_the_last_bit(
    evaluator, trained, tmp_path
):
    whole, _ = trained
    first = evaluator.evaluate(Child(0, GENOTYPE, 3, 1, tmp_path))
    assert first.budget == 1
    assert first.metrics["loss"] != whole.metrics["loss"]
    second = evaluator.evaluate(Child(0, GENOTYPE, 3, 2, tmp_path))
    assert second.metrics == whole.metrics
    # Killed after it was saved, before it was recorded: nothing to train.
    third = evaluator.evaluate(Child(0, GENOTYPE, 3, 2, tmp_path))
    assert third.reward == whole.reward
    assert "trace" not in third.seconds


@pytest.mark.large
def test_a_training_anew_is_one_along_a_schedule_of_its_own(
    evaluator, child_settings, trained, tmp_path
):
    """As that of an evaluator with so many epochs, and not one gone on."""
    evaluator.evaluate(Child(0, GENOTYPE, 3, 1, tmp_path, anew=True))
    whole = evaluator.evaluate(Child(0, GENOTYPE, 3, 2, tmp_path, anew=True))
    assert whole.metrics == trained[0].metrics
    assert whole.budget == 2
    part = evaluator.evaluate(Child(0, GENOTYPE, 3, 0.4, tmp_path, anew=True))
    assert part.metrics["steps"] == round(0.4 * evaluator.steps_per_epoch)
    assert part.budget == 0.4
    longer = evaluator.evaluate(Child(0, GENOTYPE, 3, 2.5, anew=True))
    assert longer.metrics["steps"] == 3 * round(
        2.5 / 3 * evaluator.steps_per_epoch
    )


@pytest.mark.large
def test_a_killed_training_anew_goes_on_from_its_last_checkpoint(
    evaluator, tmp_path, monkeypatch
):
    child = Child(0, GENOTYPE, 3, 2.5, tmp_path, anew=True)
    whole = evaluator.evaluate(child)
    child.weights.unlink()
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0)
    train, begun = training.train, []

    def killed(*arguments):
        train(*arguments[:-1], 2)
        raise KeyboardInterrupt

    def going_on(*arguments):
        begun.append(arguments[-2])
        return train(*arguments)

    monkeypatch.setattr(training, "train", killed)
    with pytest.raises(KeyboardInterrupt):
        evaluator.evaluate(child)
    monkeypatch.setattr(training, "train", going_on)
    assert evaluator.evaluate(child).metrics == whole.metrics
    # Of another budget nothing is taken up.
    evaluator.evaluate(dataclasses.replace(child, budget=3))
    assert begun == [2, 0]


@pytest.mark.large
def test_a_killed_training_goes_on_from_its_last_checkpoint(
    evaluator, trained, tmp_path, monkeypatch
):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0)
    train = training.train

    def killed(*arguments):
        train(*arguments[:-1], 1)
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", killed)
    with pytest.raises(KeyboardInterrupt):
        evaluator.evaluate(Child(0, GENOTYPE, 3, folder=tmp_path))
    assert [file.name for file in tmp_path.iterdir()] == ["00000.weights.h5"]
    begun = []

    def going_on(*arguments):
        begun.append(arguments[-2])
        return train(*arguments)

    monkeypatch.setattr(training, "train", going_on)
    resumed = evaluator.evaluate(Child(0, GENOTYPE, 3, folder=tmp_path))
    assert begun == [1]
    assert resumed.metrics == trained[0].metrics


@pytest.mark.large
def test_another_process_gets_the_same_to_the_last_bit(trained, in_parts):
    code = (
        "import json, sys\n"
        "from nasnet_keras.genotype import Genotype\n"
        "from search.evaluation.base import Child\n"
        "from search.runs.config import RunConfig\n"
        "from search.runs.create import create_evaluator\n"
        "settings = json.loads(sys.argv[1])\n"
        "genotype = Genotype.from_json(sys.argv[2])\n"
        "config = RunConfig(dataset='digits', seed=1, **settings)\n"
        "evaluator = create_evaluator(config)\n"
        "evaluation = evaluator.evaluate(Child(0, genotype, 3))\n"
        "print(json.dumps(evaluation.metrics))\n"
    )
    run = subprocess.run(
        [
            *(sys.executable, "-c", code),
            *(json.dumps(in_parts(**SETTINGS)), GENOTYPE.to_json()),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    metrics = json.loads(run.stdout.splitlines()[-1])
    assert metrics == trained[0].metrics


def test_the_weights_give_the_same_accuracy(evaluator, trained):
    evaluation, weights = trained
    model = evaluator.build(GENOTYPE)
    model.load_weights(weights)
    correct = [
        np.argmax(model(images), -1) == labels
        for images, labels in evaluator.data.validation
    ]
    assert np.concatenate(correct).mean() == pytest.approx(evaluation.reward)


def test_a_child_that_diverges_fails(evaluator, monkeypatch):
    recipe = dataclasses.replace(evaluator.recipe, learning_rate=1e30)
    monkeypatch.setattr(evaluator, "recipe", recipe)
    with pytest.raises(EvaluationError, match="diverged"):
        evaluator.evaluate(Child(0, GENOTYPE, 3))


@pytest.mark.large
def test_a_child_that_diverges_in_its_last_step_fails(evaluator, monkeypatch):
    """The loss of the training, of before that step, is still finite."""
    recipe = dataclasses.replace(
        evaluator.recipe, learning_rate=1e30, batch_size=192, epochs=1
    )
    monkeypatch.setattr(evaluator, "recipe", recipe)
    with pytest.raises(EvaluationError, match="diverged"):
        evaluator.evaluate(Child(0, GENOTYPE, 3))


def test_what_it_depends_on_is_described(evaluator, child_settings):
    description = evaluator.describe()
    assert json.loads(json.dumps(description)) == description
    assert description["network"]["input_shape"] == [8, 8, 1]
    assert description["train_images"] == 192
    assert description["recipe"]["epochs"] == 2
    # Digits mean something else when mirrored.
    assert description["recipe"]["augmentation"] == "crop"
    for arguments in (
        {"seed": 2},
        {"seed": 1, "image_size": 12},
        {"seed": 1, "l2": 0.0},
        {"seed": 1, "validation_images": 61},
    ):
        other = TrainingEvaluator(child_settings(**{**SETTINGS, **arguments}))
        assert other.describe() != description, arguments


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"batch_size": 200}, "Too few images to train on"),
        ({"image_size": 7}, "`input_shape`"),
        ({"filters": 0}, "`filters`"),
        ({"repeats": 0}, "`repeats`"),
        # TensorFlow has begun work in this process.
        ({"threads": 1}, "`threads`"),
    ],
)
def test_errors_name_the_argument(evaluator, arguments, named, child_settings):
    with pytest.raises(ValueError, match=f"{named}.*Received"):
        TrainingEvaluator(child_settings(**{**SETTINGS, **arguments}))


def test_children_take_of_a_gpu_what_they_need(monkeypatch):
    grown = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    monkeypatch.setattr(
        tf.config.experimental,
        "set_memory_growth",
        lambda *setting: grown.append(setting),
    )
    prepare_tensorflow(None)
    assert grown == [("GPU", True)]
