"""Bad input is one sentence: damaged files, of which `make soak` reads more,
and arguments."""

import importlib
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nasnet_keras.console.command_line import InputError
from search.cli.app import app
from search.runs.config import PARTS, RunConfig, create_configuration
from search.runs.create import create_schedule

FILES = 30  # of each kind


@pytest.fixture(scope="module")
def fuzz():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent)
        yield importlib.import_module("fuzz")


@pytest.mark.parametrize(
    "kind",
    [
        "architecture",
        "configuration",
        "database",
        pytest.param("latencies", marks=pytest.mark.large),
        pytest.param("weights", marks=pytest.mark.large),
        pytest.param("network", marks=pytest.mark.large),
        "archive",
        "photograph",
    ],
)
def test_a_damaged_file_is_read_or_refused_by_a_sentence(fuzz, tmp_path, kind):
    counts = fuzz.fuzz(getattr(fuzz, kind), tmp_path / "files", FILES, seed=1)
    assert counts.total() == FILES
    assert counts["refused"] > FILES / 3


def test_every_kind_is_tried(fuzz):
    assert {make.__name__ for make in fuzz.KINDS} == {
        *("architecture", "configuration", "database"),
        *("latencies", "weights", "network"),
        *("archive", "photograph"),
    }


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from(["ppo", "mnasnet", "latency", "~nobody", "\0", "add"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=8,
)


def settings_of(model):
    names = st.sampled_from(sorted(model.model_fields)) | st.text(max_size=5)
    return st.dictionaries(names, JSON, max_size=4)


@settings(max_examples=60, deadline=None)
@given(whole=settings_of(RunConfig) | JSON, data=st.data())
def test_any_configuration_is_one_or_a_sentence(whole, data):
    if isinstance(whole, dict):
        for name, model in PARTS.items():
            if data.draw(st.booleans()):
                whole[name] = data.draw(settings_of(model))
    try:
        config = create_configuration(whole)
    except InputError as error:
        assert "\n" not in str(error)
        return
    create_schedule(config, 1, {})
    assert create_configuration(config.model_dump(mode="json")) == config


COMMANDS = sorted(
    command.name or command.callback.__name__.replace("_", "-")
    for command in app.registered_commands
)
OPTIONS = [f"--{name.replace('_', '-')}" for name in RunConfig.model_fields]
WORDS = (
    st.sampled_from([*OPTIONS, "--output", "--json", "--workers", "--epochs"])
    | st.sampled_from(["nowhere", "new", "ppo", "1", "-1", "1e99", "nan", ""])
    | st.text(string.printable, max_size=9)
    | st.text(st.characters(exclude_characters="\0"), max_size=9)
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(name=st.sampled_from([*COMMANDS, ""]), words=st.lists(WORDS, max_size=5))
def test_any_arguments_are_done_or_refused_by_a_sentence(
    fuzz, monkeypatch, tmp_path, name, words
):
    def refuse(*arguments, **options):
        raise InputError("Expected nothing.")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("search.runs.begin.run", refuse)
    for module in ("search.cli.session", "nasnet_keras.console.command_line"):
        monkeypatch.setattr(f"{module}.import_tensorflow", lambda: None)
    monkeypatch.setattr("search.benchmark.summary.save_benchmark", refuse)
    assert fuzz.command(name, *words) in ("read", "refused")
    assert list(tmp_path.iterdir()) == []
