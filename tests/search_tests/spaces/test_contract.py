"""What `search.spaces.base` promises, for every space there is."""

import json

import numpy as np
import pytest

from nasnet_keras import architectures
from search.spaces import SPACES, create_space, name_space

# Options with which a space is small; every space has an entry.
OPTIONS = {
    "nasnet": {"blocks": 2},
    # These are made already.
    **dict.fromkeys(("pnasnet", "enas", "darts", "amoebanet"), {}),
    "layerwise": {"layers": 4, "strides": "searched"},
}
SAMPLES = 50


def test_every_space_has_options():
    assert OPTIONS.keys() == SPACES.keys()


@pytest.fixture(params=SPACES)
def known_as(request):
    return request.param


@pytest.fixture
def space(known_as):
    return create_space(known_as, OPTIONS[known_as])


@pytest.fixture
def vectors(space):
    """The first vector and random ones."""
    rng = np.random.default_rng(0)
    first = (0,) * len(space.decisions)
    return [first, *(space.sample(rng) for _ in range(SAMPLES))]


def test_it_is_named_and_made_again(space, known_as):
    name, options = name_space(space)
    assert name == known_as
    options = json.loads(json.dumps(options))
    again = create_space(name, options)
    assert again.describe() == space.describe()
    assert again.decisions == space.decisions
    assert json.loads(json.dumps(space.describe())) == space.describe()


def test_it_has_defaults(space, known_as):
    assert create_space(known_as).groups >= space.groups


def test_decisions_are_named_once_and_grouped(space):
    names = [decision.name for decision in space.decisions]
    assert len(set(names)) == len(names)
    groups = {decision.group for decision in space.decisions}
    assert groups == set(range(space.groups))
    for decision in space.decisions:
        assert decision.choices
        assert len(set(decision.choices)) == len(decision.choices)
        if decision.kind == "ordered":
            assert list(decision.numbers) == sorted(decision.numbers)


def test_every_vector_is_an_architecture_and_back(space, vectors):
    for decisions in vectors:
        architecture = space.decode(decisions)
        assert space.encode(architecture) == decisions
        assert space.decode(decisions) == architecture
        assert space.from_names(space.to_names(decisions)) == decisions


def test_vectors_that_do_not_fit_are_refused(space, vectors):
    counts = [len(decision.choices) for decision in space.decisions]
    for wrong in ((), vectors[0][1:], (*vectors[0], 0), tuple(counts)):
        for use in (space.decode, space.canonical, space.to_names):
            with pytest.raises(ValueError, match="`decisions`.*Received"):
                use(wrong)


def test_a_canonical_vector_is_its_own_and_costs_the_same(space, vectors):
    for decisions in vectors:
        form = space.canonical(decisions)
        space.check(form)
        assert all(type(choice) is int for choice in form)
        assert space.canonical(form) == form
        if space.kind is not None:
            assert cost(space, form) == cost(space, decisions)


def test_a_prefix_has_the_decisions_of_its_groups(space):
    for groups in range(1, space.groups + 1):
        prefix = space.prefix(groups)
        if prefix is not None:
            assert prefix.groups == groups
            assert list(prefix.decisions) == [
                decision
                for decision in space.decisions
                if decision.group < groups
            ]


def test_architectures_are_data(space, vectors):
    for decisions in vectors:
        architecture = space.decode(decisions)
        data = json.loads(json.dumps(space.to_data(architecture)))
        if space.kind is None:
            assert space.from_names(data["decisions"]) == decisions
        else:
            kind, again = architectures.from_data(data)
            assert (kind.name, again) == (space.kind_name, architecture)


def test_architectures_are_text_and_pictures(space, vectors):
    texts = set()
    for decisions in vectors:
        text = space.text(space.decode(decisions))
        assert text.strip()
        texts.add(text)
    assert len(texts) == len(set(vectors))
    for figure in space.pictures(space.decode(vectors[-1])).values():
        assert figure.axes


def test_networks_are_built_as_they_are_counted(space, vectors):
    if space.kind is None:
        pytest.skip("The space has no networks.")
    assert "network" in space.capabilities
    for decisions in (vectors[0], vectors[-1]):
        model = space.kind.build(space.decode(decisions), **arguments(space))
        assert model.count_params() == cost(space, decisions).parameters
        assert model.output_shape == (None, 3)


def arguments(space):
    return {"input_shape": (16, 16, 3), "classes": 3, **space.kind.scale}


def cost(space, decisions):
    return space.kind.complexity(space.decode(decisions), **arguments(space))
