"""Checks that one space keeps the promises of `search.spaces.base`."""

import json
from typing import Any

import numpy as np

from nasnet_keras import architectures
from search.spaces import create_space, name_space
from search.spaces.base import SearchSpace
from search.testing.contract import ContractError, expect
from search.trial import Decisions

SAMPLES = 50  # random vectors, beside the first
NETWORK: dict[str, Any] = {"input_shape": (16, 16, 3), "classes": 3}


def check_space(space: SearchSpace) -> None:
    """Checks that a space keeps the contract of `SearchSpace`.

    Choose options by which the space is small: two of its networks are built.

    Args:
        space: The space.

    Raises:
        ContractError: It does not keep it.

    Example:

    >>> from search import NASNetSpace
    >>> check_space(NASNetSpace(blocks=1))
    """
    for check in SPACE_CHECKS:
        check(space)


def check_it_is_made_again(space: SearchSpace) -> None:
    """Workers and a resumed run make the space from its description."""
    try:
        name, options = name_space(space)
    except ValueError as error:
        raise ContractError(str(error)) from error
    again = create_space(name, json.loads(json.dumps(options)))
    described = space.describe()
    expect(
        json.loads(json.dumps(again.describe())) == described
        and again.decisions == space.decisions,
        "`describe` should be JSON data that make the space again, as "
        f"{described} does not.",
    )
    expect(
        described.get("name") == space.name
        and described.get("version") == space.version,
        f"`describe` should give `name` and `version`. Received: {described}.",
    )


def check_decisions(space: SearchSpace) -> None:
    """Names are unique, groups are numbered from 0, choices differ."""
    names = [decision.name for decision in space.decisions]
    expect(
        len(set(names)) == len(names),
        f"The names of decisions should be unique. Received: {names}.",
    )
    groups = {decision.group for decision in space.decisions}
    expect(
        groups == set(range(space.groups)),
        f"Groups should be numbered from 0. Received: {sorted(groups)}.",
    )
    for decision in space.decisions:
        choices = decision.choices
        expect(
            choices and len(set(choices)) == len(choices),
            f"The choices of `{decision.name}` should be one or more, each "
            f"once. Received: {choices}.",
        )
        if decision.kind == "ordered":
            expect(
                list(decision.numbers) == sorted(decision.numbers),
                f"The choices of `{decision.name}`, which is ordered, should "
                f"ascend. Received: {choices}.",
            )


def check_vectors_are_architectures(space: SearchSpace) -> None:
    """`decode` and `encode` are inverse, and so are names and keys."""
    for decisions in _vectors(space):
        architecture = space.decode(decisions)
        back = space.encode(architecture)
        expect(
            back == decisions,
            "`encode` should be the inverse of `decode`. Received: "
            f"{back} for the architecture of {decisions}.",
        )
        expect(
            space.decode(decisions) == architecture,
            "Two architectures of one vector should be equal (`==`).",
        )
        expect(
            space.from_names(space.to_names(decisions)) == decisions,
            "`from_names` should be the inverse of `to_names`.",
        )
        key = space.to_key(decisions)
        expect(
            space.from_key(key) == decisions and key == key.strip() != "",
            "`from_key` should be the inverse of `to_key`, a text. Received: "
            f"{space.from_key(key)} by {key!r} for {decisions}.",
        )


def check_wrong_vectors_are_refused(space: SearchSpace) -> None:
    """A vector of another length, or beyond the choices, is a ValueError."""
    first = _vectors(space)[0]
    counts = tuple(len(decision.choices) for decision in space.decisions)
    for wrong in ((), first[1:], (*first, 0), counts):
        for use in (space.decode, space.canonical, space.to_names):
            try:
                use(wrong)
            except ValueError as error:
                said = str(error)
            else:
                said = ""
            expect(
                "`decisions`" in said and "Received" in said,
                f"`{use.__name__}` should refuse {wrong} with a ValueError "
                "that says what it expects of `decisions` and what it "
                "received: begin it with `self.check(decisions)`.",
            )


