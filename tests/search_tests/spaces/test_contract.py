"""What `search.spaces.base` promises, for every space there is."""

import pytest

from search.spaces import SPACES, create_space, name_space
from search.testing.space_checks import SPACE_CHECKS

# Options with which a space is small; every space has an entry.
OPTIONS = {
    "nasnet": {"blocks": 2},
    # These are made already.
    **dict.fromkeys(("pnasnet", "enas", "darts", "amoebanet"), {}),
    "layerwise": {"layers": 4, "strides": "searched"},
    "mobile": {"width": 0.25, "blocks": 3},
    "recipe": {"values": {"learning_rate": [0.1, 0.01], "l2": [0, 1e-4]}},
}

all_spaces = pytest.mark.parametrize("name", SPACES)


def test_every_space_has_options():
    assert OPTIONS.keys() == SPACES.keys()


@all_spaces
@pytest.mark.parametrize(
    "check", SPACE_CHECKS, ids=lambda check: check.__name__
)
def test_it_keeps_the_contract(name, check):
    check(create_space(name, OPTIONS[name]))


@all_spaces
def test_it_is_known_by_its_name(name):
    space = create_space(name, OPTIONS[name])
    assert name_space(space)[0] == name


@all_spaces
def test_it_has_defaults(name):
    groups = create_space(name, OPTIONS[name]).groups
    assert create_space(name).groups >= groups
