import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import search
from nasnet_keras.architectures import find_kind, read_architecture
from nasnet_keras.kinds.choices import ChosenNetwork
from nasnet_keras.training.recipes import RECIPES
from search import ChoiceSpace
from search.spaces import create_space, name_space
from search.testing import check_space
from search.trial import TrialState
from search.views.report.page import write_report

FOLDER = Path(__file__).parent


@pytest.fixture
def space(monkeypatch):
    """That of `own_space`, a module of one's own."""
    monkeypatch.syspath_prepend(FOLDER)
    import own_space

    yield own_space.space
    monkeypatch.delitem(sys.modules, "own_space")


def build(choices, input_shape, classes):
    raise RuntimeError(f"no network of {choices}")


# === Decisions ===


def test_it_keeps_the_contract(space):
    check_space(space)


def test_numbers_are_ordered_and_texts_are_not(space):
    assert [
        (each.name, each.choices, each.kind) for each in space.decisions
    ] == [
        ("filters", ("4", "8"), "ordered"),
        ("kernel", ("3", "5"), "ordered"),
        ("layers", ("1", "2"), "ordered"),
        ("head", ("none", "dense"), "free"),
        ("units", ("16", "32"), "ordered"),
    ]
    assert ChoiceSpace({"a": [True, False]}, build).decisions[0].kind == "free"
    assert ChoiceSpace({"a": [1, True]}, build).size == 2


def test_what_is_not_used_is_no_part_of_an_architecture(space):
    one, other = (0, 1, 0, 0, 0), (0, 1, 0, 0, 1)
    assert space.canonical(other) == one == space.canonical(one)
    assert space.decode(other).used == {
        "filters": 4,
        "kernel": 5,
        "layers": 1,
        "head": "none",
    }
    used = (0, 1, 0, 1, 1)
    assert space.canonical(used) == used
    assert space.decode(used).used["units"] == 32
    assert "units = 32 (not used)" in space.text(space.decode(other))


def test_conditions_go_on():
    """What depends on what is not used is not used."""
    space = ChoiceSpace(
        {"a": [0, 1], "b": [0, 1], "c": [0, 1]},
        build,
        only_if={"b": {"a": [1]}, "c": {"b": [0, 1]}},
    )
    assert space.canonical((0, 1, 1)) == (0, 0, 0)
    assert space.canonical((1, 1, 1)) == (1, 1, 1)


def test_features_tell_which_decision(space):
    vectors = [(1, 0, 0, 1, 0), (0, 1, 0, 1, 0), (0, 0, 1, 1, 0)]
    found = {tuple(space.features(vector)) for vector in vectors}
    assert len(found) == 3


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (({}, build), "choices"),
        ((["a"], build), "choices"),
        (({"a": []}, build), "choices"),
        (({"a": [1, 1]}, build), "choices"),
        (({"a": [1, "1"]}, build), "choices"),
        (({"a": [None]}, build), "choices"),
        (({"a": [1.0, float("nan")]}, build), "choices"),
        (({"a": 3}, build), "choices"),
        (({3: [1]}, build), "choices"),
        (({"a": [1]}, "build"), "build"),
        (({"a": [1]}, build, ["a"]), "only_if"),
        (({"a": [1]}, build, {"b": ["a"]}), "only_if"),
        (({"a": ["x"], "b": [1]}, build, {"b": {"a": "x"}}), "only_if"),
        (({"a": [1]}, build, {"b": {"a": [1]}}), "only_if"),
        (({"a": [1]}, build, {"a": {"a": [1]}}), "only_if"),
        (({"a": [1], "b": [1]}, build, {"b": {"a": [2]}}), "only_if"),
        (({"a": [1], "b": [1]}, build, {"b": {"a": [True]}}), "only_if"),
        (({"a": [1]}, build, None, "2"), "version"),
    ],
)
def test_errors_name_the_argument(arguments, named):
    with pytest.raises(ValueError, match=f"`{named}`.*Received"):
        ChoiceSpace(*arguments)


# === Places ===


def test_it_is_found_where_it_stands(space):
    assert space.location == "own_space:space"
    assert name_space(space) == ("own_space:space", {})
    assert create_space("own_space:space") is space


def test_one_that_stands_nowhere_is_refused(tmp_path):
    nowhere = ChoiceSpace({"a": [1, 2]}, build)
    with pytest.raises(ValueError, match="'module:attribute'"):
        search.run(tmp_path / "run", dataset="digits", space=nowhere)


def test_costs_are_those_of_the_space_that_stands_there_now(space, monkeypatch):
    """As in a notebook, where a cell with another `build` is run again."""
    import keras
    import own_space

    def dense(choices, input_shape, classes):
        images = keras.Input(input_shape)
        flat = keras.layers.Flatten()(images)
        outputs = keras.layers.Dense(classes, "softmax")(flat)
        return keras.Model(images, outputs)

    kind, images = find_kind("choices"), ((8, 8, 1), 10)
    architecture = space.decode((0, 0, 0, 0, 0))
    before = kind.complexity(architecture, *images)
    again = ChoiceSpace(space.choices, dense, space.only_if)
    monkeypatch.setattr(own_space, "space", again)
    assert kind.complexity(architecture, *images).multiply_adds == 64 * 10
    monkeypatch.setattr(own_space, "space", space)
    assert kind.complexity(architecture, *images) == before


