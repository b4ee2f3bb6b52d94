import pytest

from search.strategies import create_strategy


def test_proposals_are_the_suggestions_of_the_evaluator(space):
    genotypes = [
        space.decode((number % 2,) * len(space.decisions))
        for number in range(4)
    ]
    darts = create_strategy("darts", space, 0)
    darts.prepare(lambda number: genotypes[number], None)
    assert [space.decode(darts.ask(number)) for number in range(4)] == genotypes


def test_without_an_evaluator_there_are_none(space):
    with pytest.raises(ValueError, match="Expected a call of `prepare`"):
        create_strategy("darts", space, 0).ask(0)