def check_canonical(space: SearchSpace) -> None:
    """A canonical vector is one of the space and its own canonical vector,
    and its network costs the same, if the space says so."""
    for decisions in _vectors(space):
        form = space.canonical(decisions)
        space.check(form)
        expect(
            all(type(choice) is int for choice in form),
            f"`canonical` should return plain integers. Received: {form!r}.",
        )
        expect(
            space.canonical(form) == form,
            "`canonical` of a canonical vector should be that vector. "
            f"Received: {space.canonical(form)} for {form}.",
        )
        if space.kind is not None and space.same_costs:
            expect(
                _cost(space, form) == _cost(space, decisions),
                "A canonical vector should have a network of the same cost. "
                f"Received: {form} for {decisions}.",
            )


def check_features(space: SearchSpace) -> None:
    """Checks that features are finite, that each architecture has the same
    number of them, and that equal `canonical` means equal features."""
    vectors = _vectors(space)
    widths = set()
    for decisions in vectors:
        features = space.features(decisions)
        expect(
            np.all(np.isfinite(features)),
            f"`features` should be finite. Received: {features}.",
        )
        expect(
            np.array_equal(
                features, space.features(space.canonical(decisions))
            ),
            "`features` should be equal where `canonical` is equal, as for "
            f"{decisions} they are not.",
        )
        widths.add(np.shape(features))
    expect(
        len(widths) == 1,
        f"`features` should be as many for each. Received: {widths}.",
    )


def check_architectures_are_data(space: SearchSpace) -> None:
    """`to_data` is JSON from which the architecture comes back."""
    for decisions in _vectors(space):
        architecture = space.decode(decisions)
        data = json.loads(json.dumps(space.to_data(architecture)))
        if space.kind is None:
            again = space.decode(space.from_names(data["decisions"]))
        else:
            kind, again = architectures.from_data(data)
            expect(
                kind.name == space.kind_name,
                f"`to_data` should name the kind {space.kind_name!r}. "
                f"Received: {kind.name!r}.",
            )
        expect(
            again == architecture,
            f"`to_data` should give the architecture back. Received: {again} "
            f"for {architecture}.",
        )


def check_text_and_pictures(space: SearchSpace) -> None:
    """Each architecture has a text of its own; a picture shows something."""
    vectors = _vectors(space)
    texts = {space.text(space.decode(decisions)) for decisions in vectors}
    expect(
        len(texts) == len(set(vectors)) and all(map(str.strip, texts)),
        "`text` should say what an architecture is, each another.",
    )
    pictures = space.pictures(space.decode(vectors[-1]))
    expect(
        all(figure.axes for figure in pictures.values()),
        "`pictures` should be figures with something on them.",
    )


def check_networks(space: SearchSpace) -> None:
    """A network is built as it is counted."""
    if space.kind is None:
        return
    expect(
        "network" in space.capabilities,
        "A space with a kind should have the capability `network`.",
    )
    vectors = _vectors(space)
    for decisions in (vectors[0], vectors[-1]):
        arguments = {**NETWORK, **space.kind.scale}
        model = space.kind.build(space.decode(decisions), **arguments)
        counted = _cost(space, decisions).parameters
        expect(
            model.count_params() == counted,
            f"`complexity` should count the parameters of `build`. Received: "
            f"{counted} and {model.count_params()}.",
        )
        expect(
            model.output_shape == (None, NETWORK["classes"]),
            "A network should return probabilities of classes. Received: "
            f"{model.output_shape}.",
        )


SPACE_CHECKS = (
    check_it_is_made_again,
    check_decisions,
    check_vectors_are_architectures,
    check_wrong_vectors_are_refused,
    check_canonical,
    check_features,
    check_architectures_are_data,
    check_text_and_pictures,
    check_networks,
)


def _vectors(space: SearchSpace) -> list[Decisions]:
    """The first vector and random ones."""
    rng = np.random.default_rng(0)
    first = (0,) * len(space.decisions)
    return [first, *(space.sample(rng) for _ in range(SAMPLES))]


def _cost(space: SearchSpace, decisions: Decisions) -> architectures.Complexity:
    kind = architectures.find_kind(space.kind_name)
    arguments = {**NETWORK, **kind.scale}
    return kind.complexity(space.decode(decisions), **arguments)