@pytest.mark.parametrize(
    ("networks", "sentence"),
    [
        ("own_space:build", "Expected a `ChoiceSpace`.*a function"),
        ("own_space:other", "Expected a module that can be imported"),
        ("no_such_module:space", "Expected a module that can be imported"),
        ("os:system", "Expected a module of your own"),
        ("space", "Expected 'module:attribute'"),
    ],
)
def test_a_file_calls_nothing_but_a_space(space, networks, sentence):
    kind = find_kind("choices")
    chosen = replace(space.decode((0, 0, 0, 0, 0)), networks=networks)
    with pytest.raises(ValueError, match=sentence):
        kind.build(chosen, (8, 8, 1), 10)


@pytest.mark.parametrize(
    "data",
    [
        3,
        {},
        {"networks": 3, "choices": {"a": 1}, "unused": []},
        {"networks": "a:b", "choices": {"a": None}, "unused": []},
        {"networks": "a:b", "choices": {}, "unused": []},
        {"networks": "a:b", "choices": {"a": 1}, "unused": [3]},
    ],
)
def test_other_data_are_refused_with_a_sentence(data):
    with pytest.raises(ValueError, match="Expected.*Received") as error:
        find_kind("choices").from_data(data)
    assert len(str(error.value)) < 400


def test_a_choice_that_is_gone_is_a_sentence(space):
    chosen = ChosenNetwork("own_space:space", (("filters", 99),))
    with pytest.raises(ValueError, match="'filters' one of .*Received: 99"):
        find_kind("choices").build(chosen, (8, 8, 1), 10)


# === Searches ===


def settings(**more):
    return {
        "dataset": "digits",
        "space": "own_space:space",
        "strategy": "random",
        "trials": 2,
        "recipe": {"epochs": 1},
        "tensorboard": False,
        **more,
    }


@pytest.mark.large
def test_a_search_is_resumed_exported_retrained_and_reported(space, tmp_path):
    import keras

    run = search.run(tmp_path / "run", **settings(space=space))
    assert run.config.space == "own_space:space"
    run = search.resume(tmp_path / "run", trials=3)
    assert [trial.state for trial in run.trials] == [TrialState.COMPLETE] * 3
    costs = run.trials[0].evaluation.metrics
    assert costs["parameters"] > 0 and costs["multiply_adds"] > 0
    output = search.export(run, tmp_path / "best")
    kind, architecture = read_architecture(output / "architecture.json")
    assert kind.name == "choices" and architecture == run.architecture
    model = keras.models.load_model(output / "model.keras")
    assert model.output_shape == (None, 10)
    recipe = replace(RECIPES["search-proxy"], drop_path_rate=0.0, epochs=1)
    assert len(search.retrain(run, recipe, top=1).children) == 1
    page = write_report([run], tmp_path / "report.html").read_text()
    assert "kernel" in page


def test_the_example_of_the_page_keeps_the_contract(tmp_path, monkeypatch):
    page = (FOLDER.parents[2] / "docs" / "your-own-space.md").read_text()
    code = page.split("```python\n")[1].split("```")[0]
    (tmp_path / "mine.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    try:
        check_space(create_space("mine:space"))
    finally:
        sys.modules.pop("mine", None)


@pytest.mark.large
def test_a_child_that_cannot_be_built_fails_alone(space, tmp_path, monkeypatch):
    whole = space.build

    def build(choices, input_shape, classes):
        if choices["kernel"] == 5:
            raise RuntimeError("five is too much")
        return whole(choices, input_shape, classes)

    monkeypatch.setattr(space, "build", build)
    run = search.run(tmp_path / "run", **settings(trials=4, strategy="grid"))
    states = {
        space.to_names(trial.decisions)["kernel"]: trial.state
        for trial in run.trials
    }
    assert states == {"3": TrialState.COMPLETE, "5": TrialState.FAILED}
    failed = next(t for t in run.trials if t.state is TrialState.FAILED)
    assert "five is too much" in str(failed)


def test_another_number_of_classes_is_refused(space, monkeypatch):
    whole = space.build
    monkeypatch.setattr(
        space, "build", lambda choices, shape, classes: whole(choices, shape, 3)
    )
    chosen = space.decode((0, 0, 0, 0, 0))
    with pytest.raises(ValueError, match="returns 10 probabilities. Received"):
        find_kind("choices").build(chosen, (8, 8, 1), 10)


@pytest.mark.large
def test_the_commands_find_it_in_the_working_directory(tmp_path):
    (tmp_path / "mine.py").write_text((FOLDER / "own_space.py").read_text())

    def call(module, *arguments):
        code = f"import sys, {module} as m; sys.exit(m.main())"
        if module == "nasnet_auto.entry":
            code = f"import sys, {module} as m; sys.exit(m.train())"
        done = subprocess.run(
            # As a command, which does not look in the working directory.
            [sys.executable, "-P", "-c", code, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    entry = "search.cli.entry"
    call(
        entry,
        *("run", "--space", "mine:space", "--dataset", "digits"),
        *("--trials", "2", "--epochs", "1", "--workers", "2"),
        *("--output", "run"),
    )
    call(entry, "resume", "run", "--trials", "3")
    assert "kernel = " in call(entry, "status", "run")
    call(entry, "export", "run", "--output", "best")
    call(entry, "report", "run", "--output", "report.html")
    call(
        "nasnet_auto.entry",
        *("run", "--architecture", "best/architecture.json"),
        *("--dataset", "digits", "--epochs", "1", "--image-size", "8"),
        *("--output", "trained"),
    )
    data = json.loads((tmp_path / "best" / "architecture.json").read_text())
    assert data["architecture"]["networks"] == "mine:space"


def test_importing_loads_no_framework():
    code = (
        "import sys, search\n"
        "search.ChoiceSpace({'a': [1, 2]}, print).canonical((1,))\n"
        "sys.exit(any(m in sys.modules for m in ('keras', 'tensorflow')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
