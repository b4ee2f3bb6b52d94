"""How spaces of one's own are named, found and made again."""

import pytest

from search.spaces import create_space, name_space
from search.spaces.nasnet import NASNetSpace

MODULE = """
from search.spaces.nasnet import NASNetSpace

class Mine(NASNetSpace):
    name = "mine"

    def __init__(self, blocks=1, extra=None):
        super().__init__(blocks)

    def describe(self):
        return {"name": "mine", "version": 1, "blocks": self.blocks}


class Tuple(NASNetSpace):
    def __init__(self, combiners=("add",)):
        super().__init__(1, combiners)

    def describe(self):
        described = {"name": "nasnet", "version": 1}
        return described | {"combiners": tuple(self.combiners)}


class Forgets(NASNetSpace):
    def __init__(self, count=1):
        super().__init__(count)

    def describe(self):
        return {"name": "nasnet", "version": 1}


class Unwritable(Mine):
    def describe(self):
        return super().describe() | {"path": object()}


class Careless(NASNetSpace):
    def __init__(self, blocks=1):
        super().__init__(1 + blocks)


made = Mine(2)
call = print
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_spaces.py").write_text(MODULE)
    for name, text in {
        "broken_space": "def",
        "failing_space": "1 / 0",
        "leaving_space": "import sys; sys.exit(7)",
    }.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    import own_spaces

    return own_spaces


def test_a_space_of_ones_own_is_made_again(own):
    name, options = name_space(own.Mine(3))
    assert (name, options) == ("own_spaces:Mine", {"blocks": 3})
    assert create_space(name, options).blocks == 3
    assert create_space("own_spaces:made").blocks == 2
    assert name_space(own.Tuple(("add",)))[1] == {"combiners": ["add"]}
    assert name_space(NASNetSpace(2))[0] == "nasnet"


@pytest.mark.parametrize("name", ["Forgets", "Unwritable"])
def test_a_space_that_cannot_be_made_again_is_refused(own, name):
    with pytest.raises(ValueError, match="`space`. Expected a space"):
        name_space(getattr(own, name)(2))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nowhere", "Expected one of nasnet"),
        (".x:y", "Expected a module that can be imported"),
        ("broken_space:x", "SyntaxError"),
        ("failing_space:x", "ZeroDivisionError"),
        ("leaving_space:x", "SystemExit"),
        ("own_spaces:nothing", "AttributeError"),
        ("own_spaces:call", "Expected a `SearchSpace` or a class of such"),
        ("subprocess:Popen", "of the standard library"),
        ("test.autotest:x", "of the standard library"),
        ("search.spaces.base:SearchSpace", "a class of such"),
        ("x" * 10_000, "Expected one of nasnet"),
    ],
)
def test_what_is_no_space_is_a_sentence(own, name, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        create_space(name)
    assert len(str(error.value)) < 400


def test_options_that_a_class_does_not_check_are_a_sentence(own):
    with pytest.raises(ValueError, match="Invalid options for the space"):
        create_space("own_spaces:Careless", {"blocks": "two"})
