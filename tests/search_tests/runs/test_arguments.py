"""What is called from Python with wrong arguments answers by one sentence,
before anything begins."""

import numpy as np
import pytest

import search
from nasnet_keras.console.command_line import InputError
from search.executors.base import SearchError
from search.trial import Evaluation

LONG = "x" * 300
NO_PATHS = [None, 3, b"x", LONG, "a\0b"]


class Evaluator(search.Evaluator):
    value = 0.5

    def evaluate(self, child):
        return Evaluation(self.value)

    def describe(self):
        return {"value": 0.5}


def evaluator(**methods):
    return type("Mine", (Evaluator,), methods)()


def run(output, **settings):
    given = {
        "evaluator": Evaluator(),
        "strategy": "random",
        "trials": 2,
        "space": search.NASNetSpace(1),
        "tensorboard": False,
    }
    return search.run(output, **{**given, **settings})


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    return run(tmp_path_factory.mktemp("runs") / "begun")


def is_sentence(error, name):
    text = str(error.value)
    assert f"`{name}`" in text and "Expected" in text and "Received: " in text
    assert "\n" not in text and len(text) < 500


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("output", value) for value in NO_PATHS),
        *(("dataset", value) for value in [3, (1,), (1, 2, 3), [], ""]),
        *(("dataset", value) for value in [b"digits", np.ones((4, 8, 8, 1))]),
        ("config", 3),
        ("config", {"dataset": "digits"}),
        *(("observers", value) for value in [3, [3], None, "abc"]),
        *(("on_trial", value) for value in [3, "x"]),
        *(("verbose", value) for value in [1, "auto"]),
        ("evaluator", lambda child: 0.5),
        ("evaluator", lambda: None),
        ("evaluator", {}),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_run_does_not_begin(tmp_path, name, value):
    given = {"output": tmp_path / "run", name: value}
    with pytest.raises(InputError) as error:
        run(**given)
    is_sentence(error, name)
    assert list(tmp_path.iterdir()) == []


def test_what_can_be_called_is_not_all_an_evaluator(tmp_path):
    class Model:
        def __call__(self):
            raise AssertionError

    with pytest.raises(InputError, match="Expected a subclass of .*Evaluator"):
        run(tmp_path / "run", evaluator=Model())


@pytest.mark.parametrize(
    ("method", "taken"),
    [
        ("evaluate", lambda self: None),
        ("evaluate", lambda self, architecture, seed: None),
        ("describe", lambda self, child: {}),
    ],
)
def test_methods_take_what_they_are_given(tmp_path, method, taken):
    with pytest.raises(InputError, match=f"`{method}.self") as error:
        run(tmp_path / "run", evaluator=evaluator(**{method: taken}))
    is_sentence(error, method)


@pytest.mark.parametrize(
    ("name", "evaluation"),
    [
        ("reward", Evaluation(10**400)),
        ("metrics", Evaluation(0.5, None)),
        ("metrics", Evaluation(0.5, "a")),
        ("metrics", Evaluation(0.5, {1: 2.0})),
        ("metrics['a']", Evaluation(0.5, {"a": 10**400})),
        ("seconds", Evaluation(0.5, {}, [1.0])),
    ],
)
def test_evaluations_are_numbers(tmp_path, name, evaluation):
    with pytest.raises(SearchError) as error:
        run(
            tmp_path / "run",
            evaluator=evaluator(value=evaluation.reward)
            if name == "reward"
            else evaluator(evaluate=lambda self, child: evaluation),
        )
    is_sentence(error, name)


@pytest.mark.parametrize("costs", [None, {"parameters": "x"}])
def test_costs_are_numbers(tmp_path, costs):
    mine = evaluator(costs=lambda self, architecture: costs)
    with pytest.raises(ValueError, match="Mine.costs`. Expected numbers"):
        run(tmp_path / "run", evaluator=mine, objective={"max_parameters": 9})


@pytest.mark.parametrize("path", NO_PATHS, ids=lambda path: str(path)[:10])
@pytest.mark.parametrize("call", [search.load, search.resume, search.Run])
def test_a_folder_is_a_path(call, path):
    with pytest.raises(InputError) as error:
        call(path)
    is_sentence(error, "path")


@pytest.mark.parametrize(
    ("name", "arguments", "keywords"),
    [
        *(("output", [value], {}) for value in NO_PATHS),
        ("trial", ["out", "x"], {}),
        ("trial", ["out", 1.0], {}),
        ("trial", ["out", True], {}),
        ("form", ["out"], {"form": "nope"}),
    ],
    ids=lambda value: str(value)[:20],
)
def test_exports(begun, tmp_path, monkeypatch, name, arguments, keywords):
    monkeypatch.chdir(tmp_path)
    begun.directory.weights(begun.best.number).touch()
    with pytest.raises(InputError) as error:
        search.export(begun, *arguments, **keywords)
    is_sentence(error, name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("recipe", value) for value in ["cifar", 3, None]),
        *(("top", value) for value in [0, "x", 1.5]),
        *(("filters", "x"), ("repeats", 0), ("image_size", 0), ("seed", -1)),
        ("output", 3),
    ],
)
def test_retrainings(begun, name, value):
    recipe = search.RunConfig().recipe
    with pytest.raises(InputError) as error:
        search.retrain(begun, **{"recipe": recipe, name: value})
    is_sentence(error, name)


@pytest.mark.parametrize(
    ("name", "value"), [("cells", 1), ("epochs", "x"), ("observers", [3])]
)
def test_rank_correlations(begun, name, value):
    with pytest.raises(InputError) as error:
        search.rank_correlation(begun, **{name: value})
    is_sentence(error, name)


def test_images_are_not_left_out_in_silence(begun):
    with pytest.raises(InputError, match="not begun with arrays") as error:
        search.resume(
            begun.directory.path, evaluator=Evaluator(), dataset=(1, 2)
        )
    is_sentence(error, "dataset")


def test_a_hint_is_one_that_the_run_can_follow(begun, tmp_path):
    begun.directory.weights(begun.best.number).unlink(missing_ok=True)
    with pytest.raises(InputError, match="save them as `child.weights`"):
        search.export(begun, tmp_path / "out")
